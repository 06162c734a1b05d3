import assert from "node:assert/strict";
import { eventuallyInPage } from "../support/browser.ts";
import { addCamera, callCamera, endCamera, seesMirrored, seesUnchanged } from "../support/camera_page.ts";
import { addClient, callClient, seesAndHears } from "../support/client_page.ts";
import { openFirefoxPage } from "../support/firefox.ts";
import { eventually, examplePipeline, startTestServer } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";

const ROUNDS = 50;
/** Longest time for all of them, in seconds. */
const LIMIT_S = 90;

timedTest("Firefox connects 50 times of 50, each time with a moving picture and sound", async () => {
  await using server = await startTestServer(examplePipeline("video_replay"));
  await using browser = await openFirefoxPage(`${server.url}/v1/service/health`);
  const { page, errors } = browser;
  await addClient(page);
  const times: number[] = [];
  const began = performance.now();
  for (let round = 1; round <= ROUNDS; round++) {
    const { connectMs } = await callClient(page, "connect", {});
    times.push(connectMs);
    const view = await seesAndHears(page);
    assert.equal(view.codec, "video/VP8", `round ${round}`);
    assert.equal(view.state, "live", `round ${round}`);
    await callClient(page, "stop");
    await eventually(`the session of round ${round} is over`, () => server.server.registry.size === 0);
  }
  const seconds = (performance.now() - began) / 1000;
  times.sort((a, b) => a - b);
  const [median = 0, slowest = 0] = [times[ROUNDS / 2], times.at(-1)];
  console.log(
    `Firefox: ${ROUNDS} connects in ${
      seconds.toFixed(1)
    } s, median ${median.toFixed()} ms, slowest ${slowest.toFixed()} ms`,
  );
  assert.ok(seconds < LIMIT_S, `${seconds.toFixed(1)} s`);
  assert.deepEqual(errors, []);
});

Deno.test("Firefox: its camera and microphone come back, and an effect changes on command", async () => {
  await using server = await startTestServer(examplePipeline("camera_effects"));
  await using browser = await openFirefoxPage(`${server.url}/v1/service/health`);
  const { page, errors } = browser;
  await addCamera(page);
  // Without a sound card Firefox does not run an AudioContext.
  const id = await callCamera(page, "connect", server.url, {}, { microphone: "of the browser" });
  await seesMirrored(page);
  await callCamera(page, "send", { type: "control", effect: "none" });
  await seesUnchanged(page);
  await eventuallyInPage("the echo", async () => await callCamera(page, "energy") > 0.01);
  await endCamera(page, { server, id });
  assert.deepEqual(errors, []);
});
