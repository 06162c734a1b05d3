import assert from "node:assert/strict";
import { openVideoFile } from "../../../src/codec/mod.ts";
import { StreamError } from "../../../src/errors.ts";
import type { FilePicture, VideoFileOptions, VideoFileReader } from "../../../src/media/mod.ts";
import { type FilmOptions, writeFilm } from "../support/films.ts";
import { OpenContexts } from "../support/open_contexts.ts";
import { assertNear, decodeJpegs, type Yuv } from "../support/pictures.ts";
import { loudness, shareAt } from "../support/sound.ts";
import { TempFolder } from "../support/temp_folder.ts";

const FILM: FilmOptions = {
  width: 96,
  height: 64,
  rate: [30_000, 1001],
  frames: 20,
  color: (index) => [40 + 9 * index, 100, 160],
};

const OPTIONS: VideoFileOptions = { format: "i420", quality: 90, width: undefined, height: undefined };

async function withFilm(
  film: Partial<FilmOptions>,
  use: (path: string) => Promise<void>,
): Promise<void> {
  await using folder = await TempFolder.make();
  const path = folder.at("film.mp4");
  writeFilm(path, { ...FILM, ...film });
  using contexts = new OpenContexts();
  await use(path);
  assert.equal(contexts.count, 0, "every codec was freed");
}

async function readAll(file: VideoFileReader): Promise<FilePicture[]> {
  const pictures: FilePicture[] = [];
  for (let next = await file.nextPicture(); next !== null; next = await file.nextPicture()) pictures.push(next);
  return pictures;
}

/** Mean colour of a raw picture; rgba as R, G, B. */
function meanOf(picture: FilePicture): Yuv {
  assert.ok(picture.format !== "jpeg");
  const { data, width, height } = picture;
  const mean = (bytes: Uint8Array) => bytes.reduce((sum, byte) => sum + byte, 0) / bytes.length;
  if (picture.format === "rgba") {
    const [r, g, b] = [0, 1, 2].map((channel) => mean(data.filter((_, at) => at % 4 === channel)));
    return [r ?? 0, g ?? 0, b ?? 0];
  }
  const luma = width * height;
  const chroma = Math.ceil(width / 2) * Math.ceil(height / 2);
  return [mean(data.subarray(0, luma)), mean(data.subarray(luma, luma + chroma)), mean(data.subarray(luma + chroma))];
}

Deno.test("gives every picture once, in the order in which they are shown, with its time", async () => {
  await withFilm({}, async (path) => {
    const file = await openVideoFile(path, OPTIONS);
    assert.deepEqual([file.width, file.height], [96, 64]);
    assert.ok(Math.abs(file.fps - 30_000 / 1001) < 0.001, `${file.fps} fps`);
    assert.ok(Math.abs(file.duration - 20 * 1001 / 30_000) < 0.01, `${file.duration} s`);
    const pictures = await readAll(file);
    assert.equal(pictures.length, 20);
    for (const [index, picture] of pictures.entries()) {
      assert.ok(
        Math.abs(picture.timestamp - index * 1001 / 30_000) < 1e-4,
        `picture ${index} at ${picture.timestamp} s`,
      );
      assertNear(meanOf(picture), FILM.color(index), 3, `picture ${index}`);
    }
    assert.equal(await file.nextPicture(), null, "the end stays the end");
    await file.close();
  });
});

Deno.test("hands pictures out as I420, RGBA or JPEG, without padding", async () => {
  await withFilm({ frames: 3 }, async (path) => {
    const planar = await openVideoFile(path, OPTIONS);
    const first = await planar.nextPicture();
    assert.ok(first?.format === "i420");
    assert.deepEqual([first.width, first.height, first.data.length], [96, 64, 96 * 64 * 3 / 2]);
    await planar.close();

    const pixels = await openVideoFile(path, { ...OPTIONS, format: "rgba" });
    const second = await pixels.nextPicture();
    assert.ok(second?.format === "rgba");
    assert.deepEqual([second.width, second.height, second.data.length], [96, 64, 96 * 64 * 4]);
    // Y 40, U 100, V 160 in BT.601, limited range.
    assertNear(meanOf(second), [79, 13, 0], 4, "rgba");
    assert.ok(second.data.filter((_, at) => at % 4 === 3).every((alpha) => alpha === 255), "it is opaque");
    await pixels.close();

    const jpegs = await openVideoFile(path, { ...OPTIONS, format: "jpeg" });
    const pictures = await readAll(jpegs);
    for (const [index, picture] of decodeJpegs(pictures.map(({ data }) => data)).entries()) {
      const [y, u, v] = FILM.color(index);
      assert.deepEqual([picture.width, picture.height], [96, 64]);
      const full: Yuv = [(y - 16) * 255 / 219, 128 + (u - 128) * 255 / 224, 128 + (v - 128) * 255 / 224];
      assertNear(picture.mean(), full, 4, `JPEG ${index} holds the full range`);
    }
    await jpegs.close();
  });
});

