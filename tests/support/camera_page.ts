import assert from "node:assert/strict";
import { eventuallyInPage } from "./browser.ts";
import { runScript, type ScriptedPage } from "./client_page.ts";
import type { TestServer } from "./test_server.ts";

/** Red, green and blue, 0 to 255. */
export type Color = readonly [number, number, number];

/** What `camera_probe.js` puts on the window. */
interface CameraProbe {
  /** The microphone is a tone of the page's own, or the browser's. */
  connect(
    url: string,
    config: Record<string, unknown>,
    options?: { readonly microphone: "tone" | "of the browser" },
  ): Promise<string>;
  send(message: Record<string, unknown>): void;
  messages(): readonly { readonly type: string; readonly [field: string]: unknown }[];
  halves(): [Color, Color];
  ages(): number[];
  tone(): { hertz: number; above: number };
  energy(): Promise<number>;
  close(): Promise<void>;
}

/** Adds a viewer with a camera and a microphone of its own making to a page. */
export async function addCamera(page: ScriptedPage): Promise<void> {
  await runScript(page, "camera_probe.js");
}

/** Calls a function of that viewer in the page. */
export async function callCamera<K extends keyof CameraProbe>(
  page: ScriptedPage,
  name: K,
  ...args: Parameters<CameraProbe[K]>
): Promise<Awaited<ReturnType<CameraProbe[K]>>> {
  const list = args.map((arg) => JSON.stringify(arg)).join(", ");
  return await page.evaluate(`camera.${name}(${list})`) as Awaited<ReturnType<CameraProbe[K]>>;
}

export function isRed([r, g, b]: Color): boolean {
  return r > 140 && g < 90 && b < 90;
}

function isBlue([r, g, b]: Color): boolean {
  return b > 140 && r < 90 && g < 90;
}

/** Waits until the camera, red on its left and blue on its right, is seen as a mirror shows it. */
export async function seesMirrored(page: ScriptedPage): Promise<void> {
  await eventuallyInPage("the mirrored picture", async () => {
    const [left, right] = await callCamera(page, "halves");
    return isBlue(left) && isRed(right);
  });
}

/** Waits until it is seen as it is. */
export async function seesUnchanged(page: ScriptedPage): Promise<void> {
  await eventuallyInPage("the picture as it is", async () => {
    const [left, right] = await callCamera(page, "halves");
    return isRed(left) && isBlue(right);
  });
}

/** Ends the only session: camera and microphone have come, all of the pictures could be read, and nothing stays. */
export async function endCamera(page: ScriptedPage, { server, id }: { server: TestServer; id: string }): Promise<void> {
  const { stats } = await (await server.fetch(`/v1/stream/sessions/${id}/status`)).json();
  assert.ok(stats.camera_frames > 5 && stats.microphone_packets > 5, JSON.stringify(stats));
  assert.equal(stats.camera_invalid, 0);
  await callCamera(page, "close");
  assert.equal(server.server.registry.size, 0);
}
