import type { ScriptedPage } from "./client_page.ts";

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
  halves(): [[number, number, number], [number, number, number]];
  ages(): number[];
  tone(): { hertz: number; above: number };
  energy(): Promise<number>;
  close(): Promise<void>;
}

/** Adds a viewer with a camera and a microphone of its own making to a page. */
export async function addCamera(page: ScriptedPage): Promise<void> {
  const script = await Deno.readTextFile(new URL("./camera_probe.js", import.meta.url));
  await page.evaluate(`(() => { ${script} })()`);
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
