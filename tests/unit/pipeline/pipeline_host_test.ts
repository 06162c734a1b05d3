import assert from "node:assert/strict";
import { setLogSink } from "../../../src/log.ts";
import { DEFAULT_LIMITS, PipelineHost, type PipelineSession } from "../../../src/pipeline/mod.ts";
import { type HandLink, handLinks } from "../support/hand_link.ts";
import { ManualClock, settle } from "../support/manual_clock.ts";

const READY = { t: "ready", mode: "server_push", defaultFps: null, viewerMedia: null };
const TWO_WAY = { ...READY, mode: "bidirectional" };
const FRAME = { format: "rgba", data: new Uint8Array(16 * 16 * 4), width: 16, height: 16 };

function chunkOf(frames: readonly unknown[]) {
  return {
    fields: {},
    frames,
    frameNames: frames.map((_, at) => `frames[${at}]`),
    audio: null,
    audioName: "audio",
    metadata: "{}",
    faults: [],
  };
}

class Stage implements Disposable {
  readonly clock = new ManualClock();
  readonly logged: string[] = [];
  readonly host: PipelineHost;
  readonly links: HandLink[];
  #broken: string | undefined;
  readonly #sink = setLogSink({ write: (_level, line) => void this.logged.push(line) });

  constructor(limits: Partial<typeof DEFAULT_LIMITS> = {}) {
    const { open, links } = handLinks();
    this.links = links;
    this.host = new PipelineHost({
      entry: "/pipelines/mine.ts",
      permissions: { level: "strict", worker: "none", mayOpen: () => false, summary: "" },
      media: [],
      assets: new Map(),
      openVideo: () => Promise.reject(new Error("no video here")),
      openLink: (events) => {
        if (this.#broken !== undefined) throw new Error(this.#broken);
        return open(events);
      },
      probe: { h264: () => false, vp8: () => false },
      limits: { ...DEFAULT_LIMITS, ...limits },
      clock: this.clock,
    });
  }

  /** No worker can be started any more. */
  breakLinks(words: string): void {
    this.#broken = words;
  }

  /** The worker of now. */
  get link(): HandLink {
    return this.links.at(-1) as HandLink;
  }

  /** Starts, and has the worker say that it is ready. */
  async run(ready: unknown = READY): Promise<void> {
    const started = this.host.start();
    this.link.say(ready);
    await started;
  }

  /** Turns the clock while the worker answers its pings. */
  async live(seconds: number): Promise<void> {
    for (let passed = 0; passed < seconds; passed += 0.5) {
      const before = this.link.sent.length;
      await this.clock.advance(0.5);
      if (this.link.kinds.slice(before).includes("ping")) this.link.say({ t: "pong" });
    }
  }

  says(words: RegExp): boolean {
    return this.logged.some((line) => words.test(line) && line.includes("pipeline mine.ts"));
  }

  [Symbol.dispose](): void {
    setLogSink(this.#sink);
  }
}

async function failureOf(session: PipelineSession): Promise<string> {
  try {
    await session.next();
  } catch (error) {
    return (error as Error).message;
  }
  return "none";
}

Deno.test("a worker that is lost takes its sessions with it, in words, and another one takes its place", async () => {
  using stage = new Stage();
  await stage.run();
  const session = stage.host.open({ session_id: "a" });
  const failure = failureOf(session);
  stage.link.lose("out of memory");
  assert.match(await failure, /worker ended: out of memory/);
  await settle();
  assert.equal(stage.host.status.state, "restarting");
  assert.match(stage.host.reasonNotRunning(), /being replaced; try again in a moment: .*out of memory/);
  assert.throws(() => stage.host.open({ session_id: "b" }), /being replaced/);
  await stage.clock.advance(0.5);
  assert.equal(stage.links.length, 2);
  assert.deepEqual([stage.links[0]?.closed, stage.link.kinds], [1, ["load"]]);
  stage.link.say(READY);
  await settle();
  assert.deepEqual([stage.host.status.state, stage.host.counters.restarts], ["running", 1]);
  stage.host.open({ session_id: "b" });
  assert.deepEqual(stage.link.kinds, ["load", "open"]);
});

Deno.test("one that is lost again and again is replaced ever later, and soon again after a steady minute", async () => {
  using stage = new Stage();
  await stage.run();
  const pauses: number[] = [];
  async function lose(): Promise<void> {
    const before = stage.links.length;
    stage.link.lose("again");
    const from = stage.clock.now();
    for (let step = 0; stage.links.length === before && step < 1000; step++) await stage.clock.advance(0.1);
    pauses.push(Math.round((stage.clock.now() - from) * 10) / 10);
    stage.link.say(READY);
    await settle();
  }
  for (let round = 0; round < 8; round++) await lose();
  await stage.live(61);
  await lose();
  const shown = pauses.map((pause) => Math.round(pause * 2) / 2);
  assert.deepEqual(shown, [0.5, 1, 2, 4, 8, 16, 30, 30, 0.5]);
});

Deno.test("one that does not come up again is tried again, and the reason is the newest", async () => {
  using stage = new Stage();
  await stage.run();
  stage.link.lose("first");
  await stage.clock.advance(0.6);
  stage.link.say({ t: "failed", during: "start()", detail: "the weights are gone", stack: "" });
  await settle();
  assert.match(stage.host.reasonNotRunning(), /start\(\) failed: the weights are gone/);
  await stage.clock.advance(1.1);
  assert.equal(stage.links.length, 3);
});

Deno.test("one that does not come up at all is not tried again", async () => {
  using stage = new Stage();
  const started = stage.host.start();
  stage.link.say({ t: "failed", during: "import", detail: "it throws", stack: "" });
  await started;
  assert.deepEqual(stage.host.status, { state: "failed", detail: "import failed: it throws" });
  await stage.clock.advance(100);
  assert.equal(stage.links.length, 1);
});

Deno.test("a worker that cannot even be started is a failure in words", async () => {
  using stage = new Stage();
  stage.breakLinks("no more processes");
  await stage.host.start();
  assert.match(stage.host.reasonNotRunning(), /its worker cannot be started: no more processes/);
});

Deno.test("one that is not ready in time has failed", async () => {
  using stage = new Stage({ startSeconds: 20 });
  const started = stage.host.start();
  await stage.clock.advance(19.9);
  assert.equal(stage.host.status.state, "starting");
  await stage.clock.advance(0.2);
  await started;
  assert.match(stage.host.reasonNotRunning(), /not ready within 20 s/);
  assert.equal(stage.link.closed, 1);
});

Deno.test("one that answers its pings lives; one that falls silent is replaced after the limit", async () => {
  using stage = new Stage({ heartbeatSeconds: 10 });
  await stage.run();
  await stage.live(60);
  assert.equal(stage.links.length, 1);
  const failure = failureOf(stage.host.open({ session_id: "a" }));
  const from = stage.clock.now();
  for (let step = 0; stage.host.status.state === "running" && step < 300; step++) await stage.clock.advance(0.1);
  const silent = stage.clock.now() - from;
  assert.ok(silent > 10 && silent < 13, `${silent} s`);
  assert.match(await failure, /no sign of life for 10 s/);
  assert.equal(stage.links[0]?.closed, 1);
});

Deno.test("a flood of messages ends the worker, the pace of many sessions does not", async () => {
  using stage = new Stage();
  await stage.run();
  for (let second = 0; second < 3; second++) {
    for (let at = 0; at < 5000; at++) stage.link.say({ t: "pong" });
    await stage.clock.advance(1);
  }
  assert.equal(stage.host.status.state, "running");
  for (let at = 0; at < 20_001; at++) stage.link.say({ t: "pong" });
  await settle();
  assert.match(stage.host.reasonNotRunning(), /floods the server: over 20000 messages in a second/);
});

Deno.test("one that ends its own worker says by what", async () => {
  using stage = new Stage();
  await stage.run();
  stage.link.say({ t: "left", by: "Deno.exit()" });
  await settle();
  assert.match(stage.host.reasonNotRunning(), /ended its own worker by calling Deno\.exit\(\)/);
});

Deno.test("what nobody caught is logged and counted, and costs nothing else", async () => {
  using stage = new Stage();
  await stage.run();
  for (let at = 0; at < 1000; at++) stage.link.say({ t: "fault", detail: `boom ${at}`, stack: "at x" });
  assert.deepEqual([stage.host.status.state, stage.host.counters.uncaughtErrors], ["running", 1000]);
  assert.ok(stage.says(/nobody caught: boom 0/));
  assert.ok(stage.logged.filter((line) => line.includes("nobody caught")).length < 40);
});

const NONSENSE: readonly unknown[] = [
  null,
  undefined,
  42,
  "ready",
  [],
  {},
  { t: "nothing" },
  { t: "chunk" },
  { t: "end", id: { toString: 1 }, error: null, during: "", stack: "" },
  { t: "log", level: "fatal", message: "x", fields: {}, session: null },
  { t: "log", level: "info", message: { toString: 1 }, fields: {}, session: null },
  { t: "failed", during: 1, detail: 2, stack: 3 },
  { t: "call", call: "1", op: "openVideo", args: {} },
  { t: "ready", mode: "both", defaultFps: null, viewerMedia: null },
];

Deno.test("messages that are not of the protocol change nothing", async () => {
  using stage = new Stage();
  await stage.run();
  stage.host.open({ session_id: "a" });
  for (const message of NONSENSE) stage.link.say(message);
  await settle();
  assert.equal(stage.host.status.state, "running");
  assert.equal(stage.logged.filter((line) => line.includes("not of the protocol")).length, NONSENSE.length);
});

Deno.test("a second ready, and messages about sessions that are not there, change nothing", async () => {
  using stage = new Stage();
  await stage.run();
  stage.link.say(TWO_WAY);
  for (const t of ["opened", "closed"]) stage.link.say({ t, id: "99" });
  stage.link.say({ t: "chunk", id: "99", chunk: chunkOf([FRAME]) });
  stage.link.say({ t: "taken", id: "99", lane: "control" });
  await settle();
  const { status } = stage.host;
  assert.ok(status.state === "running" && status.mode === "server_push");
});

Deno.test("after it has been lost a worker is not heard any more", async () => {
  using stage = new Stage();
  await stage.run();
  stage.link.lose("gone");
  await settle();
  const before = stage.logged.length;
  stage.links[0]?.say({ t: "log", level: "info", message: "from the grave", fields: {}, session: null });
  stage.links[0]?.say(READY);
  assert.deepEqual([stage.host.status.state, stage.logged.length], ["restarting", before]);
});

Deno.test("chunks beyond the limits are left out, in words", async () => {
  using stage = new Stage({ chunkFrames: 3, chunkBytes: 3000 });
  await stage.run();
  const session = stage.host.open({ session_id: "a" });
  const next = session.next();
  stage.link.say({ t: "chunk", id: "1", chunk: chunkOf([FRAME, FRAME, FRAME, FRAME]) });
  stage.link.say({ t: "chunk", id: "1", chunk: chunkOf([FRAME, FRAME, FRAME]) });
  stage.link.say({ t: "chunk", id: "1", chunk: chunkOf([FRAME, FRAME]) });
  const { value } = await next;
  assert.equal(value?.pictures.length, 2);
  assert.equal(stage.host.counters.invalidChunks, 2);
  assert.ok(stage.says(/frames are 4, at most 3 fit into one chunk/));
  assert.ok(stage.says(/chunk has 3072 bytes of pictures and sound, at most 3000 are taken/));
});

Deno.test("pictures in shared memory are refused: somebody could still write to them", async () => {
  using stage = new Stage();
  await stage.run();
  const session = stage.host.open({ session_id: "a" });
  void session.next();
  const data = new Uint8Array(new SharedArrayBuffer(16 * 16 * 4));
  stage.link.say({ t: "chunk", id: "1", chunk: chunkOf([{ ...FRAME, data }]) });
  assert.ok(stage.says(/must not be shared memory/));
});

Deno.test("a pipeline that does not let go of a session keeps nobody waiting", async () => {
  using stage = new Stage({ closeSeconds: 5 });
  await stage.run();
  const closed = stage.host.open({ session_id: "a" }).close({ code: "client_request", detail: "" });
  let isClosed = false;
  void closed.then(() => isClosed = true);
  await stage.live(4.5);
  assert.equal(isClosed, false);
  assert.ok(!stage.link.kinds.includes("let_go"));
  await stage.live(1);
  assert.equal(isClosed, true);
  assert.deepEqual(stage.link.sent.filter(({ t }) => t === "let_go"), [{ t: "let_go", id: "1" }]);
  assert.ok(stage.says(/more than 5 s to let go of the session session=a/));
});

Deno.test("createSession() that hangs ends the session after the limit", async () => {
  using stage = new Stage({ openSeconds: 3 });
  await stage.run(TWO_WAY);
  const session = stage.host.open({ session_id: "a" });
  const refused = assert.rejects(session.opened, /createSession\(\) took more than 3 s/);
  await stage.live(3.5);
  await refused;
});

Deno.test("stop() that hangs is ended after the limit, and nothing is started anew", async () => {
  using stage = new Stage({ closeSeconds: 5 });
  await stage.run();
  const stopped = stage.host.stop();
  await stage.clock.advance(5.1);
  await stopped;
  assert.ok(stage.says(/stop\(\) took more than 5 s; its worker is ended/));
  await stage.clock.advance(100);
  assert.deepEqual([stage.links.length, stage.link.closed, stage.host.status.state], [1, 1, "stopped"]);
});

Deno.test("stopping while a worker is being replaced leaves none behind", async () => {
  using stage = new Stage();
  await stage.run();
  stage.link.lose("gone");
  await settle();
  await stage.host.stop();
  await stage.clock.advance(100);
  assert.deepEqual([stage.links.length, stage.clock.pending], [1, 0]);
});
