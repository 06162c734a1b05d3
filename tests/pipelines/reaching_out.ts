import type { Chunk, ServerPushService, StreamRequest } from "telefuser";

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
      return `read: ${(await Deno.readTextFile(path)).slice(0, 20)}`;
    case "write":
      await Deno.writeTextFile(path, "x");
      return "wrote";
    case "fetch":
      return `fetched: ${(await fetch(path)).status}`;
    case "env":
      return `env: ${Deno.env.get("PATH")}`;
    case "run":
      return `ran: ${(await new Deno.Command("true").output()).code}`;
    default:
      return "nothing";
  }
}

export function getService(): ServerPushService {
  return new ReachingOut();
}
