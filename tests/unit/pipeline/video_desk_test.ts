import assert from "node:assert/strict";
import { StreamError } from "../../../src/errors.ts";
import type { FilePicture, VideoFileOptions, VideoFileReader } from "../../../src/media/mod.ts";
import { permissionsFor, readModuleGraph, type SecurityLevel } from "../../../src/pipeline/mod.ts";
import { VideoDesk } from "../../../src/pipeline/video_desk.ts";
import { Collector } from "../support/collector.ts";
import { TempFolder } from "../support/temp_folder.ts";

const MIB = 1024 * 1024;

/** What is in a file beside its pictures. */
interface FileParts {
  readonly pictureBytes?: number;
  readonly samples?: Int16Array;
  readonly duration?: number;
  readonly width?: number;
  readonly height?: number;
  /** What every picture waits for. */
  readonly reading?: Promise<void>;
}

/** A file of so many pictures that knows whether it was closed. */
class HandFile implements VideoFileReader {
  readonly width: number;
  readonly height: number;
  readonly fps = 25;
  readonly duration: number;
  readonly audio = { sampleRate: 48_000, channels: 2 } as const;
  closed = 0;
  /** Times that pictures, or sound, were read. */
  reads = 0;
  soundReads = 0;
  #left: number;
  readonly #parts: FileParts;

  constructor(pictures: number, parts: FileParts) {
    this.#left = pictures;
    this.#parts = parts;
    this.duration = parts.duration ?? 2;
    this.width = parts.width ?? 64;
    this.height = parts.height ?? 48;
  }

