import assert from "node:assert/strict";
import { CappedEncoder, PictureConverter, type VideoEncoderSettings } from "../../../src/codec/mod.ts";
import { StreamError } from "../../../src/errors.ts";
import { rawPictureBytes } from "../../../src/media/mod.ts";
import { noise } from "../support/bytes.ts";
import { OpenContexts } from "../support/open_contexts.ts";
import { decodeVideo, i420 } from "../support/pictures.ts";

const SETTINGS: VideoEncoderSettings = {
  codec: "H264",
  width: 160,
  height: 120,
  fps: 5,
  bitrate: 200_000,
  effort: "fast",
};

/** An encoder beside everything it has made. */
class Stream implements AsyncDisposable {
  readonly encoder: CappedEncoder;
  readonly #settings: VideoEncoderSettings;
  readonly #converter = new PictureConverter();
  readonly units: { readonly data: Uint8Array; readonly key: boolean }[] = [];

  constructor(settings: Partial<VideoEncoderSettings> = {}) {
    this.#settings = { ...SETTINGS, ...settings };
    this.encoder = new CappedEncoder(this.#settings);
  }

  /** Encodes pictures that take hardly a bit, or (noise) more than there are. */
  async add(kind: "flat" | "noise", count: number, { key = false } = {}): Promise<void> {
    const { width, height } = this.#settings;
    for (let index = 0; index < count; index++) {
      const at = this.units.length;
      const picture = kind === "flat"
        ? i420(width, height, [60 + at % 100, 100, 150])
        : { format: "i420", width, height, data: noise(rawPictureBytes("i420", width, height), at) } as const;
      const unit = await this.encoder.encode(await this.#converter.convert(picture), { key: key && index === 0 });
      assert.ok(unit !== null, `picture ${at} was held back`);
      this.units.push(unit);
    }
  }

  get keys(): number[] {
    return this.units.flatMap(({ key }, index) => key ? [index] : []);
  }

  /** bit/s from that picture on. */
  bitrate(from: number): number {
    const units = this.units.slice(from);
    return units.reduce((sum, { data }) => sum + data.length * 8, 0) / units.length * this.#settings.fps;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.encoder.close();
    await this.#converter.close();
  }
}

Deno.test("a picture that does not fit into the bitrate begins anew under rate control, and nothing is lost", async () => {
  await using stream = new Stream();
  await stream.add("flat", 20);
  await stream.add("noise", 40);
  assert.deepEqual(stream.keys, [0, 20]);
  const late = stream.bitrate(30);
  assert.ok(late > 120_000 && late < 250_000, `${late} bit/s`);
  const largest = Math.max(...stream.units.map(({ data }) => data.length * 8));
  assert.ok(largest <= SETTINGS.bitrate * 0.5, `one picture of ${largest} bit is more than may be borrowed`);
  const pictures = decodeVideo("H264", stream.units.map(({ data }) => data));
  assert.equal(pictures.length, 60);
});

Deno.test("a stream that is too rich from its first picture on keeps to the bitrate", async () => {
  await using stream = new Stream();
  await stream.add("noise", 50);
  assert.deepEqual(stream.keys, [0]);
  const late = stream.bitrate(10);
  assert.ok(late > 120_000 && late < 250_000, `${late} bit/s`);
});

Deno.test("a calm stream goes back to one quantizer after ten seconds, and after twenty when that did not last", async () => {
  await using stream = new Stream();
  await stream.add("noise", 1);
  await stream.add("flat", 60);
  // The key frame comes with the first picture after fifty calm ones; the noise before them counts as well.
  const [, back = 0, ...more] = stream.keys;
  assert.ok(back >= 50 && back <= 53, `key frames at ${stream.keys}`);
  assert.deepEqual(more, []);
  const begin = stream.units.length;
  await stream.add("noise", 1);
  await stream.add("flat", 115);
  const [again = 0, second = 0, ...rest] = stream.keys.slice(2).map((index) => index - begin);
  assert.equal(again, 0);
  assert.ok(second >= 100 && second <= 103, `key frames at ${stream.keys}`);
  assert.deepEqual(rest, []);
});

Deno.test("a key frame that is wanted anyway leads back to one quantizer earlier", async () => {
  await using stream = new Stream();
  await stream.add("noise", 1);
  await stream.add("flat", 15);
  await stream.add("flat", 90, { key: true });
  assert.deepEqual(stream.keys, [0, 16], "no key frame of its own after ten seconds");
});

Deno.test("a stream that uses its bitrate up never goes back to one quantizer", async () => {
  await using stream = new Stream();
  await stream.add("noise", 120);
  assert.deepEqual(stream.keys, [0]);
});

Deno.test("a lower bitrate is kept, from one quantizer as well", async () => {
  await using stream = new Stream({ bitrate: 20_000_000 });
  await stream.add("noise", 10);
  assert.deepEqual(stream.keys, [0]);
  const before = stream.bitrate(0);
  assert.ok(before > 600_000, `${before} bit/s`);
  assert.equal(stream.encoder.setBitrate(300_000), true);
  await stream.add("noise", 40);
  assert.equal(stream.keys.length, 2, `key frames at ${stream.keys}`);
  const late = stream.bitrate(30);
  assert.ok(late < 400_000, `${late} bit/s`);
});

Deno.test("the other efforts and VP8 are under rate control from the beginning", async () => {
  for (const settings of [{ effort: "balanced" }, { effort: "quality" }, { codec: "VP8" }] as const) {
    await using stream = new Stream(settings);
    await stream.add("flat", 10);
    await stream.add("noise", 20);
    assert.deepEqual(stream.keys, [0], JSON.stringify(settings));
    assert.equal(stream.encoder.setBitrate(100_000), !("codec" in settings));
  }
});

Deno.test("closes while a picture is encoded, takes no more, and leaves no codec behind", async () => {
  using contexts = new OpenContexts();
  {
    await using stream = new Stream();
    await stream.add("flat", 3);
    const last = stream.add("noise", 1);
    const closing = stream.encoder.close();
    await last.catch((error: unknown) => assert.ok(error instanceof StreamError));
    await closing;
    await assert.rejects(stream.add("flat", 1), StreamError);
  }
  assert.equal(contexts.count, 0);
});
