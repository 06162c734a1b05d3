import assert from "node:assert/strict";
import { openPage } from "../support/browser.ts";
import { startTestServer, testPipeline } from "../support/test_server.ts";

/** Seconds between the two looks; the long run is for when the timing has changed. */
const APART = Deno.env.get("TELEFUSER_LONG") === undefined ? 20 : 300;

/** Notes when a flash is on the screen and when a beep leaves the loudspeaker, both on the page's clock in ms. */
const LISTEN = `(async () => {
  const { StreamClient } = await import("/static/telefuser-client.js");
  const video = document.createElement("video");
  video.autoplay = true;
  document.body.append(video);
  const client = globalThis.client = new StreamClient();
  video.srcObject = client.stream;
  await client.connect();
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
  const context = new AudioContext({ sampleRate: 48000 });
  const source = \`registerProcessor("onset", class extends AudioWorkletProcessor {
    silent = 0;
    process([[samples]]) {
      for (let at = 0; samples && at < samples.length; at++) {
        if (Math.abs(samples[at]) < 0.05) { this.silent++; continue; }
        if (this.silent > 9600) this.port.postMessage(currentTime + at / sampleRate);
        this.silent = 0;
      }
      return true;
    }
  })\`;
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const onset = new AudioWorkletNode(context, "onset");
  context.createMediaStreamSource(client.stream).connect(onset).connect(context.destination);
  onset.port.onmessage = ({ data }) => {
    const { contextTime, performanceTime } = context.getOutputTimestamp();
    beeps.push(performanceTime + (data - contextTime) * 1000);
  };
  await context.resume();
})()`;

Deno.test("a flash and its beep come out together, and still do later", async () => {
  await using server = await startTestServer(testPipeline("flash_and_beep"));
  await using browser = await openPage(`${server.url}/v1/service/health`, {
    flags: ["--autoplay-policy=no-user-gesture-required"],
  });
  const { page, errors } = browser;
  await page.evaluate(LISTEN);
  /** How much later the beep is than the flash, in ms: the median of twelve. */
  async function skew(): Promise<number> {
    await page.evaluate("flashes.length = beeps.length = 0");
    await page.waitForTimeout(12_500);
    const [flashes, beeps] = await page.evaluate<[number[], number[]]>("[flashes, beeps]");
    const pairs = flashes.flatMap((flash) => {
      const beep = beeps.find((one) => Math.abs(one - flash) < 500);
      return beep === undefined ? [] : [beep - flash];
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
