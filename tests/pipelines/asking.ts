import type { Chunk, PipelineContext, ServerPushService } from "telefuser";

/** Reached in a way that the check before the start does not see through. */
const host = Reflect.get(globalThis, ["De", "no"].join("")) as typeof Deno;

/** Asks for every permission, and uses what needs one, when it starts; logs what came of it. */
class Asking implements ServerPushService {
  start({ log }: PipelineContext): void {
    const kinds = ["read", "write", "net", "env", "run", "sys", "ffi", "import"] as const;
    const states = kinds.map((name) => `${name} ${host.permissions.requestSync({ name }).state}`);
    log.info(`asked: ${states.join(", ")}; ${attempt(() => host.readTextFileSync("/etc/hostname"))}`);
  }

  async *serve(): AsyncGenerator<Chunk> {}
}

function attempt(read: () => string): string {
  try {
    return `read ${read().length} characters`;
  } catch (error) {
    return `refused ${(error as Error).name}`;
  }
}

export function getService(): ServerPushService {
  return new Asking();
}
