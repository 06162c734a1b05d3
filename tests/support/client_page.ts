/** What a viewer of the client library sees and hears at one moment. */
export interface ClientView {
  /** The library's own state. */
  readonly state: string;
  /** Pictures decoded since the connection came up. */
  readonly frames: number;
  readonly audioEnergy: number;
  readonly audioSamples: number;
  /** For example `video/VP8`; empty while unknown. */
  readonly codec: string;
  /** The browser's own end of the way that is used; `type` is `host`, `srflx`, `prflx` or `relay`. */
  readonly path: { readonly type: string; readonly relayProtocol: string };
  /** The brightest value of the picture, 0 to 255. */
  readonly brightest: number;
  /** A number that another picture hardly has. */
  readonly print: number;
}

/** What `client_probe.js` puts on the window. */
interface ClientProbe {
  connect(options: Record<string, unknown>): Promise<{ sessionId: string; connectMs: number }>;
  sendBusyCamera(): Promise<void>;
  look(): Promise<ClientView>;
  stop(): Promise<void>;
}

/** A page of Playwright's or Puppeteer's. */
export interface ScriptedPage {
  evaluate(expression: string): Promise<unknown>;
}

/** Adds a viewer that uses the server's own client library to a page of that server. */
export async function addClient(page: ScriptedPage): Promise<void> {
  await runScript(page, "client_probe.js");
}

/** Adds `busyCamera()` to a page: a track whose pictures are hard to code. */
export async function addBusyCamera(page: ScriptedPage): Promise<void> {
  await runScript(page, "busy_camera.js");
}

/** Runs one of the scripts beside this file in a page. */
export async function runScript(page: ScriptedPage, name: string): Promise<void> {
  const script = await Deno.readTextFile(new URL(name, import.meta.url));
  await page.evaluate(`(() => { ${script} })()`);
}

/** Calls a function of that viewer in the page; fails with the library's words when it throws. */
export async function callClient<K extends keyof ClientProbe>(
  page: ScriptedPage,
  name: K,
  ...args: Parameters<ClientProbe[K]>
): Promise<Awaited<ReturnType<ClientProbe[K]>>> {
  const list = args.map((arg) => JSON.stringify(arg)).join(", ");
  return await page.evaluate(`viewer.${name}(${list})`) as Awaited<ReturnType<ClientProbe[K]>>;
}

/**
 * Waits until the picture moves and sound has come: pictures are decoded one after the other, two of them differ and are
 * not black, and the sound is not silence.
 *
 * @returns the last look
 * @throws Error that says what is missing, when it is not so within the limit
 */
export async function seesAndHears(page: ScriptedPage, limitMs = 10_000): Promise<ClientView> {
  const end = performance.now() + limitMs;
  const first = await callClient(page, "look");
  const prints = new Set<number>();
  while (true) {
    const view = await callClient(page, "look");
    if (view.brightest > 40) prints.add(view.print);
    const lacks = [
      ...(view.frames > first.frames ? [] : ["pictures"]),
      ...(prints.size > 1 ? [] : ["moving picture"]),
      ...(view.audioEnergy > 0 ? [] : ["sound"]),
    ];
    if (lacks.length === 0) return view;
    if (performance.now() > end) throw new Error(`no ${lacks.join(", no ")} in ${limitMs} ms: ${JSON.stringify(view)}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
