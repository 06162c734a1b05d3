import assert from "node:assert/strict";
import type { BidirectionalService, Chunk, PipelineContext, RawFrame, SessionConfig, VideoFile } from "telefuser";
import { getService } from "../../../pipelines/arrow_overlay.ts";

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const WIDTH = 640;
const HEIGHT = 360;
const END = { code: "client_request", detail: "bye" };

interface FakeFile {
  pictures?: number;
  fps?: number;
  width?: number;
  height?: number;
}

/** A file of grey pictures: number n has the brightness 40 + n. */
function fake(file: FakeFile, media: readonly string[] = []) {
  const { pictures = 8, fps = 24, width = WIDTH, height = HEIGHT } = file;
  const opened: { path: string; format: string | undefined; width: number | undefined }[] = [];
  let read = 0;
  let closed = false;
  const video: VideoFile = {
    width,
    height,
    fps,
    duration_s: pictures / fps,
    audio: null,
    async *frames() {
      for (; read < pictures; read++) {
        const data = new Uint8Array(width * height * 1.5).fill(128);
        data.fill(40 + read % 200, 0, width * height);
        yield await Promise.resolve({ format: "i420" as const, data, width, height, timestamp: read / fps });
      }
    },
    readAudio: () => Promise.resolve(new Int16Array(0)),
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
  const context: PipelineContext = {
    log: SILENT,
    signal: new AbortController().signal,
    media,
    openVideo(path, options) {
      opened.push({ path, format: options?.format, width: options?.width });
      return Promise.resolve(video);
    },
  };
  return { context, opened, read: () => read, closed: () => closed };
}

async function started(file: FakeFile = {}): Promise<BidirectionalService> {
  const service = getService() as BidirectionalService;
  await service.start?.(fake(file).context);
  return service;
}

interface Viewer {
  id: string;
  abort: AbortController;
  send(message: Record<string, unknown>): void;
  next(): Promise<Chunk>;
  ended(): Promise<boolean>;
}

async function join(service: BidirectionalService, fields: Record<string, unknown> = {}): Promise<Viewer> {
  const abort = new AbortController();
  const config = { session_id: "s", task: "bidirectional", ...fields } as SessionConfig;
  const id = await service.createSession(config, { log: SILENT, signal: abort.signal });
  const chunks = service.pullChunks(id)[Symbol.asyncIterator]();
  return {
    id,
    abort,
    send: (message) => void service.pushChunk(id, message),
    async next() {
      const { done, value } = await chunks.next();
      assert.ok(done !== true, "there is a next chunk");
      return value;
    },
    ended: async () => (await chunks.next()).done === true,
  };
}

function press(key: string, id?: string): Record<string, unknown> {
  return { type: "control", key, action: "press", ...(id === undefined ? {} : { id }) };
}

function release(key: string, id?: string): Record<string, unknown> {
  return { ...press(key, id), action: "release" };
}

function picture(chunk: Chunk): RawFrame {
  const [frame] = chunk.frames ?? [];
  assert.ok(frame !== undefined && frame.format === "i420");
  return frame;
}

/** A pixel as RGB, BT.601 limited range. */
function rgb({ data, width, height }: RawFrame, x: number, y: number): [number, number, number] {
  const chroma = width * height + (y >> 1) * (width / 2) + (x >> 1);
  const luma = 1.164 * ((data[y * width + x] ?? 0) - 16);
  const u = (data[chroma] ?? 0) - 128;
  const v = (data[chroma + width * height / 4] ?? 0) - 128;
  return [luma + 1.596 * v, luma - 0.392 * u - 0.813 * v, luma + 2.017 * u];
}

function isGreen([red, green, blue]: [number, number, number]): boolean {
  return green > 200 && green - Math.max(red, blue) > 120;
}

/** Which arrows are green, told by all pixels of the picture alone. */
function greenArrows(chunk: Chunk): string[] {
  const frame = picture(chunk);
  const found = { left: 0, right: 0, up: 0, down: 0 };
  // The middle of the D-pad, as the pixels of a picture with all four arrows have told.
  const middle = { x: 552, y: 272 };
  for (let y = 0; y < frame.height; y++) {
    for (let x = 0; x < frame.width; x++) {
      if (!isGreen(rgb(frame, x, y))) continue;
      assert.ok(x >= frame.width / 2 && y >= frame.height / 2, `green at ${x}, ${y}`);
      const dx = x + 0.5 - middle.x;
      const dy = y + 0.5 - middle.y;
      if (Math.abs(dx) > Math.abs(dy)) found[dx < 0 ? "left" : "right"]++;
      else found[dy < 0 ? "up" : "down"]++;
    }
  }
  return Object.entries(found).filter(([, pixels]) => pixels > 300).map(([arrow]) => arrow).sort();
}

/** How many bytes are not what the clip has. */
function drawn(chunk: Chunk, brightness = 40): number {
  const { data, width, height } = picture(chunk);
  let count = 0;
  for (const [at, byte] of data.entries()) if (byte !== (at < width * height ? brightness : 128)) count++;
  return count;
}

Deno.test("the server's clip is opened as raw pictures, or the first media file", async () => {
  const own = fake({});
  await getService().start?.(own.context);
  assert.deepEqual(own.opened, [{ path: "telefuser:clip", format: "i420", width: 640 }]);
  assert.ok(own.closed());
  const named = fake({}, ["a.mp4", "b.mp4"]);
  await getService().start?.(named.context);
  assert.equal(named.opened[0]?.path, "a.mp4");
});

Deno.test("no more than five seconds of the clip are kept, and no more than 64 MB", async () => {
  const long = fake({ pictures: 1000, fps: 2, width: 64, height: 36 });
  await getService().start?.(long.context);
  assert.equal(long.read(), 10);
  const large = fake({ pictures: 1000, fps: 100, width: 640, height: 1000 });
  await getService().start?.(large.context);
  assert.equal(large.read(), Math.floor(64 * 1024 * 1024 / 960_000));
  assert.ok(large.closed());
});

Deno.test("a file without pictures is refused", async () => {
  const { context, closed } = fake({ pictures: 0 });
  await assert.rejects(async () => await getService().start?.(context), /telefuser:clip has no pictures.*--media/);
  assert.ok(closed());
});

Deno.test("a chunk is one picture with its keys and the last prompt", async () => {
  const viewer = await join(await started(), { prompt: "first" });
  const chunk = await viewer.next();
  assert.equal(chunk.index, 0);
  assert.equal(chunk.fps, 24);
  assert.equal(chunk.resolution, "640x360");
  assert.equal(chunk.frames?.length, 1);
  assert.equal(chunk.transfer, true);
  assert.deepEqual(chunk.pressed_keys, []);
  assert.equal(chunk.prompt, "first");
  assert.ok(!("applied_controls" in chunk));
  assert.deepEqual([picture(chunk).width, picture(chunk).height], [WIDTH, HEIGHT]);
  assert.equal(picture(chunk).data.byteLength, WIDTH * HEIGHT * 1.5);
  viewer.send({ type: "control", prompt: "second", id: "p" });
  viewer.send(press("ArrowLeft"));
  const later = await viewer.next();
  assert.equal(later.index, 1);
  assert.equal(later.prompt, "second");
  assert.deepEqual(later.applied_controls, ["p"]);
  assert.deepEqual(later.pressed_keys, ["ArrowLeft"]);
});

Deno.test("without a prompt that field is absent", async () => {
  assert.ok(!("prompt" in await (await join(await started())).next()));
});

Deno.test("the pressed arrow is strongly green in the very next picture and no longer after its release", async () => {
  const arrows = [["ArrowUp", "up"], ["ArrowDown", "down"], ["ArrowLeft", "left"], ["ArrowRight", "right"]] as const;
  const viewer = await join(await started({ pictures: 1 }));
  for (const [key, arrow] of arrows) {
    assert.deepEqual(greenArrows(await viewer.next()), []);
    viewer.send(press(key));
    assert.deepEqual(greenArrows(await viewer.next()), [arrow]);
    assert.deepEqual(greenArrows(await viewer.next()), [arrow], "as long as it is held");
    viewer.send(release(key));
  }
  assert.deepEqual(greenArrows(await viewer.next()), []);
});

Deno.test("a pressed arrow is #00e64d, the others let the clip through", async () => {
  const viewer = await join(await started({ pictures: 1 }));
  viewer.send(press("ArrowUp"));
  const frame = picture(await viewer.next());
  for (const [channel, value] of [0, 230, 77].entries()) {
    assert.ok(Math.abs((rgb(frame, 552, 230)[channel] ?? 0) - value) <= 3, `${rgb(frame, 552, 230)}`);
  }
  const [clip = 0] = rgb(frame, 10, 10);
  const [red, green, blue] = rgb(frame, 552, 314);
  assert.ok(red > clip + 30 && red < clip + 120 && red === green && green === blue, `${[red, green, blue]} on ${clip}`);
});

Deno.test("several keys are held at once, letters are arrows, unknown keys and messages change nothing", async () => {
  const viewer = await join(await started({ pictures: 1 }));
  viewer.send(press("ArrowUp"));
  viewer.send(press("d"));
  for (const key of ["q", "Enter", "", "arrowup", "toString"]) viewer.send(press(key, `x${key}`));
  for (const key of [null, 7, ["ArrowDown"], {}]) viewer.send({ type: "control", key, action: "press", id: 1 });
  viewer.send({ type: "other", key: "ArrowDown", action: "press", id: 2 });
  viewer.send({ type: "control", key: "ArrowDown", action: "hug", id: 3 });
  viewer.send({ type: "control", keys: "ArrowDown", hud: "no", prompt: 5, id: 4 });
  viewer.send({});
  const chunk = await viewer.next();
  assert.deepEqual(greenArrows(chunk), ["right", "up"]);
  assert.deepEqual(chunk.pressed_keys, ["ArrowUp", "ArrowRight"]);
  assert.ok(!("applied_controls" in chunk));
  viewer.send(release("w"));
  viewer.send(press("S"));
  viewer.send(press("a"));
  assert.deepEqual(greenArrows(await viewer.next()), ["down", "left", "right"]);
});

Deno.test("all keys can be set at once", async () => {
  const viewer = await join(await started({ pictures: 1 }));
  viewer.send(press("ArrowDown"));
  await viewer.next();
  viewer.send({ type: "control", keys: ["ArrowUp", "a", "nonsense"], id: "set" });
  const chunk = await viewer.next();
  assert.deepEqual(greenArrows(chunk), ["left", "up"]);
  assert.deepEqual(chunk.applied_controls, ["set"]);
  viewer.send({ type: "control", keys: [] });
  assert.deepEqual(greenArrows(await viewer.next()), []);
});

Deno.test("what changed the picture is named once, in the first chunk after it", async () => {
  const viewer = await join(await started());
  viewer.send(press("ArrowUp", "a"));
  viewer.send(press("ArrowLeft", "b"));
  viewer.send(press("ArrowUp", "held already"));
  viewer.send(release("ArrowDown", "was not held"));
  viewer.send(press("ArrowRight"));
  viewer.send({ ...press("ArrowDown"), id: 7 });
  viewer.send({ ...release("ArrowRight"), id: { not: "an id" } });
  assert.deepEqual((await viewer.next()).applied_controls, ["a", "b", 7]);
  assert.ok(!("applied_controls" in await viewer.next()));
  viewer.send(release("ArrowUp", "c"));
  assert.deepEqual((await viewer.next()).applied_controls, ["c"]);
});

Deno.test("a key that is let go before the next picture is shown in one, and its release in the one after", async () => {
  const viewer = await join(await started({ pictures: 1 }));
  viewer.send(press("ArrowUp", "down"));
  viewer.send(release("ArrowUp", "up"));
  const first = await viewer.next();
  assert.deepEqual(greenArrows(first), ["up"]);
  assert.deepEqual(first.applied_controls, ["down"]);
  const second = await viewer.next();
  assert.deepEqual(greenArrows(second), []);
  assert.deepEqual(second.applied_controls, ["up"]);
  assert.ok(!("applied_controls" in await viewer.next()));
});

Deno.test("the D-pad can be hidden: then the clip is untouched", async () => {
  const viewer = await join(await started({ pictures: 1 }));
  viewer.send(press("ArrowUp"));
  assert.ok(drawn(await viewer.next()) > 5000);
  viewer.send({ type: "control", hud: false, id: "off" });
  const hidden = await viewer.next();
  assert.equal(drawn(hidden), 0);
  assert.deepEqual(hidden.applied_controls, ["off"]);
  assert.deepEqual(hidden.pressed_keys, ["ArrowUp"]);
  viewer.send({ type: "control", hud: true });
  assert.deepEqual(greenArrows(await viewer.next()), ["up"]);
});

Deno.test("the clip goes round at its own speed, whatever rate is asked for", async () => {
  async function brightness(fps: number | undefined, count: number): Promise<number[]> {
    const viewer = await join(await started({ pictures: 6 }), fps === undefined ? {} : { fps });
    const shown: number[] = [];
    while (shown.length < count) shown.push((picture(await viewer.next()).data[0] ?? 0) - 40);
    return shown;
  }
  assert.deepEqual(await brightness(undefined, 14), [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0, 1]);
  assert.deepEqual(await brightness(12, 7), [0, 2, 4, 0, 2, 4, 0]);
  assert.deepEqual(await brightness(48, 14), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0, 0]);
});

