import assert from "node:assert/strict";
import type { CameraPicture, PcmBlock } from "../../../src/media/mod.ts";
import { Inbox } from "../../../src/pipeline/inbox.ts";
import type { ControlMessage, MediaMessage } from "../../../src/pipeline/contract.ts";

function makeInbox() {
  const sent: { lane: string; message: ControlMessage & MediaMessage; transfer: readonly unknown[] }[] = [];
  const inbox = new Inbox((lane, message, transfer) => {
    sent.push({ lane, message: message as ControlMessage & MediaMessage, transfer });
  });
  /** Has the pipeline take control messages until none is left; returns those it got since the beginning. */
  function drain(): ControlMessage[] {
    for (let taken = 0; taken < of("control").length; taken++) inbox.taken("control");
    return of("control");
  }
  function of(lane: string) {
    return sent.filter((one) => one.lane === lane).map(({ message }) => message);
  }
  return { inbox, sent, of, drain };
}

function picture(first: number): CameraPicture {
  const data = Uint8Array.of(first, 0, 0, 255);
  return { format: "rgba", data, width: 1, height: 1, receivedAt: 1000 + first };
}

function sound(samples: readonly number[], shape: { sampleRate?: number; channels?: 1 | 2 } = {}): PcmBlock {
  return { samples: Int16Array.from(samples), sampleRate: 48_000, channels: 1, ...shape };
}

function seconds(length: number, value: number): PcmBlock {
  return sound(new Array(length * 8192).fill(value), { sampleRate: 8192 });
}

Deno.test("control messages go one at a time, in their order", () => {
  const { inbox, of, drain } = makeInbox();
  for (let n = 0; n < 5; n++) inbox.control({ type: "control", n });
  assert.deepEqual(of("control").map(({ n }) => n), [0], "the next one waits until the first is taken");
  assert.equal(inbox.length, 4);
  inbox.taken("control");
  assert.deepEqual(of("control").map(({ n }) => n), [0, 1]);
  assert.deepEqual(drain().map(({ n }) => n), [0, 1, 2, 3, 4]);
  inbox.control({ type: "control", n: 5 });
  assert.equal(of("control").length, 6, "a lane that is free again takes the next one at once");
  assert.deepEqual([inbox.counters.controlsReceived, inbox.counters.controlsDropped], [6, 0]);
});

Deno.test("64 may wait; of more, the oldest that a newer one replaces is left out and counted", () => {
  const { inbox, drain } = makeInbox();
  inbox.control({ type: "control", prompt: "under way" });
  inbox.control({ type: "the only one of its kind" });
  inbox.control({ type: "control", prompt: "old" });
  inbox.control({ type: "control", key: "ArrowUp", action: "press", id: 1 });
  inbox.control({ type: "control", prompt: "new" });
  for (let n = 0; n < 60; n++) inbox.control({ type: `kind ${n}` });
  assert.deepEqual([inbox.length, inbox.counters.controlsDropped], [64, 0]);
  inbox.control({ type: "control", key: "ArrowUp", action: "release", id: 2, timestamp: 5 });
  assert.deepEqual([inbox.length, inbox.counters.controlsDropped], [64, 1]);
  inbox.control({ type: "control", key: "ArrowDown", action: "press" });
  assert.deepEqual([inbox.length, inbox.counters.controlsDropped], [64, 2]);
  const got = drain();
  const controls = got.filter(({ type }) => type === "control").map((
    { prompt, key, action },
  ) => [prompt ?? key, action]);
  assert.deepEqual(controls, [
    ["under way", undefined],
    ["new", undefined],
    ["ArrowUp", "release"],
    ["ArrowDown", "press"],
  ]);
  assert.deepEqual([got.length, got[1]?.type], [65, "the only one of its kind"]);
});

Deno.test("when each is the only one of its kind, the oldest is left out", () => {
  const { inbox, drain } = makeInbox();
  for (let n = 0; n < 70; n++) inbox.control({ type: `kind ${n}` });
  const types = drain().map(({ type }) => type);
  assert.deepEqual(types, ["kind 0", ...Array.from({ length: 64 }, (_, n) => `kind ${n + 6}`)]);
  assert.equal(inbox.counters.controlsDropped, 5);
});

Deno.test("five hundred messages at once: the newest state of each kind arrives", () => {
  const { inbox, drain } = makeInbox();
  for (let n = 0; n < 500; n++) {
    const key = ["ArrowUp", "ArrowDown", "ArrowLeft"][n % 3] ?? "";
    if (n % 50 === 0) inbox.control({ type: "control", prompt: `prompt ${n}` });
    inbox.control({ type: "control", key, action: n % 2 === 0 ? "press" : "release", n });
  }
  const got = drain();
  const { controlsReceived, controlsDropped } = inbox.counters;
  assert.equal(controlsReceived, 510);
  assert.equal(got.length, controlsReceived - controlsDropped);
  assert.deepEqual(["ArrowUp", "ArrowDown", "ArrowLeft"].map((key) => got.findLast((one) => one.key === key)?.n), [
    498,
    499,
    497,
  ]);
  assert.equal(got.findLast(({ prompt }) => prompt !== undefined)?.prompt, "prompt 450");
  const numbers = got.flatMap(({ n }) => typeof n === "number" ? [n] : []);
  assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b), "what is left keeps its order");
});

