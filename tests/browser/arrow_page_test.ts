import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { eventuallyInPage, openPage } from "../support/browser.ts";
import { eventually, examplePipeline, startTestServer, type TestServer } from "../support/test_server.ts";

const PICTURE = "document.body.dataset.picture === 'live' && document.body.dataset.state === 'live'";

/** Presses Connect and waits for the picture; returns the session's id. */
async function connect(page: Page): Promise<string> {
  const answer = page.waitForResponse((response) => response.url().endsWith("/offer"));
  await page.click("#connect");
  const { session_id } = await (await answer).json();
  await page.waitForFunction(PICTURE);
  return session_id;
}

async function statsOf(server: TestServer, id: string) {
  return (await (await server.fetch(`/v1/stream/sessions/${id}/status`)).json()).stats;
}

/** Keys of the D-pad that are shown as pressed, in the page's order. */
async function pressed(page: Page): Promise<string> {
  const keys = await page.locator('#dpad [aria-pressed="true"]').evaluateAll((all) =>
    all.map((key) => key.getAttribute("data-key")?.slice(5))
  );
  return keys.join(" ");
}

/** The same, once it is so; fails with what it is instead. */
async function becomes(page: Page, wanted: string): Promise<void> {
  await eventuallyInPage(`pressed: ${wanted || "nothing"}`, async () => await pressed(page) === wanted, 3000);
}

/** How many changes the page has measured. */
async function measured(page: Page): Promise<number> {
  return Number(await page.textContent("#stats-count"));
}