Deno.test("at the clip's own rate every picture is shown once, also when that rate is a fraction", async () => {
  for (const fps of [25, 29, 30_000 / 1001]) {
    const viewer = await join(await started({ pictures: 100, fps, width: 64, height: 36 }), { fps });
    for (let n = 0; n < 300; n++) {
      assert.equal(picture(await viewer.next()).data[0], 40 + n % 100, `picture ${n} at ${fps} a second`);
    }
  }
});

Deno.test("pictures may be handed over: the shared clip stays as it is", async () => {
  const viewer = await join(await started({ pictures: 2 }));
  for (let n = 0; n < 6; n++) {
    const { data } = picture(await viewer.next());
    assert.equal(data[0], 40 + n % 2);
    structuredClone(data, { transfer: [data.buffer as ArrayBuffer] });
    assert.equal(data.byteLength, 0);
  }
});

Deno.test("viewers do not disturb each other", async () => {
  const service = await started({ pictures: 6 });
  const one = await join(service, { session_id: "one", prompt: "1" });
  const two = await join(service, { session_id: "two", fps: 12 });
  one.send(press("ArrowUp", "a"));
  const [first, second] = [await one.next(), await two.next()];
  assert.deepEqual(greenArrows(first), ["up"]);
  assert.deepEqual(greenArrows(second), []);
  assert.ok(!("applied_controls" in second) && !("prompt" in second));
  await service.closeSession(one.id, END);
  assert.ok(await one.ended());
  assert.equal(picture(await two.next()).data[0], 42);
});

