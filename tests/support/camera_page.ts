import type { Page } from "playwright-core";

/** What `camera_probe.js` puts on the window. */
interface CameraProbe {
  connect(url: string, config: Record<string, unknown>): Promise<string>;
  send(message: Record<string, unknown>): void;
  messages(): readonly { readonly type: string; readonly [field: string]: unknown }[];
  halves(): [[number, number, number], [number, number, number]];
  ages(): number[];
  tone(): { hertz: number; above: number };
  close(): Promise<void>;
}

/** Adds a viewer with a camera and a microphone of its own making to a page. */
export async function addCamera(page: Page): Promise<void> {
  await page.addScriptTag({ path: new URL("./camera_probe.js", import.meta.url).pathname });
}

/** Calls a function of that viewer in the page. */
export async function callCamera<K extends keyof CameraProbe>(
  page: Page,
  name: K,
  ...args: Parameters<CameraProbe[K]>
): Promise<Awaited<ReturnType<CameraProbe[K]>>> {
  return await page.evaluate(
    ([name, args]) => {
      const { camera } = globalThis as unknown as { camera: Record<string, (...args: unknown[]) => unknown> };
      return camera[name]?.(...args);
    },
    [name, args] as [string, unknown[]],
  ) as Awaited<ReturnType<CameraProbe[K]>>;
}
