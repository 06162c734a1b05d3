import assert from "node:assert/strict";
import type { Chunk, PipelineContext, ServerPushService, StreamRequest, VideoFile } from "telefuser";
import { getService } from "../../../pipelines/video_replay.ts";

interface FakeFile {
  frames: number;
  fps: number;
  bytes?: number;
  sound?: { sample_rate: number; channels: 1 | 2; samples: number; duration_s?: number } | null;
  timestamps?: readonly number[];
}

interface Fake {
  context: PipelineContext;
  opened: string[];
  warnings: string[];
  closed: () => boolean;
}

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** A file whose frame i is the byte i and whose sample n is the number n. */
function fake(file: FakeFile, media: readonly string[] = []): Fake {
  const opened: string[] = [];
  const warnings: string[] = [];
  let closed = false;
  const { sound = null } = file;
  const video: VideoFile = {
    width: 640,
    height: 360,
    fps: file.fps,
    duration_s: sound?.duration_s ?? file.frames / file.fps,
    audio: sound === null ? null : { sample_rate: sound.sample_rate, channels: sound.channels },
    async *frames() {
      for (let i = 0; i < file.frames; i++) {
        const data = new Uint8Array(file.bytes ?? 1);
        data[0] = i;
        yield await Promise.resolve({ format: "jpeg" as const, data, timestamp: file.timestamps?.[i] ?? i / file.fps });
      }
    },
    readAudio() {
      const { samples, channels } = sound ?? { samples: 0, channels: 1 };
      return Promise.resolve(
        Int16Array.from({ length: samples * channels }, (_, i) => Math.floor(i / channels) % 30_000),
      );
    },
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
  const context: PipelineContext = {
    log: { ...SILENT, warn: (message) => void warnings.push(message) },
    signal: new AbortController().signal,
    media,
    openVideo(path) {
      opened.push(path);
      return Promise.resolve(video);
    },
  };
  return { context, opened, warnings, closed: () => closed };
}

async function started(file: FakeFile): Promise<ServerPushService> {
  const service = getService() as ServerPushService;
  await service.start?.(fake(file).context);
  return service;
}

async function play(
  service: ServerPushService,
  wishes: Partial<StreamRequest>,
  { most = Infinity, signal = new AbortController().signal }: { most?: number; signal?: AbortSignal } = {},
): Promise<Chunk[]> {
  const request: StreamRequest = { session_id: "s", task: "t2v", config: {}, realtime: false, ...wishes };
  const chunks: Chunk[] = [];
  for await (const chunk of service.serve(request, { log: SILENT, signal })) {
    chunks.push(chunk);
    if (chunks.length >= most) break;
  }
  return chunks;
}

function pictures(chunks: readonly Chunk[]): number[] {
  return chunks.flatMap((chunk) => (chunk.frames ?? []).map((frame) => frame.data[0] ?? -1));
}

function samples(chunks: readonly Chunk[]): number[] {
  return chunks.flatMap((chunk) => [...(chunk.audio ?? [])]);
}

Deno.test("the server's clip is opened when no media file is named", async () => {
  const { context, opened, closed } = fake({ frames: 3, fps: 24 });
  await getService().start?.(context);
  assert.deepEqual(opened, ["telefuser:clip"]);
  assert.ok(closed(), "the decoder is freed once the clip is in memory");
});

Deno.test("the first media file is opened", async () => {
  const { context, opened } = fake({ frames: 3, fps: 24 }, ["a.mp4", "b.mp4"]);
  await getService().start?.(context);
  assert.deepEqual(opened, ["a.mp4"]);
});

Deno.test("the file's own rate becomes the default", async () => {
  const service = await started({ frames: 30, fps: 30_000 / 1001 });
  assert.equal(service.defaultFps, 30_000 / 1001);
});

Deno.test("chunks hold about half a second and say what they are", async () => {
  const service = await started({ frames: 48, fps: 24, sound: { sample_rate: 48_000, channels: 2, samples: 96_000 } });
  const chunks = await play(service, { duration_s: 2, prompt: "hello" });
  assert.equal(chunks.length, 4);
  for (const [index, chunk] of chunks.entries()) {
    assert.equal(chunk.index, index);
    assert.equal(chunk.fps, 24);
    assert.equal(chunk.num_frames, 12);
    assert.equal(chunk.frames?.length, 12);
    assert.equal(chunk.resolution, "640x360");
    assert.equal(chunk.prompt, "hello");
    assert.equal(chunk.audio_sample_rate, 48_000);
    assert.equal(chunk.audio_channels, 2);
    assert.equal(chunk.audio?.length, 48_000);
    assert.ok(Math.abs((chunk.timestamp ?? 0) - Date.now() / 1000) < 60);
  }
  assert.deepEqual(pictures(chunks), Array.from({ length: 48 }, (_, i) => i));
});

Deno.test("without a prompt or a sound track those fields are absent", async () => {
  const [chunk] = await play(await started({ frames: 24, fps: 24 }), { duration_s: 0.5 });
  assert.ok(chunk !== undefined && !("prompt" in chunk) && !("audio" in chunk));
});

Deno.test("sound never drifts from pictures at a fractional rate, over many rounds", async () => {
  const fps = 30_000 / 1001;
  const rate = 44_100;
  const service = await started({ frames: 100, fps, sound: { sample_rate: rate, channels: 1, samples: 200_000 } });
  const chunks = await play(service, { duration_s: 60 });
  let frames = 0;
  let heard = 0;
  for (const chunk of chunks) {
    frames += chunk.num_frames ?? 0;
    heard += chunk.audio?.length ?? 0;
    assert.equal(heard, Math.round((frames / fps) * rate), `after ${frames} frames`);
  }
  assert.equal(frames, Math.round(60 * fps));
  const round = (100 / fps) * rate;
  const all = samples(chunks);
  for (const n of [0, 1, 2, 5, 11]) {
    const began = Math.round(n * round);
    assert.equal(all[began], 0, `round ${n} starts with the first sample`);
    assert.equal(all[began + 1], 1);
    assert.equal(all[began + 20_000], 20_000);
  }
  assert.deepEqual(pictures(chunks).slice(98, 103), [98, 99, 0, 1, 2]);
});

Deno.test("a round whose length falls between two samples begins at a whole one", async () => {
  const service = await started({ frames: 1, fps: 16, sound: { sample_rate: 8008, channels: 1, samples: 501 } });
  const all = samples(await play(service, { duration_s: 1 }));
  const starts = all.flatMap((value, index) => value === 0 ? [index] : []);
  assert.deepEqual(starts, Array.from({ length: 16 }, (_, n) => Math.round(n * 500.5)));
  assert.equal(all.length, 8008);
});

Deno.test("a sound track shorter than the pictures is followed by silence, a longer one is cut", async () => {
  const short = await started({ frames: 10, fps: 10, sound: { sample_rate: 8000, channels: 1, samples: 4000 } });
  const quiet = samples(await play(short, { duration_s: 2 }));
  assert.equal(quiet[3999], 3999);
  assert.ok(quiet.slice(4000, 8000).every((value) => value === 0));
  assert.equal(quiet[8001], 1);
  const long = await started({ frames: 10, fps: 10, sound: { sample_rate: 8000, channels: 1, samples: 9000 } });
  assert.equal(samples(await play(long, { duration_s: 2 }))[8001], 1);
});

Deno.test("duration_s ends the stream on its frame", async () => {
  const service = await started({ frames: 24, fps: 24 });
  assert.equal(pictures(await play(service, { duration_s: 1.25 })).length, 30);
  assert.equal(pictures(await play(service, { duration_s: 0.001 })).length, 1);
});

Deno.test("the stream is endless without duration_s", async () => {
  const service = await started({ frames: 6, fps: 24 });
  assert.equal((await play(service, {}, { most: 40 })).length, 40);
});

Deno.test("another fps keeps the speed of pictures and sound", async () => {
  const service = await started({ frames: 48, fps: 24, sound: { sample_rate: 48_000, channels: 1, samples: 96_000 } });
  const slow = await play(service, { fps: 12, duration_s: 2 });
  assert.deepEqual(pictures(slow), Array.from({ length: 24 }, (_, i) => 2 * i));
  assert.equal(slow[0]?.fps, 12);
  const fast = await play(service, { fps: 60, duration_s: 2 });
  assert.equal(pictures(fast).length, 120);
  assert.equal(pictures(fast)[119], 47);
  assert.deepEqual(samples(fast), samples(slow));
});

Deno.test("timestamps rounded to milliseconds show every picture once", async () => {
  const fps = 30_000 / 1001;
  const timestamps = Array.from({ length: 60 }, (_, i) => Math.round((i / fps) * 1000) / 1000);
  const chunks = await play(await started({ frames: 60, fps, timestamps }), { duration_s: 2 });
  assert.deepEqual(pictures(chunks), Array.from({ length: 60 }, (_, i) => i));
});

Deno.test("pictures of a variable rate are shown at their own times", async () => {
  const service = await started({ frames: 3, fps: 10, timestamps: [0, 0.1, 0.5] });
  const chunks = await play(service, { duration_s: 0.6 });
  assert.deepEqual(pictures(chunks), [0, 1, 1, 1, 2, 2]);
});

Deno.test("bad wishes are refused with the field's name and a remedy", async () => {
  const service = await started({ frames: 3, fps: 24 });
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ duration_s: 0 }, /duration_s is 0: give a number of seconds above 0/],
    [{ duration_s: -3 }, /duration_s is -3/],
    [{ duration_s: "long" }, /duration_s is "long"/],
    [{ fps: 0 }, /fps is 0: give a number from 0\.1 to 240/],
    [{ fps: 1000 }, /fps is 1000/],
    [{ realtime: "no" }, /realtime is "no": give true or false/],
  ];
  for (const [wishes, message] of wrong) await assert.rejects(play(service, wishes as Partial<StreamRequest>), message);
});