Deno.test("it ends when the session is closed or its viewer has left", async () => {
  const service = await started();
  const closed = await join(service, { session_id: "closed" });
  await closed.next();
  await service.closeSession(closed.id, END);
  assert.ok(await closed.ended());
  closed.send(press("ArrowUp"));
  const left = await join(service, { session_id: "left" });
  await left.next();
  left.abort.abort();
  assert.ok(await left.ended());
});

Deno.test("bad wishes are refused with the field's name and its range", async () => {
  const service = await started();
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ fps: 0 }, /^Error: fps is 0: give a number from 1 to 60, or leave it out for 24\.$/],
    [{ fps: 61 }, /fps is 61/],
    [{ fps: "24" }, /fps is "24": give a number from 1 to 60/],
    [{ fps: Number.NaN }, /fps is null/],
    [{ prompt: 7 }, /prompt is 7: give a text, or leave it out/],
  ];
  for (const [fields, message] of wrong) await assert.rejects(() => join(service, fields), message);
  for (const fps of [1, 60, 30_000 / 1001]) assert.equal((await (await join(service, { fps })).next()).fps, fps);
});

Deno.test("pictures of another shape get their D-pad in the bottom right as well", async () => {
  for (const [width, height] of [[640, 480], [640, 1138], [160, 90]] as const) {
    const viewer = await join(await started({ pictures: 1, width, height }));
    viewer.send({ type: "control", keys: ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"] });
    const frame = picture(await viewer.next());
    let green = 0;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (!isGreen(rgb(frame, x, y))) continue;
        assert.ok(x >= width / 2 && y >= height / 2, `green at ${x}, ${y} of ${width}x${height}`);
        green++;
      }
    }
    assert.ok(green > Math.min(width, height) ** 2 / 50, `${green} green pixels`);
  }
});
