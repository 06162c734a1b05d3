/**
 * Requests and responses of `node:http` and `node:https` as those of the web platform.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/**
 * The request that came in; its signal aborts when the viewer goes before the answer is out.
 *
 * @throws TypeError when its address or its method is not one
 */
export function requestOf(incoming: IncomingMessage, outgoing: ServerResponse): Request {
  const { method = "GET", url = "/", headers } = incoming;
  const gone = new AbortController();
  outgoing.once("close", () => {
    if (!outgoing.writableFinished) gone.abort();
  });
  const hasBody = method !== "GET" && method !== "HEAD";
  const scheme = "encrypted" in incoming.socket ? "https" : "http";
  return new Request(url.startsWith("/") ? `${scheme}://${headers.host ?? "localhost"}${url}` : url, {
    method,
    headers: headerPairs(incoming),
    signal: gone.signal,
    ...(hasBody ? { body: bodyOf(incoming, outgoing) } : {}),
  });
}

/** Sends the answer; resolves when it is out, rejects when the viewer went before. */
export async function sendResponse(response: Response, outgoing: ServerResponse): Promise<void> {
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
  outgoing.writeHead(response.status);
  if (response.body === null) await pipeline(Readable.from([]), outgoing);
  else await pipeline(Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]), outgoing);
}

function headerPairs({ rawHeaders }: IncomingMessage): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    pairs.push([rawHeaders[index] ?? "", rawHeaders[index + 1] ?? ""]);
  }
  return pairs;
}

/** The body, read as it is asked for. What nobody has read when the answer is out is thrown away. */
function bodyOf(incoming: IncomingMessage, outgoing: ServerResponse): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunks = incoming.iterator({ destroyOnReturn: false });
  outgoing.once("finish", async () => {
    await chunks.return?.();
    if (!incoming.complete) incoming.resume();
  });
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  }, { highWaterMark: 0 });
}
