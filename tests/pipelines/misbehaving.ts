import type { Chunk, PipelineContext, ServerPushService, SessionContext, StreamRequest } from "telefuser";

const PICTURE = { format: "rgba", data: new Uint8Array(64 * 48 * 4).fill(90), width: 64, height: 48 } as const;

/** What goes wrong, by the request's `config.fault`, after a few pictures. */
const FAULTS: Readonly<Record<string, (context: PipelineContext) => unknown>> = {
  loop() {
    for (;;);
  },
  throw() {
    throw new Error("it threw");
  },
  wordless() {
    throw Object.create(null);
  },
  timer() {
    setTimeout(() => {
      throw new Error("it threw in a timer");
    }, 0);
  },
  rejection() {
    void Promise.reject(new Error("nobody awaits this"));
  },
  log({ log }) {
    for (let line = 0; line < 1_000_000; line++) log.info(`line ${line}`);
  },
  console() {
    for (let line = 0; line < 100_000; line++) console.log(`line ${line}`, { line });
  },
  exit() {
    // Written so that the check before the start does not see through it.
    (Reflect.get(globalThis, ["De", "no"].join("")) as typeof Deno).exit(7);
  },
  close() {
    self.close();
  },
  memory() {
    const held: Uint8Array[] = [];
    for (;;) held.push(new Uint8Array(8 * 1024 * 1024).fill(held.length));
  },
  objects() {
    const held: unknown[] = [];
    for (;;) held.push(new Array(10_000).fill({}));
  },
};

/** What is yielded that is none, or too much. */
const CHUNKS: Readonly<Record<string, () => unknown>> = {
  nonsense: () => 42,
  many: () => ({ frames: new Array(10_000).fill(PICTURE) }),
  huge: () => ({ frames: [{ ...PICTURE, data: new Uint8Array(2 ** 31 - 8) }] }),
  metadata: () => ({ frames: [PICTURE], note: "x".repeat(64e6) }),
  strange: () => ({ frames: [{ format: "rgba", data: new Uint8Array(8), width: 1e9, height: -1 }], fps: NaN }),
};

/** Goes wrong as it is told. */
class Misbehaving implements ServerPushService {
  #context: PipelineContext | undefined;

  start(context: PipelineContext): void {
    this.#context = context;
  }

  async *serve(request: StreamRequest, session: SessionContext): AsyncGenerator<Chunk> {
    const fault = String((request.config as { fault?: unknown } | undefined)?.fault);
    for (let index = 0; !session.signal.aborted; index++) {
      yield { frames: [PICTURE, PICTURE], fps: 24 };
      if (index !== 10) continue;
      if (this.#context !== undefined) FAULTS[fault]?.(this.#context);
      const chunk = CHUNKS[fault]?.();
      if (chunk !== undefined) yield chunk as Chunk;
    }
  }
}

export function getService(): ServerPushService {
  return new Misbehaving();
}
