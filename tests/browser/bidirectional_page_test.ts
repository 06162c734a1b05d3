import assert from "node:assert/strict";
import { chromium, type Page } from "playwright-core";
import { eventuallyInPage, openPage, type TestPage } from "../support/browser.ts";
import { CHROMIUM, CHROMIUM_FLAGS } from "../support/chromium.ts";
import { eventually, examplePipeline, startTestServer } from "../support/test_server.ts";

/** Opens a page in a Chromium whose camera is a green picture and whose microphone beeps. */
async function openCameraPage(url: string): Promise<TestPage> {
  const flags = [...CHROMIUM_FLAGS, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: flags });
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    permissions: ["clipboard-read", "clipboard-write"],
    bypassCSP: true,
  });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => void errors.push(error.message));
  await page.goto(url);
  return { page, errors, [Symbol.asyncDispose]: () => browser.close() };
}

async function connect(page: Page): Promise<void> {
  await page.click("#connect");
  await page.waitForFunction("document.body.dataset.picture === 'live' && document.body.dataset.state === 'live'");
}

/** A corner of the received picture, where the camera's is dark green and the card's dark blue. */
async function corner(page: Page): Promise<"camera" | "card" | "neither"> {
  const [red = 0, green = 0, blue = 0] = await page.evaluate<number[]>(`(() => {
    const canvas = document.createElement("canvas");
    canvas.width = 64;
    canvas.height = 36;
    const context = canvas.getContext("2d");
    context.drawImage(document.querySelector("#video"), 0, 0, 64, 36);
    return [...context.getImageData(4, 4, 1, 1).data];
  })()`);
  if (green > 100 && red < 60 && blue < 60) return "camera";
  return red < 60 && green < 60 && blue < 80 && blue > green ? "card" : "neither";
}

async function lines(page: Page): Promise<string[]> {
  return await page.locator("#log-lines li").allTextContents();
}

/** Waits for a line of the log. */
async function logged(page: Page, pattern: RegExp): Promise<void> {
  await eventuallyInPage(`the log has ${pattern}`, async () => (await lines(page)).some((line) => pattern.test(line)));
}

Deno.test("the camera comes back, goes and comes again without a new session, before and after connecting", async () => {
  await using server = await startTestServer(examplePipeline("camera_effects"));
  await using browser = await openCameraPage(`${server.url}/demo/bidirectional`);
  const { page, errors } = browser;
  let offers = 0;
  page.on("request", (request) => void (offers += request.url().endsWith("/offer") ? 1 : 0));
  await connect(page);
  await eventuallyInPage("a card asks for the camera", async () => await corner(page) === "card");
  await page.click("#camera");
  await eventuallyInPage("the camera comes back", async () => await corner(page) === "camera");
  assert.equal(await page.getAttribute("#camera", "aria-checked"), "true");
  await eventuallyInPage("the preview", () => page.evaluate("document.querySelector('#preview').videoWidth > 0"));
  await page.click("#camera");
  await eventuallyInPage("the card is back", async () => await corner(page) === "card");
  assert.equal(await page.evaluate("document.querySelector('#preview').srcObject"), null);
  await page.click("#camera");
  await page.click("#microphone");
  await eventuallyInPage("the camera is back", async () => await corner(page) === "camera");
  await eventuallyInPage("both bitrates are shown", async () => {
    const [received, sent] = [await page.textContent("#stats-received"), await page.textContent("#stats-sent")];
    return [received, sent].every((text) => /^[1-9].* [kM]bit\/s$/.test(text ?? ""));
  });
  assert.equal(await page.textContent("#capture-problem"), "");
  assert.equal(offers, 1);
  await page.click("#stop");
  await eventually("the session is closed", () => server.server.registry.size === 0, 3000);
  assert.equal(await page.getAttribute("#camera", "aria-checked"), "true");
  await page.click("#connect");
  await page.waitForFunction("document.body.dataset.state === 'live'");
  await eventuallyInPage("a new session begins with the camera", async () => await corner(page) === "camera");
  assert.deepEqual(errors, []);
});

