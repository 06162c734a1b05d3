import assert from "node:assert/strict";
import { openPage } from "../support/browser.ts";
import { startTestServer, testPipeline } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";

/** Seconds between the two looks; the long run is for when the timing has changed. */
const APART = Deno.env.get("TELEFUSER_LONG") === undefined ? 20 : 300;

/**
 * Notes when a flash is on the screen and when the <video> element takes a beep out of the track to play it, both on the
 * page's clock in ms. How long that takes to the loudspeaker the browser says itself (`media-playout`). Web Audio would be
 * simpler, but puts a queue of its own between, which grows whenever the machine is short of time.
 */
const LISTEN = `(async () => {
  const peers = [];
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...settings) {
      super(...settings);
      peers.push(this);
    }
  };
  const { StreamClient } = await import("/static/telefuser-client.js");
  const video = document.createElement("video");
  video.autoplay = true;
  document.body.append(video);
  const client = globalThis.client = new StreamClient();
  video.srcObject = client.stream;
  await client.connect();
  await video.play();
  globalThis.flashes = [];
  globalThis.beeps = [];
  const canvas = new OffscreenCanvas(8, 8);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  let wasBright = true;
  const shown = (_now, { expectedDisplayTime }) => {
    pen.drawImage(video, 0, 0, 8, 8);
    const isBright = pen.getImageData(4, 4, 1, 1).data[1] > 128;
    if (isBright && !wasBright) flashes.push(expectedDisplayTime);
    wasBright = isBright;
    video.requestVideoFrameCallback(shown);
  };
  video.requestVideoFrameCallback(shown);
  globalThis.playout = async () => {
    for (const one of (await peers[0].getStats()).values()) {
      if (one.type === "media-playout") return [one.totalPlayoutDelay, one.totalSamplesCount];
    }
    return null;
  };
  const [track] = client.stream.getAudioTracks();
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
  const listen = async () => {
    let silent = 0;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const taken = performance.now();
      const { numberOfFrames, sampleRate } = value;
      const samples = new Float32Array(numberOfFrames);
      value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      value.close();
      for (let at = 0; at < numberOfFrames; at++) {
        if (Math.abs(samples[at]) < 0.05) {
          silent++;
          continue;
        }
        if (silent > 9600) beeps.push(taken + at / sampleRate * 1000);
        silent = 0;
      }
    }
  };
  void listen();
})()`;

timedTest("a flash and its beep come out together, and still do later", async () => {
  await using server = await startTestServer(testPipeline("flash_and_beep"));
  await using browser = await openPage(`${server.url}/v1/service/health`, {
    flags: ["--autoplay-policy=no-user-gesture-required"],
  });
  const { page, errors } = browser;
  await page.evaluate(LISTEN);
  /** Seconds that samples have waited for the loudspeaker, all of them together, and how many they were. */
  async function playout(): Promise<{ delay: number; samples: number }> {
    const found = await page.evaluate<[number, number] | null>("playout()");
    assert.ok(found !== null, "the browser says how long sound takes to its loudspeaker");
    return { delay: found[0], samples: found[1] };
  }
  /** How much later the beep is than the flash, in ms: the median of twelve. */
  async function skew(): Promise<number> {
    await page.evaluate("flashes.length = beeps.length = 0");
    const before = await playout();
    await page.waitForTimeout(12_500);
    const [flashes, beeps] = await page.evaluate<[number[], number[]]>("[flashes, beeps]");
    const after = await playout();
    const toLoudspeaker = (after.delay - before.delay) / (after.samples - before.samples) * 1000;
    assert.ok(toLoudspeaker > 0 && toLoudspeaker < 500, `${toLoudspeaker} ms from the track to the loudspeaker`);
    const pairs = flashes.flatMap((flash) => {
      const beep = beeps.find((one) => Math.abs(one - flash) < 500);
      return beep === undefined ? [] : [beep + toLoudspeaker - flash];
    });
    assert.ok(pairs.length >= 10, `${flashes.length} flashes, ${beeps.length} beeps, ${pairs.length} pairs`);
    return pairs.sort((a, b) => a - b)[Math.floor(pairs.length / 2)] ?? NaN;
  }
  await page.waitForTimeout(5000);
  const first = await skew();
  await page.waitForTimeout(Math.max(0, APART - 12.5) * 1000);
  const second = await skew();
  console.log(`the beep is ${first.toFixed(1)} ms behind its flash, ${second.toFixed(1)} ms after ${APART} s`);
  assert.ok(Math.abs(first) <= 60, `${first} ms`);
  assert.ok(Math.abs(second) <= 60, `${second} ms`);
  assert.deepEqual(errors, []);
});
