import assert from "node:assert/strict";
import { FormatContext } from "node-av/lib";
import { openInput } from "../../../src/codec/media_input.ts";
import { quietFfmpeg } from "../../../src/codec/native.ts";
import { StreamError } from "../../../src/errors.ts";

const CLIP = new URL("../../../pipelines/assets/clip.mp4", import.meta.url).pathname;

async function open(path: string): Promise<void> {
  quietFfmpeg();
  await using format = new FormatContext();
  await openInput(format, path);
}

function isRefused(error: unknown): boolean {
  return error instanceof StreamError && error.code === "invalid_frame" &&
    error.message.includes("cannot open the video");
}

Deno.test("a video file is opened, whatever it is called", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.copyFile(CLIP, `${folder}/clip.m3u8`);
    await open(CLIP);
    await open(`${folder}/clip.m3u8`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const LISTS: Readonly<Record<string, string>> = {
  "list.ffconcat": `ffconcat version 1.0\nfile ${CLIP}\n`,
  "list.m3u8": `#EXTM3U\n#EXT-X-TARGETDURATION:60\n#EXTINF:30,\nfile://${CLIP}\n#EXT-X-ENDLIST\n`,
  "as_video.mp4": `ffconcat version 1.0\nfile ${CLIP}\n`,
};

for (const [name, text] of Object.entries(LISTS)) {
  Deno.test(`a list of files is not followed: ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/${name}`, text);
      await assert.rejects(open(`${folder}/${name}`), isRefused);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

for (const path of ["/not/there.mp4", "concat:" + CLIP, "data:video/mp4;base64,AAAA", "http://127.0.0.1:9/clip.mp4"]) {
  Deno.test(`what is no file is not opened: ${path.slice(0, 24)}`, async () => {
    await assert.rejects(open(path), isRefused);
  });
}
