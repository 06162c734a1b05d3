import assert from "node:assert/strict";
import { CameraCall, type Layout } from "../support/camera_call.ts";
import { eventually } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";

const LAYOUTS: readonly Layout[] = ["as in the snippet", "one way each", "tracks put in later"];

const LONGEST_LOSS_MS = 500;

/** The same sequence every time. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 0x7fffffff) / 0x7fffffff;
}

/** The sections of an answer that receive video. */
function receivingVideo(answer: string): string[] {
  return answer.split(/(?=^m=)/m).filter((section) =>
    /^m=video /.test(section) && /^a=(sendrecv|recvonly)/m.test(section)
  );
}

for (const codec of ["VP8", "H264"] as const) {
  for (const layout of LAYOUTS) {
    timedTest(`${codec}, ${layout}: camera and microphone of a Chromium arrive whole`, async () => {
      await using call = await CameraCall.open({ codec, layout });
      if (layout === "tracks put in later") await call.setTracks(true);
      await eventually("ninety pictures", () => call.frames.length >= 90, 20_000);
      await eventually("sound", () => call.sound.length >= 100);
      const { frames, pictures, width, height } = await call.decodeAll();
      assert.equal(pictures, frames);
      assert.ok(Math.abs(width / height - 16 / 9) < 0.02, `${width}×${height}`);
      const { seconds, peak } = await call.listen();
      assert.ok(seconds > 1.9, `${seconds} s`);
      assert.ok(peak > 500, "the made-up microphone beeps once a second");
      assert.ok(call.connection.video !== undefined && call.connection.audio !== undefined, "we send as well");
      assert.equal(call.camera.stats.keyFramesAsked, 0, "the first key frame comes by itself");
      const [section = "", ...more] = receivingVideo(call.answer);
      assert.equal(more.length, 0);
      for (const feedback of ["nack", "nack pli", "ccm fir", "transport-cc"]) {
        assert.match(section, new RegExp(`^a=rtcp-fb:\\d+ ${feedback}\\r$`, "m"));
      }
      assert.doesNotMatch(section, /goog-remb|abs-send-time/);
    });
  }

  timedTest(`${codec}: one packet in twenty is lost, and every picture that comes out is whole`, async () => {
    await using call = await CameraCall.open({ codec, layout: "as in the snippet", busy: true });
    const random = randomNumbers(3);
    call.loseWhen(() => random() < 0.05);
    await eventually("240 pictures", () => call.frames.length >= 240, 30_000);
    const decoded = await call.decodeAll();
    assert.equal(decoded.pictures, decoded.frames);
    const { packets, frames, repairsAsked, keyFramesAsked } = call.camera.stats;
    assert.ok(packets > 3 * frames, `${packets} packets for ${frames} pictures: the camera is not busy`);
    assert.ok(repairsAsked > 30, `${repairsAsked} packets were asked for again`);
    assert.ok(keyFramesAsked <= 2, `${keyFramesAsked} key frames: repair has to do`);
  });

  Deno.test(`${codec}: what is lost for good costs the pictures up to a key frame, and none is damaged`, async () => {
    await using call = await CameraCall.open({ codec, layout: "as in the snippet", busy: true });
    await eventually("pictures", () => call.frames.length >= 60, 20_000);
    let left = 0;
    let before = 0;
    // Repairs fail until a key frame is there; later ones are the browser's way to find out what the network carries.
    const beganAnew = () => call.frames.slice(before).some(({ key }) => key);
    // A camera that has just lost much sends little: no loss is longer than half a second.
    let end = Number.POSITIVE_INFINITY;
    call.loseWhen(({ isRetransmission }) => {
      if (isRetransmission) return !beganAnew();
      if (left > 0) end = Math.min(end, performance.now() + LONGEST_LOSS_MS);
      return left-- > 0 && performance.now() < end;
    });
    const { stats } = call.camera;
    for (const lost of [1, 2, 7, 20, 60]) {
      const asked = stats.keyFramesAsked;
      // When the browser changes the size of its pictures it makes a key frame by itself, and none need be asked for.
      for (let attempt = 0; attempt < 3 && stats.keyFramesAsked === asked; attempt++) {
        before = call.frames.length;
        end = Number.POSITIVE_INFINITY;
        left = lost;
        await eventually(`a key frame behind ${lost} packets that are gone`, beganAnew);
        const behind = call.frames.length;
        await eventually("some more", () => call.frames.length >= behind + 20);
      }
      assert.ok(stats.keyFramesAsked > asked, `no key frame was asked for behind ${lost} packets that are gone`);
    }
    const decoded = await call.decodeAll();
    assert.equal(decoded.pictures, decoded.frames);
    assert.ok(call.frames.filter(({ key }) => key).length >= 6, "a key frame in each round");
  });
}

Deno.test("the camera may be taken out and put in again as often as its owner likes", async () => {
  await using call = await CameraCall.open({ codec: "VP8", layout: "tracks put in later" });
  for (let round = 0; round < 3; round++) {
    await call.setTracks(true);
    const wanted = { frames: call.frames.length + 30, sound: call.sound.length + 30 };
    await eventually(`camera, round ${round}`, () => call.frames.length >= wanted.frames, 20_000);
    await eventually(`microphone, round ${round}`, () => call.sound.length >= wanted.sound);
    await call.setTracks(false);
    const asked = call.camera.stats.keyFramesAsked;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.ok(call.camera.stats.keyFramesAsked <= asked + 2, "a camera that is off is left alone");
  }
  const decoded = await call.decodeAll();
  assert.equal(decoded.pictures, decoded.frames);
});
