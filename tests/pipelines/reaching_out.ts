import type { Chunk, ServerPushService, StreamRequest } from "telefuser";

/** Reached in a way that the check before the start does not see through, so that the worker alone refuses. */
const host = Reflect.get(globalThis, ["De", "no"].join("")) as typeof Deno;
const load = Reflect.get(globalThis, ["fe", "tch"].join("")) as typeof fetch;

/** Tries what the request names and reports what came of it in the metadata of its only chunk. */
class ReachingOut implements ServerPushService {
  async *serve(request: StreamRequest): AsyncGenerator<Chunk> {
    const outcome = await attempt(String(request.attempt), String(request.path)).catch((error) => `refused: ${error}`);
    yield { outcome, frames: [{ format: "rgba", data: new Uint8Array(64 * 48 * 4), width: 64, height: 48 }] };
  }
}

async function attempt(name: string, path: string): Promise<string> {
  switch (name) {
    case "read":
      return `read: ${(await host.readTextFile(path)).slice(0, 20)}`;
    case "write":
      await host.writeTextFile(path, "x");
      return "wrote";
    case "fetch":
      return `fetched: ${(await load(path)).status}`;
    case "env":
      return `env: ${host.env.get("PATH")}`;
    case "run":
      return `ran: ${(await new host.Command("true").output()).code}`;
    default:
      return "nothing";
  }
}

export function getService(): ServerPushService {
  return new ReachingOut();
}