/** Where a key of the D-pad is. */
async function middleOf(page: Page, key: string): Promise<{ x: number; y: number }> {
  const box = await page.locator(`[data-key="${key}"]`).boundingBox();
  assert.ok(box !== null);
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** The colour of the up arrow that the pipeline draws into its picture. */
async function upArrow(page: Page): Promise<number[]> {
  return await page.evaluate<number[]>(`(() => {
    const canvas = document.createElement("canvas");
    const video = document.querySelector("#video");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0);
    return [...context.getImageData(552, 236, 1, 1).data].slice(0, 3);
  })()`);
}

function isGreen([red = 0, green = 0, blue = 0]: number[]): boolean {
  return green > 150 && red < 120 && blue < 150;
}

Deno.test("a key reaches the picture, once for each change, and its latency is shown and told to the server", async () => {
  await using server = await startTestServer(examplePipeline("arrow_overlay"));
  await using browser = await openPage(`${server.url}/demo/arrow`);
  const { page, errors } = browser;
  const id = await connect(page);
  assert.equal(isGreen(await upArrow(page)), false);
  await page.keyboard.down("ArrowUp");
  for (let repeat = 0; repeat < 5; repeat++) await page.keyboard.down("ArrowUp");
  await becomes(page, "Up");
  await eventuallyInPage("the press is in the picture", async () => isGreen(await upArrow(page)));
  await eventuallyInPage(
    "its latency is shown",
    async () => /^\d+ ms$/.test(await page.textContent("#gauge-last") ?? ""),
  );
  assert.match(await page.textContent("#stats-p50") ?? "", /^\d+ ms$/);
  assert.equal(await page.locator("#gauge-strip li").count(), 1);
  await page.keyboard.up("ArrowUp");
  await becomes(page, "");
  await eventuallyInPage("the release as well", async () => !isGreen(await upArrow(page)));
  await page.keyboard.press("d");
  await eventuallyInPage("four changes are measured", async () => await measured(page) === 4);
  const stats = await statsOf(server, id);
  assert.equal(stats.controls_received, 4);
  await eventually("the server knows them", () => server.server.registry.latency.summary.control_latency.count === 4);
  const { p50 } = server.server.registry.latency.summary.control_latency;
  assert.ok(p50 !== null && p50 > 0 && p50 < 1000, `a believable latency: ${p50} ms`);
  assert.deepEqual(errors, []);
});

Deno.test("pointers hold keys, slide over them and reach corners; several fingers hold several; a cancelled one lets go", async () => {
  await using server = await startTestServer(examplePipeline("arrow_overlay"));
  await using browser = await openPage(`${server.url}/demo/arrow`);
  const { page, errors } = browser;
  await connect(page);
  const [up, right, down] = [
    await middleOf(page, "ArrowUp"),
    await middleOf(page, "ArrowRight"),
    await middleOf(page, "ArrowDown"),
  ];
  await page.mouse.move(up.x, up.y);
  await page.mouse.down();
  await becomes(page, "Up");
  await page.mouse.move(right.x, up.y);
  await becomes(page, "Up Right");
  await page.mouse.move(right.x, right.y);
  await becomes(page, "Right");
  await page.mouse.move(right.x + 400, right.y);
  await becomes(page, "Right");
  await page.mouse.up();
  await becomes(page, "");

  const cdp = await page.context().newCDPSession(page);
  const touch = (
    type: "touchStart" | "touchMove" | "touchEnd" | "touchCancel",
    points: { x: number; y: number; id: number }[],
  ) => cdp.send("Input.dispatchTouchEvent", { type, touchPoints: points });
  await touch("touchStart", [{ ...up, id: 1 }]);
  await touch("touchStart", [{ ...up, id: 1 }, { ...right, id: 2 }]);
  await becomes(page, "Up Right");
  await touch("touchEnd", [{ ...up, id: 1 }]); // The one that is lifted.
  await becomes(page, "Right");
  await touch("touchMove", [{ x: right.x, y: up.y, id: 2 }]);
  await becomes(page, "Up Right");
  await touch("touchEnd", []);
  await becomes(page, "");
  await touch("touchStart", [{ ...down, id: 3 }]);
  await becomes(page, "Down");
  await touch("touchCancel", []);
  await becomes(page, "");
  assert.deepEqual(errors, []);
});

Deno.test("keys are let go when the window loses the focus and when the page is hidden; the session goes on", async () => {
  await using server = await startTestServer(examplePipeline("arrow_overlay"));
  await using browser = await openPage(`${server.url}/demo/arrow`);
  const { page, errors } = browser;
  await connect(page);
  await page.keyboard.down("ArrowLeft");
  await page.keyboard.down("w");
  await becomes(page, "Up Left");
  await page.evaluate("dispatchEvent(new Event('blur'))");
  await becomes(page, "");
  await page.keyboard.up("ArrowLeft");
  await page.keyboard.up("w");
  await page.keyboard.down("ArrowDown");
  await becomes(page, "Down");
  await eventuallyInPage("all five changes are measured", async () => await measured(page) === 5);
  const hide = (isHidden: boolean) =>
    page.evaluate(`(() => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => ${isHidden} });
      document.dispatchEvent(new Event("visibilitychange"));
    })()`);
  await hide(true);
  await becomes(page, "");
  await page.waitForTimeout(2500);
  assert.equal(server.server.registry.size, 1);
  await hide(false);
  await page.keyboard.up("ArrowDown");
  assert.equal(await page.textContent("#state"), "Live");
  assert.equal(await measured(page), 5, "what happened while the page was hidden is not measured");
  await page.keyboard.press("ArrowUp");
  await eventuallyInPage("a press is measured again", async () => await measured(page) === 7);
  assert.deepEqual(errors, []);
});

Deno.test("a key that was let go in the moment of a loss is let go in the picture, once the session is back; one that is held stays", async () => {
  await using server = await startTestServer(examplePipeline("arrow_overlay"));
  await using browser = await openPage(`${server.url}/demo/arrow`);
  const { page, errors } = browser;
  await page.addInitScript(`(() => {
    const Peer = RTCPeerConnection;
    globalThis.RTCPeerConnection = class extends Peer {
      constructor(...args) {
        super(...args);
        globalThis.peer = this;
      }
    };
  })()`);
  await page.reload();
  const id = await connect(page);
  await page.keyboard.down("ArrowUp");
  await page.keyboard.down("ArrowLeft");
  await becomes(page, "Up Left");
  await eventuallyInPage("the press is in the picture", async () => isGreen(await upArrow(page)));
  await page.evaluate(`(() => {
    globalThis.send = RTCDataChannel.prototype.send;
    RTCDataChannel.prototype.send = () => {};
  })()`);
  await page.keyboard.up("ArrowUp");
  await becomes(page, "Left");
  await page.evaluate(`(() => {
    RTCDataChannel.prototype.send = globalThis.send;
    Object.defineProperty(peer, "connectionState", { configurable: true, get: () => "failed" });
    peer.dispatchEvent(new Event("connectionstatechange"));
  })()`);
  assert.equal(await page.textContent("#state"), "Reconnecting");
  await page.evaluate("delete globalThis.peer.connectionState");
  await page.waitForFunction(PICTURE);
  await eventuallyInPage("the release is in the picture", async () => !isGreen(await upArrow(page)));
  assert.equal(await pressed(page), "Left");
  const { controls_received } = await statsOf(server, id);
  assert.equal(controls_received, 3, "two presses, and what is held when it is back");
  assert.deepEqual(errors, []);
});

Deno.test("a key that was held when the page was loaded again is let go", async () => {
  await using server = await startTestServer(examplePipeline("arrow_overlay"));
  await using browser = await openPage(`${server.url}/demo/arrow`);
  const { page, errors } = browser;
  await connect(page);
  await page.keyboard.down("ArrowUp");
  await eventuallyInPage("the press is in the picture", async () => isGreen(await upArrow(page)));
  await page.evaluate("RTCDataChannel.prototype.send = () => {}"); // What the page says as it goes is lost.
  await page.reload();
  await page.waitForFunction(PICTURE);
  await eventuallyInPage("the release is in the picture", async () => !isGreen(await upArrow(page)));
  assert.equal(server.server.registry.size, 1);
  assert.deepEqual(errors, []);
});

Deno.test("a gamepad steers, and what it holds is let go when it goes", async () => {
  await using server = await startTestServer(examplePipeline("arrow_overlay"));
  await using browser = await openPage(`${server.url}/demo/arrow`);
  const { page, errors } = browser;
  await page.evaluate(`(() => {
    const buttons = Array.from({ length: 17 }, () => ({ pressed: false }));
    globalThis.pad = { index: 0, connected: true, mapping: "standard", axes: [0, 0, 0, 0], buttons };
    navigator.getGamepads = () => [globalThis.pad, null];
    dispatchEvent(new Event("gamepadconnected"));
  })()`);
  await connect(page);
  await page.evaluate("pad.buttons[12].pressed = true; pad.axes[0] = 0.9");
  await becomes(page, "Up Right");
  await page.evaluate("pad.axes[0] = 0");
  await becomes(page, "Up");
  await page.evaluate("globalThis.pad = null");
  await becomes(page, "");
  assert.deepEqual(errors, []);
});

Deno.test("a button of the D-pad is held by Space, and letters belong to whoever writes", async () => {
  await using server = await startTestServer(examplePipeline("arrow_overlay"));
  await using browser = await openPage(`${server.url}/demo/bidirectional`);
  const { page, errors } = browser;
  await connect(page);
  await page.focus('[data-key="ArrowLeft"]');
  await page.keyboard.down("Space");
  await becomes(page, "Left");
  await page.keyboard.up("Space");
  await becomes(page, "");
  await page.focus("#prompt");
  await page.keyboard.type("wasd");
  assert.equal(await page.inputValue("#prompt"), "wasd");
  await page.keyboard.down("ArrowLeft");
  assert.equal(await pressed(page), "");
  await page.keyboard.up("ArrowLeft");
  assert.deepEqual(errors, []);
});

Deno.test("Stop frees the only place at once, so that Connect works again; a page that is loaded again keeps it", async () => {
  await using server = await startTestServer(examplePipeline("arrow_overlay"), { webrtcMaxSessions: "1" });
  await using browser = await openPage(`${server.url}/demo/arrow`);
  const { page, errors } = browser;
  const failed: string[] = [];
  page.on("response", (response) => response.ok() || failed.push(`${response.status()} ${response.url()}`));
  for (let round = 0; round < 3; round++) {
    await connect(page);
    await page.click("#stop");
  }
  const id = await connect(page);
  for (let round = 0; round < 2; round++) {
    const answer = page.waitForResponse((response) => response.url().endsWith("/offer"));
    await page.reload();
    const { session_id, resumed } = await (await answer).json();
    assert.deepEqual([session_id, resumed], [id, true]);
    await page.waitForFunction(PICTURE);
    assert.equal(server.server.registry.size, 1);
  }
  await page.keyboard.down("ArrowUp");
  await becomes(page, "Up");
  await page.keyboard.up("ArrowUp");
  await page.click("#stop");
  await eventually("the place is free", () => server.server.registry.size === 0, 3000);
  assert.deepEqual([failed, errors], [[], []]);
});

Deno.test("a place that is held for a page that went is given to who needs it", async () => {
  await using server = await startTestServer(examplePipeline("arrow_overlay"), { webrtcMaxSessions: "1" });
  await using first = await openPage(`${server.url}/demo/arrow`);
  const id = await connect(first.page);
  await first.page.goto("about:blank");
  await eventually("it is held", () => server.logged.some((line) => line.includes("interrupted")), 3000);
  await using second = await openPage(`${server.url}/demo/arrow`);
  assert.notEqual(await connect(second.page), id);
  assert.equal(server.server.registry.size, 1);
  const status = await server.fetch(`/v1/stream/sessions/${id}/status`);
  assert.match((await status.json()).detail, /the viewer left, and another one needed the place/);
  assert.deepEqual([...first.errors, ...second.errors], []);
});

Deno.test("a page that does not fit the server says so in words, leads to one that does, and opens nothing", async () => {
  await using push = await startTestServer(examplePipeline("video_replay"));
  await using browser = await openPage(`${push.url}/demo/arrow`);
  const { page, errors } = browser;
  const says = async (pattern: RegExp) => pattern.test(await page.textContent("#status") ?? "");
  await eventuallyInPage("it says what this server is", () => says(/push pipeline.*open Player/));
  await page.click("#connect");
  await eventuallyInPage("it says so again", () => says(/push pipeline.*open Player/));
  assert.equal(push.server.registry.size, 0);
  await page.click("#status a");
  await page.waitForURL("**/demo/player");
  await page.waitForSelector("#connect");
  assert.equal(await says(/pipeline/), false);

  await using twoWay = await startTestServer(examplePipeline("arrow_overlay"));
  await page.goto(`${twoWay.url}/demo/player?autoconnect=1`);
  await eventuallyInPage("the player as well", () => says(/two-way pipeline: open Arrow keys or Two-way/));
  assert.equal(twoWay.server.registry.size, 0);
  assert.deepEqual(errors, []);
});