Deno.test("effects, prompt and overlay are sent once each, shown in the log and measured", async () => {
  await using server = await startTestServer(examplePipeline("camera_effects"));
  await using browser = await openCameraPage(`${server.url}/demo/bidirectional?prompt=calm`);
  const { page, errors } = browser;
  const offer = page.waitForRequest((request) => request.url().endsWith("/offer"));
  await page.click('[data-effect="none"]');
  await connect(page);
  const { prompt, effect, task } = (await offer).postDataJSON();
  const { session_id: id } = await (await (await offer).response())?.json();
  assert.deepEqual({ prompt, effect, task }, { prompt: "calm", effect: "none", task: "bidirectional" });
  await page.click("#camera");
  await eventuallyInPage("the camera comes back", async () => await corner(page) === "camera");
  await page.click('[data-effect="outline"]');
  await logged(page, /→ control{"effect":"outline","id":"c1"}/);
  await logged(page, /← chunk.*"applied_controls":\["c1"\]/);
  await logged(page, /→ control_trace{"id":"c1","latency_ms":\d/);
  await eventuallyInPage("the picture has changed", async () => await corner(page) !== "camera");
  assert.equal(await page.getAttribute('[data-effect="outline"]', "aria-pressed"), "true");
  assert.equal(await page.getAttribute('[data-effect="none"]', "aria-pressed"), "false");
  assert.match(await page.textContent("#stats-p50") ?? "", /^\d+ ms$/);
  await page.fill("#prompt", "a storm");
  await page.press("#prompt", "Enter");
  await logged(page, /→ control{"prompt":"a storm","id":"c2"}/);
  await page.click("#hud");
  await logged(page, /→ control{"hud":false,"id":"c3"}/);
  assert.equal(server.server.registry.size, 1);
  await eventuallyInPage("the server's own figures", async () => {
    const { stats } = await (await server.fetch(`/v1/stream/sessions/${id}/status`)).json();
    const dropped = String(stats.frames_dropped + stats.controls_dropped);
    return await page.textContent("#stats-waiting") === "0" && await page.textContent("#stats-dropped") === dropped;
  });
  assert.deepEqual(errors, []);
});

Deno.test("the log can be filtered, paused, copied and cleared, and stays within 500 lines", async () => {
  await using server = await startTestServer(examplePipeline("arrow_overlay"));
  await using browser = await openCameraPage(`${server.url}/demo/bidirectional?fps=60`);
  const { page, errors } = browser;
  await connect(page);
  await page.keyboard.press("ArrowUp");
  await logged(page, /→ control{"key":"ArrowUp","action":"press"/);
  assert.ok((await lines(page)).every((line) => !/← chunk/.test(line) || /applied_controls/.test(line)));
  await page.selectOption("#log-type", "chunk");
  await eventuallyInPage("plain chunks are there as well", async () => (await lines(page)).length > 30);
  await page.selectOption("#log-type", "all");
  await page.fill("#log-text", "arrowup");
  assert.ok((await lines(page)).length >= 2 && (await lines(page)).every((line) => /arrowup/i.test(line)));
  await page.fill("#log-text", "");
  await page.click("#log-pause");
  const held = await lines(page);
  await eventuallyInPage("it counts what it holds back", async () => {
    return /Paused, [1-9]\d+ since/.test(await page.textContent("#log-note") ?? "");
  });
  assert.deepEqual(await lines(page), held);
  await page.click("#log-copy");
  let copied = "";
  await eventuallyInPage("it is copied", async () => {
    return (copied = await page.evaluate<string>("navigator.clipboard.readText()")) !== "";
  });
  assert.equal(copied.split("\n").length, held.length);
  assert.match(copied, /^\d\d:\d\d:\d\d\.\d{3} [←→] \w+ {/);
  await page.click("#log-pause");
  await eventuallyInPage("it is full", async () => (await lines(page)).length === 500, 30_000);
  await page.waitForTimeout(1000);
  assert.ok((await lines(page)).length <= 500);
  const { top, bottom } = await page.evaluate<{ top: number; bottom: number }>(`(() => {
    const last = document.querySelector("#log-lines li:last-child").getBoundingClientRect();
    const scroll = document.querySelector(".log-scroll").getBoundingClientRect();
    return { top: last.top - scroll.top, bottom: scroll.bottom - last.bottom };
  })()`);
  assert.ok(top > 0 && bottom >= 0, `the newest line is in sight: ${top} ${bottom}`);
  const left = await page.evaluate<number>(`(() => {
    document.querySelector("#log-clear").click();
    return document.querySelectorAll("#log-lines li").length;
  })()`);
  assert.equal(left, 0);
  assert.deepEqual(errors, []);
});

Deno.test("a camera that cannot be had, and one that nobody looks at, are told in words", async () => {
  await using server = await startTestServer(examplePipeline("arrow_overlay"));
  {
    await using browser = await openPage(`${server.url}/demo/bidirectional`);
    const { page, errors } = browser;
    const says = async (pattern: RegExp) => pattern.test(await page.textContent("#capture-problem") ?? "");
    await page.click("#camera");
    await eventuallyInPage("why", () => says(/(There is no camera|may not use the camera).*switch it on again\.$/));
    assert.equal(await page.getAttribute("#camera", "aria-checked"), "false");
    await page.evaluate("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })");
    await page.click("#microphone");
    await eventuallyInPage("what a page needs", () => says(/microphone to pages over https and on localhost only/));
    assert.deepEqual(errors, []);
  }
  await using browser = await openCameraPage(`${server.url}/demo/bidirectional`);
  const { page, errors } = browser;
  await connect(page);
  await page.click("#camera");
  await eventuallyInPage("that it is not used", async () => {
    return await page.textContent("#capture-problem") === "This pipeline does not use the camera.";
  });
  assert.deepEqual(errors, []);
});

Deno.test("a page that is hidden and shown, or loaded again, keeps its session", async () => {
  await using server = await startTestServer(examplePipeline("camera_effects"), { webrtcMaxSessions: "1" });
  await using browser = await openCameraPage(`${server.url}/demo/bidirectional`);
  const { page, errors } = browser;
  await page.click("#camera");
  await connect(page);
  const hide = (isHidden: boolean) =>
    page.evaluate(`(() => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => ${isHidden} });
      document.dispatchEvent(new Event("visibilitychange"));
    })()`);
  await hide(true);
  await page.waitForTimeout(2000);
  await hide(false);
  assert.equal(await page.textContent("#state"), "Live");
  await eventuallyInPage("the camera still comes back", async () => await corner(page) === "camera");
  await page.click('[data-effect="outline"]');
  await page.click("#hud");
  await logged(page, /→ control{"hud":false/);
  const answer = page.waitForResponse((response) => response.url().endsWith("/offer"));
  await page.reload();
  assert.equal((await (await answer).json()).resumed, true);
  await eventuallyInPage("it is live again", async () => await page.textContent("#state") === "Live");
  assert.equal(await page.getAttribute("#camera", "aria-checked"), "false");
  assert.equal(await page.getAttribute('[data-effect="outline"]', "aria-pressed"), "true");
  assert.equal(await page.getAttribute('[data-effect="mirror"]', "aria-pressed"), "false");
  assert.equal(await page.getAttribute("#hud", "aria-checked"), "false");
  await logged(page, /→ control{"effect":"outline","hud":false,"keys":\[\]}/);
  await page.selectOption("#log-type", "chunk");
  await logged(page, /← chunk.*"effect":"outline"/);
  assert.equal(server.server.registry.size, 1);
  assert.deepEqual(errors, []);
});