Deno.test("the lanes do not wait for each other", () => {
  const { inbox, sent } = makeInbox();
  inbox.control({ type: "control", n: 0 });
  inbox.control({ type: "control", n: 1 });
  inbox.picture(picture(1));
  inbox.sound(sound([1]));
  inbox.sound(sound([2]));
  assert.deepEqual(sent.map(({ lane }) => lane), ["control", "video", "audio"]);
  inbox.taken("audio");
  assert.deepEqual(sent.slice(3).map(({ lane }) => lane), ["audio"]);
  inbox.taken("video");
  assert.equal(sent.length, 4, "a free picture lane does not free the others");
});

Deno.test("a picture is taken only while none is under way, and says when the next one may come", () => {
  const { inbox, of, sent } = makeInbox();
  let freed = 0;
  inbox.whenFree = () => freed++;
  assert.equal(inbox.takesPicture, true);
  inbox.picture(picture(1));
  assert.equal(inbox.takesPicture, false);
  inbox.picture(picture(2));
  assert.equal(freed, 0);
  inbox.taken("video");
  assert.deepEqual([freed, inbox.takesPicture], [1, true]);
  inbox.picture(picture(3));
  assert.deepEqual(of("video").map(({ video_frames }) => video_frames?.map(({ data }) => data[0])), [[1], [3]]);
  const [first] = of("video");
  assert.deepEqual(first?.video_frames?.[0], {
    data: Uint8Array.of(1, 0, 0, 255),
    format: "rgba",
    width: 1,
    height: 1,
    timestamp: 1001,
  });
  assert.equal(first?.type, "media");
  assert.deepEqual(
    sent[0]?.transfer,
    [first?.video_frames?.[0]?.data.buffer],
    "the pixels are handed over, not copied",
  );
  assert.equal(inbox.counters.pictures, 2);
});

Deno.test("sound that waits is joined into one block", () => {
  const { inbox, of } = makeInbox();
  inbox.sound(sound([1, 2], { channels: 2 }));
  inbox.sound(sound([3, 4], { channels: 2 }));
  inbox.sound(sound([5, 6, 7, 8], { channels: 2 }));
  inbox.taken("audio");
  assert.deepEqual(of("audio"), [
    { type: "media", audio_pcm: Int16Array.of(1, 2), sample_rate: 48_000, channels: 2 },
    { type: "media", audio_pcm: Int16Array.of(3, 4, 5, 6, 7, 8), sample_rate: 48_000, channels: 2 },
  ]);
  inbox.taken("audio");
  assert.equal(of("audio").length, 2, "nothing is sent when nothing waits");
});

Deno.test("of sound, one second waits; the oldest beyond it is left out and counted", () => {
  const { inbox, of } = makeInbox();
  const block = 1 / 32;
  inbox.sound(seconds(block, 0));
  for (let n = 1; n <= 40; n++) inbox.sound(seconds(block, n));
  assert.equal(inbox.counters.soundDropped, 8 * block);
  inbox.taken("audio");
  const samples = of("audio")[1]?.audio_pcm;
  assert.deepEqual([samples?.length, samples?.[0], samples?.at(-1)], [8192, 9, 40]);
});

Deno.test("sound of another shape is not joined to what was before it", () => {
  const { inbox, of } = makeInbox();
  inbox.sound(sound([1]));
  inbox.sound(sound([2]));
  inbox.sound(sound([3, 4], { channels: 2, sampleRate: 24_000 }));
  inbox.taken("audio");
  assert.deepEqual(of("audio").slice(1), [
    { type: "media", audio_pcm: Int16Array.of(3, 4), sample_rate: 24_000, channels: 2 },
  ]);
});

Deno.test("a closed inbox takes nothing, sends nothing and calls nobody", () => {
  const { inbox, sent } = makeInbox();
  let freed = 0;
  inbox.whenFree = () => freed++;
  inbox.control({ n: 0 });
  inbox.control({ n: 1 });
  inbox.picture(picture(1));
  inbox.sound(sound([1]));
  inbox.sound(sound([2]));
  inbox.close();
  for (const lane of ["control", "video", "audio"] as const) inbox.taken(lane);
  inbox.control({ n: 2 });
  inbox.picture(picture(2));
  inbox.sound(sound([3]));
  assert.deepEqual([sent.length, freed, inbox.length, inbox.takesPicture], [3, 0, 0, false]);
});

Deno.test("a lane that is not busy is not freed", () => {
  const { inbox, sent } = makeInbox();
  inbox.taken("control");
  inbox.taken("video");
  inbox.control({ n: 0 });
  inbox.taken("video");
  inbox.control({ n: 1 });
  assert.equal(sent.length, 1);
});