  async nextPicture(): Promise<FilePicture | null> {
    this.reads++;
    await this.#parts.reading;
    if (this.#left === 0) return null;
    const data = new Uint8Array(this.#parts.pictureBytes ?? 1).fill(this.#left--);
    return { format: "jpeg", data, timestamp: 0 };
  }

  readAudio(): Promise<Int16Array> {
    this.soundReads++;
    return Promise.resolve(this.#parts.samples ?? Int16Array.of(1, 2, 3, 4));
  }

  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }
}

interface Opened {
  readonly path: string;
  readonly options: VideoFileOptions;
  readonly file: HandFile;
}

async function makeDesk(
  folder: TempFolder,
  { level = "standard", media = [], gate = Promise.resolve(), pictures = 3, parts = {} }: {
    level?: SecurityLevel;
    media?: readonly string[];
    /** What opening a file waits for. */
    gate?: Promise<void>;
    pictures?: number;
    parts?: FileParts;
  } = {},
) {
  const entry = folder.at("app/main.ts");
  const opened = new Collector<Opened>();
  const desk = new VideoDesk({
    entry,
    permissions: await permissionsFor(level, await readModuleGraph(entry), { read: [], net: [], env: [], media }),
    assets: new Map([["telefuser:clip", folder.at("assets/clip.mp4")]]),
    openVideo: async (path, options) => {
      const file = new HandFile(pictures, parts);
      opened.add({ path, options, file });
      await gate;
      return file;
    },
  });
  return { desk, collected: opened, opened: opened.items };
}

async function makeFolder(): Promise<TempFolder> {
  return await TempFolder.make({
    "app/main.ts": "",
    "app/films/one.mp4": "",
    "elsewhere/two.mp4": "",
    "assets/clip.mp4": "",
  });
}

async function refusal(answer: Promise<unknown>): Promise<StreamError> {
  const error: unknown = await answer.then(() => undefined, (thrown: unknown) => thrown);
  assert.ok(error instanceof StreamError, `not refused: ${String(error)}`);
  return error;
}

function open(path: string, options: Record<string, unknown> = {}) {
  return { path, options };
}

async function openHandle(desk: VideoDesk, path: string): Promise<number> {
  const { value } = await desk.answer("openVideo", open(path));
  assert.ok(typeof value === "object" && value !== null && "handle" in value && typeof value.handle === "number");
  return value.handle;
}

Deno.test("opens paths that begin at the pipeline's folder, and says what the file is", async () => {
  await using folder = await makeFolder();
  const { desk, opened } = await makeDesk(folder);
  for (const path of ["films/one.mp4", "./films/one.mp4", folder.at("app/films/one.mp4"), "../app/films/one.mp4"]) {
    const { value, transfer } = await desk.answer("openVideo", open(path));
    assert.deepEqual({ ...value as object, handle: 0 }, {
      handle: 0,
      width: 64,
      height: 48,
      fps: 25,
      duration_s: 2,
      audio: { sample_rate: 48_000, channels: 2 },
    });
    assert.deepEqual(transfer, []);
  }
  for (const { path, options } of opened) {
    assert.equal(path, folder.at("app/films/one.mp4"));
    assert.deepEqual(options, { format: "jpeg", quality: 90, width: undefined, height: undefined });
  }
  await desk.close();
});

Deno.test("passes on how pictures are wanted", async () => {
  await using folder = await makeFolder();
  const { desk, opened } = await makeDesk(folder);
  const options = { format: "i420", quality: 50, width: 320, height: 180 } as const;
  await desk.answer("openVideo", open("films/one.mp4", options));
  assert.deepEqual(opened[0]?.options, options);
  await desk.answer("openVideo", open("films/one.mp4", { quality: 1, width: 16, height: 4096 }));
  await desk.answer("openVideo", open("films/one.mp4", { quality: 100, width: 4096, height: 16 }));
  assert.equal(opened.length, 3);
  await desk.close();
});

Deno.test("refuses what the level does not allow and names the flag that would", async () => {
  await using folder = await makeFolder();
  for (const level of ["strict", "standard"] as const) {
    const { desk, opened } = await makeDesk(folder, { level });
    const error = await refusal(desk.answer("openVideo", open("../elsewhere/two.mp4")));
    assert.equal(error.code, "permission_denied");
    assert.ok(error.message.includes(`--media ${folder.at("elsewhere/two.mp4")}`), error.message);
    assert.ok(error.message.includes(level), error.message);
    assert.deepEqual(opened, []);
  }
  const { desk } = await makeDesk(folder, { level: "strict" });
  assert.match((await refusal(desk.answer("openVideo", open("films/one.mp4")))).message, /--media/);
});

Deno.test("opens named media at the strict level", async () => {
  await using folder = await makeFolder();
  const { desk, opened } = await makeDesk(folder, { level: "strict", media: [folder.at("elsewhere/two.mp4")] });
  await desk.answer("openVideo", open("../elsewhere/two.mp4"));
  assert.equal(opened.length, 1);
  await desk.close();
});

Deno.test("refuses a link that leads out of the folder", async () => {
  await using folder = await makeFolder();
  await Deno.symlink(folder.at("elsewhere/two.mp4"), folder.at("app/film.mp4"));
  await Deno.symlink(folder.at("elsewhere"), folder.at("app/cinema"));
  const { desk, opened } = await makeDesk(folder);
  for (const path of ["film.mp4", "cinema/two.mp4"]) {
    assert.equal((await refusal(desk.answer("openVideo", open(path)))).code, "permission_denied", path);
  }
  assert.deepEqual(opened, []);
});

Deno.test("opens what a link within the folder leads to, by its real path", async () => {
  await using folder = await makeFolder();
  await Deno.symlink(folder.at("app/films/one.mp4"), folder.at("app/film.mp4"));
  const { desk, opened } = await makeDesk(folder);
  await desk.answer("openVideo", open("film.mp4"));
  assert.equal(opened[0]?.path, folder.at("app/films/one.mp4"));
  await desk.close();
});

Deno.test("opens what comes with the server at every level, and says what there is", async () => {
  await using folder = await makeFolder();
  const { desk, opened } = await makeDesk(folder, { level: "strict" });
  await desk.answer("openVideo", open("telefuser:clip"));
  assert.equal(opened[0]?.path, folder.at("assets/clip.mp4"));
  const error = await refusal(desk.answer("openVideo", open("telefuser:film")));
  assert.match(error.message, /telefuser:film.*telefuser:clip/);
  await desk.close();
});

Deno.test("says which file is missing", async () => {
  await using folder = await makeFolder();
  const { desk } = await makeDesk(folder);
  const error = await refusal(desk.answer("openVideo", open("films/three.mp4")));
  assert.ok(error.message.includes(folder.at("app/films/three.mp4")), error.message);
});

Deno.test("gives pictures in order, as many as were asked for, with their buffers to move", async () => {
  await using folder = await makeFolder();
  const { desk } = await makeDesk(folder, { pictures: 5 });
  const handle = await openHandle(desk, "films/one.mp4");
  const batches: number[][] = [];
  for (let time = 0; time < 4; time++) {
    const { value, transfer } = await desk.answer("readPictures", { handle, count: 2 });
    const pictures = value as FilePicture[];
    batches.push(pictures.map(({ data }) => data[0] ?? 0));
    assert.deepEqual(transfer, pictures.map(({ data }) => data.buffer));
  }
  assert.deepEqual(batches, [[5, 4], [3, 2], [1], []]);
  await desk.close();
});

Deno.test("gives no more pictures at a time than 32 MiB hold, and one of any size", async () => {
  await using folder = await makeFolder();
  for (
    const [pictureBytes, counts] of [[16 * MIB, [2, 2, 1, 0]], [20 * MIB, [2, 2, 1, 0]], [64 * MIB, [
      1,
      1,
      1,
      1,
      1,
      0,
    ]]] as const
  ) {
    const { desk } = await makeDesk(folder, { pictures: 5, parts: { pictureBytes } });
    const handle = await openHandle(desk, "films/one.mp4");
    for (const count of counts) {
      const { value } = await desk.answer("readPictures", { handle, count: 64 });
      assert.equal((value as unknown[]).length, count, `${pictureBytes / MIB} MiB each`);
    }
    await desk.close();
  }
});

Deno.test("keeps no more files open than their pictures take 256 MiB, though they are asked for at once", async () => {
  await using folder = await makeFolder();
  for (const [format, count] of [["rgba", 4], ["i420", 10], ["jpeg", 10]] as const) {
    const { desk, opened } = await makeDesk(folder, { parts: { width: 4096, height: 4096 } });
    const answers = Array.from({ length: 12 }, () => desk.answer("openVideo", open("films/one.mp4", { format })));
    const outcomes = await Promise.allSettled(answers);
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, count, format);
    assert.equal(opened.filter(({ file }) => file.closed === 0).length, count, "those that are refused are closed");
    assert.match(
      (await refusal(answers[11] as Promise<unknown>)).message,
      /at most 268435456 are held; close\(\) one first/,
    );
    await desk.answer("closeVideo", { handle: 1 });
    await desk.answer("openVideo", open("films/one.mp4", { format }));
    await desk.close();
  }
});

Deno.test("reads one thing at a time, lets few wait and refuses the rest in words", async () => {
  await using folder = await makeFolder();
  const reading = Promise.withResolvers<void>();
  const { desk, opened } = await makeDesk(folder, { parts: { reading: reading.promise } });
  const handles: number[] = [];
  for (let count = 0; count < 16; count++) handles.push(await openHandle(desk, "films/one.mp4"));
  const readings = [...handles, ...handles].map((handle) => desk.answer("readPictures", { handle, count: 1 }));
  const refused = await Promise.allSettled(readings.slice(17));
  assert.deepEqual(new Set(refused.map(({ status }) => status)), new Set(["rejected"]));
  assert.match((await refusal(readings[17] as Promise<unknown>)).message, /16 readings of videos wait already/);
  assert.equal(opened.reduce((sum, { file }) => sum + file.reads, 0), 1, "the others wait");
  reading.resolve();
  assert.equal((await Promise.all(readings.slice(0, 17))).length, 17);
  await desk.answer("readPictures", { handle: handles[0], count: 1 });
  await desk.close();
});

Deno.test("a reading that fails does not hold up the next one", async () => {
  await using folder = await makeFolder();
  const { desk } = await makeDesk(folder);
  const handle = await openHandle(desk, "films/one.mp4");
  const [failed, done] = await Promise.allSettled([
    desk.answer("readPictures", { handle: 99, count: 1 }),
    desk.answer("readPictures", { handle, count: 1 }),
  ]);
  assert.deepEqual([failed.status, done.status], ["rejected", "fulfilled"]);
  await desk.close();
});

Deno.test("gives the sound in parts of 32 MiB, each with its buffer to move, and decodes it once", async () => {
  await using folder = await makeFolder();
  const samples = new Int16Array(40 * MIB).map((_, index) => index);
  const { desk, opened } = await makeDesk(folder, { parts: { samples } });
  const handle = await openHandle(desk, "films/one.mp4");
  for (const [from, length] of [[0, 16 * MIB], [16 * MIB, 16 * MIB], [32 * MIB, 8 * MIB]] as const) {
    const { value, transfer } = await desk.answer("readAudio", { handle, from });
    const part = value as { samples: Int16Array; total: number };
    assert.deepEqual([part.samples.length, part.samples[1], part.total], [
      length,
      (from + 1) << 16 >> 16,
      samples.length,
    ]);
    assert.deepEqual(transfer, [part.samples.buffer]);
  }
  assert.equal(opened[0]?.file.soundReads, 1);
  await desk.close();
});

Deno.test("refuses a sound that is too long to be held, before it is decoded where the file says so", async () => {
  await using folder = await makeFolder();
  const long = await makeDesk(folder, { parts: { duration: 3 * 3600 } });
  const handle = await openHandle(long.desk, "films/one.mp4");
  assert.match(
    (await refusal(long.desk.answer("readAudio", { handle, from: 0 }))).message,
    /the sound has 2073600000 bytes, at most 536870912/,
  );
  assert.equal(long.opened[0]?.file.soundReads, 0);
  await long.desk.close();
  const { desk } = await makeDesk(folder, { parts: { duration: 2796 } });
  await desk.answer("readAudio", { handle: await openHandle(desk, "films/one.mp4"), from: 0 });
  await desk.close();
});

Deno.test("closes a file when the pipeline does, and all others at the end, each once", async () => {
  await using folder = await makeFolder();
  const { desk, opened } = await makeDesk(folder);
  const first = await openHandle(desk, "films/one.mp4");
  await openHandle(desk, "films/one.mp4");
  await desk.answer("closeVideo", { handle: first });
  for (const op of ["readPictures", "readAudio", "closeVideo"]) {
    assert.match((await refusal(desk.answer(op, { handle: first, count: 1, from: 0 }))).message, /closed/);
  }
  await desk.close();
  await desk.close();
  assert.deepEqual(opened.map(({ file }) => file.closed), [1, 1]);
});

Deno.test("keeps no more than 16 files open, though they are asked for at once", async () => {
  await using folder = await makeFolder();
  const { desk, opened } = await makeDesk(folder);
  const answers = await Promise.allSettled(
    Array.from({ length: 20 }, () => desk.answer("openVideo", open("films/one.mp4"))),
  );
  assert.equal(answers.filter(({ status }) => status === "fulfilled").length, 16);
  assert.equal(opened.filter(({ file }) => file.closed === 0).length, 16);
  await desk.answer("closeVideo", { handle: 1 });
  await desk.answer("openVideo", open("films/one.mp4"));
  await desk.close();
});

Deno.test("keeps no more than 16 files open, one after the other", async () => {
  await using folder = await makeFolder();
  const { desk } = await makeDesk(folder);
  for (let count = 0; count < 16; count++) await openHandle(desk, "films/one.mp4");
  const error = await refusal(desk.answer("openVideo", open("films/one.mp4")));
  assert.match(error.message, /16 videos are open/);
  await desk.close();
});

Deno.test("closes a file that is still being opened when everything is closed", async () => {
  await using folder = await makeFolder();
  const gate = Promise.withResolvers<void>();
  const { desk, collected } = await makeDesk(folder, { gate: gate.promise });
  const answer = desk.answer("openVideo", open("films/one.mp4")).catch(() => undefined);
  const [opened] = await collected.until(1);
  const closing = desk.close();
  gate.resolve();
  await Promise.all([answer, closing]);
  assert.equal(opened?.file.closed, 1);
});

Deno.test("refuses calls that are not of the protocol, with the field at fault", async () => {
  await using folder = await makeFolder();
  const { desk, opened } = await makeDesk(folder);
  const cases = [
    ["openVideo", undefined, /./],
    ["openVideo", { path: "", options: {} }, /path/],
    ["openVideo", { path: 7, options: {} }, /path/],
    ["openVideo", open("x".repeat(4097)), /path.*4096/],
    ["openVideo", open("films/one.mp4", { format: "png" }), /options\.format/],
    ["openVideo", open("films/one.mp4", { quality: 0 }), /options\.quality/],
    ["openVideo", open("films/one.mp4", { width: 8 }), /options\.width/],
    ["openVideo", open("films/one.mp4", { height: 4097 }), /options\.height/],
    ["openVideo", open("films/one.mp4", { width: 4097 }), /options\.width/],
    ["openVideo", open("films/one.mp4", { height: 15 }), /options\.height/],
    ["openVideo", open("films/one.mp4", { quality: 101 }), /options\.quality/],
    ["readPictures", { handle: 1, count: 0 }, /count/],
    ["readPictures", { handle: 1, count: 65 }, /count/],
    ["readPictures", { handle: "1", count: 1 }, /handle/],
    ["readAudio", {}, /handle/],
    ["readAudio", { handle: 1, from: -1 }, /from/],
    ["closeVideo", null, /./],
    ["deleteEverything", {}, /deleteEverything/],
  ] as const;
  for (const [op, args, words] of cases) {
    assert.match((await refusal(desk.answer(op, args))).message, words, `${op} ${JSON.stringify(args)}`);
  }
  assert.deepEqual(opened, []);
});
