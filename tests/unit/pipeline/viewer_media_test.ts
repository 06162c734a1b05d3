import assert from "node:assert/strict";
import { parseViewerMedia } from "../../../src/pipeline/viewer_media.ts";

const VIDEO = { format: "rgba", width: undefined, height: undefined };
const AUDIO = { sampleRate: 48_000, channels: 1 };

Deno.test("camera as rgba and microphone at 48 kHz are the defaults", () => {
  for (const value of [undefined, null, {}, { video: {}, audio: {} }]) {
    assert.deepEqual(parseViewerMedia(value), { video: VIDEO, audio: AUDIO });
  }
});

Deno.test("what a service says is taken", () => {
  const value = {
    video: { format: "i420", width: 320, height: 240 },
    audio: { sample_rate: 16_000, channels: 2 },
  };
  assert.deepEqual(parseViewerMedia(value), {
    video: { format: "i420", width: 320, height: 240 },
    audio: { sampleRate: 16_000, channels: 2 },
  });
  const scaled = parseViewerMedia({ video: { format: "jpeg", width: 640 } });
  assert.deepEqual(scaled, { video: { format: "jpeg", width: 640, height: undefined }, audio: AUDIO });
});

Deno.test("false takes one of them not at all", () => {
  assert.deepEqual(parseViewerMedia({ video: false }), { video: null, audio: AUDIO });
  assert.deepEqual(parseViewerMedia({ audio: false }), { video: VIDEO, audio: null });
  assert.deepEqual(parseViewerMedia({ video: false, audio: false }), { video: null, audio: null });
});

for (
  const [value, field] of [
    [{ video: { format: "bmp" } }, "video.format"],
    [{ video: { width: 321 } }, "video.width"],
    [{ video: { width: 14 } }, "video.width"],
    [{ video: { height: 4098 } }, "video.height"],
    [{ video: { height: "240" } }, "video.height"],
    [{ video: true }, "video"],
    [{ audio: "yes" }, "audio"],
    [{ audio: { sample_rate: 7999 } }, "audio.sample_rate"],
    [{ audio: { sample_rate: 192_001 } }, "audio.sample_rate"],
    [{ audio: { sample_rate: 44_100.5 } }, "audio.sample_rate"],
    [{ audio: { channels: 3 } }, "audio.channels"],
    ["camera", ""],
    [[], ""],
  ] as const
) {
  Deno.test(`${JSON.stringify(value)} is refused, and the fault names the field`, () => {
    const parsed = parseViewerMedia(value);
    assert.ok("fault" in parsed, JSON.stringify(parsed));
    const name = field === "" ? "viewerMedia" : `viewerMedia.${field}`;
    assert.ok(parsed.fault.startsWith(`${name} `), parsed.fault);
    assert.match(parsed.fault.slice(name.length), /^ must be /, "it says what to do");
  });
}
