import assert from "node:assert/strict";
import { StreamError } from "../../../src/errors.ts";
import type { FilePicture, VideoFileOptions, VideoFileReader } from "../../../src/media/mod.ts";
import { permissionsFor, readModuleGraph, type SecurityLevel } from "../../../src/pipeline/mod.ts";
import { VideoDesk } from "../../../src/pipeline/video_desk.ts";
import { Collector } from "../support/collector.ts";
import { TempFolder } from "../support/temp_folder.ts";

/** A file of so many pictures that knows whether it was closed. */
class HandFile implements VideoFileReader {
  readonly width = 64;
  readonly height = 48;
  readonly fps = 25;
  readonly duration = 2;
  readonly audio = { sampleRate: 48_000, channels: 2 } as const;
  closed = 0;
  #left: number;

  constructor(pictures: number) {
    this.#left = pictures;
  }

  nextPicture(): Promise<FilePicture | null> {
    if (this.#left === 0) return Promise.resolve(null);
    const data = Uint8Array.of(this.#left--);
    return Promise.resolve({ format: "jpeg", data, timestamp: 0 });
  }

  readAudio(): Promise<Int16Array> {
    return Promise.resolve(Int16Array.of(1, 2, 3, 4));
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
  { level = "standard", media = [], gate = Promise.resolve(), pictures = 3 }: {
    level?: SecurityLevel;
    media?: readonly string[];
    /** What opening a file waits for. */
    gate?: Promise<void>;
    pictures?: number;
  } = {},
) {
  const entry = folder.at("app/main.ts");
  const opened = new Collector<Opened>();
  const desk = new VideoDesk({
    entry,
    permissions: await permissionsFor(level, await readModuleGraph(entry), { read: [], net: [], env: [], media }),
    assets: new Map([["telefuser:clip", folder.at("assets/clip.mp4")]]),
    openVideo: async (path, options) => {
      const file = new HandFile(pictures);
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

Deno.test("gives the sound with its buffer to move", async () => {
  await using folder = await makeFolder();
  const { desk } = await makeDesk(folder);
  const handle = await openHandle(desk, "films/one.mp4");
  const { value, transfer } = await desk.answer("readAudio", { handle });
  assert.deepEqual(value, Int16Array.of(1, 2, 3, 4));
  assert.deepEqual(transfer, [(value as Int16Array).buffer]);
  await desk.close();
});

Deno.test("closes a file when the pipeline does, and all others at the end, each once", async () => {
  await using folder = await makeFolder();
  const { desk, opened } = await makeDesk(folder);
  const first = await openHandle(desk, "films/one.mp4");
  await openHandle(desk, "films/one.mp4");
  await desk.answer("closeVideo", { handle: first });
  for (const op of ["readPictures", "readAudio", "closeVideo"]) {
    assert.match((await refusal(desk.answer(op, { handle: first, count: 1 }))).message, /closed/);
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
    ["closeVideo", null, /./],
    ["deleteEverything", {}, /deleteEverything/],
  ] as const;
  for (const [op, args, words] of cases) {
    assert.match((await refusal(desk.answer(op, args))).message, words, `${op} ${JSON.stringify(args)}`);
  }
  assert.deepEqual(opened, []);
});