Deno.test("a file without pictures is refused", async () => {
  const { context, closed } = fake({ frames: 0, fps: 24 });
  await assert.rejects(async () => await getService().start?.(context), /telefuser:clip has no pictures.*--media/);
  assert.ok(closed());
});

Deno.test("a video too long for memory is replayed as far as it fits, with a warning", async () => {
  const { context, warnings } = fake({ frames: 9, fps: 10, bytes: 100 * 1024 * 1024 });
  const service = getService();
  await service.start?.(context);
  assert.equal(warnings.length, 1);
  assert.deepEqual(pictures(await play(service, { duration_s: 0.7 })), [0, 1, 2, 3, 4, 0, 1]);
});

Deno.test("a sound track too long for memory is left out, with a warning", async () => {
  const sound = { sample_rate: 48_000, channels: 2 as const, samples: 10, duration_s: 86_400 };
  const { context, warnings } = fake({ frames: 3, fps: 10, sound });
  const service = getService();
  await service.start?.(context);
  assert.match(warnings[0] ?? "", /sound is too long/);
  assert.equal((await play(service, { duration_s: 0.2 }))[0]?.audio, undefined);
});

Deno.test("in real time no chunk comes more than one chunk early", async () => {
  const service = await started({ frames: 50, fps: 50 });
  const began = performance.now();
  await play(service, { realtime: true, duration_s: 2 });
  const took = performance.now() - began;
  assert.ok(took >= 990, `four chunks of 0.5 s took ${took} ms`);
});

Deno.test("a viewer that leaves ends the wait for the next chunk", async () => {
  const service = await started({ frames: 50, fps: 0.1 });
  const controller = new AbortController();
  const playing = play(service, { realtime: true }, { signal: controller.signal });
  setTimeout(() => controller.abort(), 20);
  const chunks = await playing;
  assert.ok(chunks.length >= 2 && chunks.length <= 3);
});

Deno.test("two viewers do not disturb each other", async () => {
  const service = await started({ frames: 24, fps: 24 });
  const [one, two] = await Promise.all([play(service, { duration_s: 3 }), play(service, { duration_s: 3 })]);
  assert.deepEqual(pictures(one), pictures(two));
});