Deno.test("gives buffers that can be moved away", async () => {
  for (const format of ["i420", "rgba", "jpeg"] as const) {
    await withFilm({ frames: 3 }, async (path) => {
      const file = await openVideoFile(path, { ...OPTIONS, format });
      const pictures = await readAll(file);
      assert.equal(new Set(pictures.map(({ data }) => data.buffer)).size, 3);
      for (const { data } of pictures) assert.equal(data.buffer.byteLength, data.length);
      structuredClone(pictures, { transfer: pictures.map(({ data }) => data.buffer as ArrayBuffer) });
      await file.close();
    });
  }
});

Deno.test("makes larger JPEGs of higher quality", async () => {
  await withFilm({ frames: 1, width: 320, height: 240, color: () => [99, 77, 200] }, async (path) => {
    const sizes: number[] = [];
    for (const quality of [1, 50, 100]) {
      const file = await openVideoFile(path, { ...OPTIONS, format: "jpeg", quality });
      const picture = await file.nextPicture();
      assert.ok(picture !== null);
      sizes.push(quantizerSum(picture.data));
      await file.close();
    }
    const [low = 0, middle = 0, high = 0] = sizes;
    assert.ok(low > middle && middle > high, `quantizers ${sizes}`);
  });
});

/** Sum of the first quantization table (ITU-T T.81, B.2.4.1): the coarser, the larger. */
function quantizerSum(data: Uint8Array): number {
  const at = data.findIndex((byte, index) => byte === 0xff && data[index + 1] === 0xdb);
  assert.ok(at >= 0);
  return data.subarray(at + 5, at + 5 + 64).reduce((sum, byte) => sum + byte, 0);
}

Deno.test("scales to what is asked for and keeps the shape when one side is asked for", async () => {
  await withFilm({ frames: 2 }, async (path) => {
    const cases = [
      [{ width: 48 }, [48, 32]],
      [{ height: 128 }, [192, 128]],
      [{ width: 50, height: 60 }, [50, 60]],
      [{ width: 33 }, [34, 22]],
    ] as const;
    for (const [wanted, size] of cases) {
      const file = await openVideoFile(path, { ...OPTIONS, width: undefined, height: undefined, ...wanted });
      assert.deepEqual([file.width, file.height], size);
      const picture = await file.nextPicture();
      assert.ok(picture?.format === "i420");
      assert.deepEqual([picture.width, picture.height], size);
      assertNear(meanOf(picture), FILM.color(0), 3, JSON.stringify(wanted));
      await file.close();
    }
  });
});

Deno.test("reads the whole sound at 48 kHz, while pictures are being read or not", async () => {
  for (const [rate, channels] of [[44_100, 2], [48_000, 1]] as const) {
    await withFilm({ rate: [10, 1], frames: 15, sound: { hertz: 440, rate, channels } }, async (path) => {
      const file = await openVideoFile(path, OPTIONS);
      assert.equal(file.fps, 10);
      assert.deepEqual(file.audio, { sampleRate: 48_000, channels });
      await file.nextPicture();
      const samples = await file.readAudio();
      const seconds = samples.length / channels / 48_000;
      assert.ok(Math.abs(seconds - 1.5) < 0.06, `${seconds} s of sound for 1.5 s of pictures`);
      const left = Float32Array.from(samples.filter((_, at) => at % channels === 0), (value) => value / 32_768);
      const middle = left.subarray(9600, 57_600);
      assert.ok(shareAt(440, middle, 48_000) > 0.99);
      assert.ok(Math.abs(loudness(middle) - 0.4 / Math.SQRT2) < 0.03);
      assert.equal((await readAll(file)).length, 14);
      assert.equal((await file.readAudio()).length, samples.length, "as often as is asked");
      await file.close();
    });
  }
});

Deno.test("has no sound where the file has none", async () => {
  await withFilm({ frames: 2 }, async (path) => {
    const file = await openVideoFile(path, OPTIONS);
    assert.equal(file.audio, null);
    assert.equal((await file.readAudio()).length, 0);
    await file.close();
  });
});

Deno.test("names the file that is missing, no video, or without pictures", async () => {
  await using folder = await TempFolder.make({ "notes.txt": "not a film at all", "empty.mp4": "" });
  using contexts = new OpenContexts();
  for (const name of ["missing.mp4", "notes.txt", "empty.mp4"]) {
    await assert.rejects(openVideoFile(folder.at(name), OPTIONS), (error) => {
      assert.ok(error instanceof StreamError && error.code === "invalid_frame");
      assert.ok(error.message.includes(folder.at(name)), error.message);
      return true;
    });
  }
  assert.equal(contexts.count, 0);
});

Deno.test("frees its codecs when the size that is asked for cannot be", async () => {
  await withFilm({ frames: 1 }, async (path) => {
    await openVideoFile(path, { ...OPTIONS, format: "jpeg", width: 80_000, height: 80_000 }).then(
      (file) => file.close(),
      (error: unknown) => assert.ok(error instanceof StreamError),
    );
  });
});

Deno.test("gives no picture once it is closed, and is closed but once", async () => {
  await withFilm({ frames: 2 }, async (path) => {
    const file = await openVideoFile(path, OPTIONS);
    const running = file.nextPicture().then(() => undefined, () => undefined);
    await file.close();
    await running;
    await file.close();
    await assert.rejects(file.nextPicture(), StreamError);
  });
});
