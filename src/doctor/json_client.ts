import { messageOf } from "../errors.ts";
import { secondsLeft, type Timing } from "./check.ts";
import { readTlsFault } from "./tls_fault.ts";

/** What came of a request. */
export type HttpResult =
  | {
    readonly kind: "answer";
    readonly status: number;
    /** The JSON object; null when the body is none. */
    readonly body: Readonly<Record<string, unknown>> | null;
    /** Seconds since 1970 of the header `Date`; null without one. */
    readonly date: number | null;
    /** From the request to the end of the answer. */
    readonly seconds: number;
  }
  | { readonly kind: "fault"; readonly fault: string; readonly remedy: string };

/** Seconds for one request. */
const LIMIT = 4;

/** Asks for JSON and puts what goes wrong into words. */
export class JsonClient {
  readonly #timing: Timing;

  constructor(timing: Timing) {
    this.#timing = timing;
  }

  get(url: string): Promise<HttpResult> {
    return this.#ask(url, { method: "GET" }, LIMIT);
  }

  /** @param options.limit seconds */
  post(url: string, { body, limit }: { body: unknown; limit: number }): Promise<HttpResult> {
    const headers = { "Content-Type": "application/json" };
    return this.#ask(url, { method: "POST", headers, body: JSON.stringify(body) }, limit);
  }

  /** Goes out even when the user has given up, since it takes back what was made. */
  delete(url: string): Promise<HttpResult> {
    const { clock } = this.#timing;
    const unhurried = { clock, deadline: clock.now() + LIMIT, signal: new AbortController().signal };
    return new JsonClient(unhurried).#ask(url, { method: "DELETE" }, LIMIT / 2);
  }

  async #ask(...[url, init, wanted]: [url: string, init: RequestInit, wanted: number]): Promise<HttpResult> {
    const { clock, signal } = this.#timing;
    const limit = secondsLeft(this.#timing, wanted);
    const late = new AbortController();
    using _timer = clock.schedule(limit, () => late.abort());
    const begun = clock.now();
    try {
      const response = await fetch(url, { ...init, signal: AbortSignal.any([signal, late.signal]) });
      const text = await response.text();
      const date = Date.parse(response.headers.get("date") ?? "") / 1000;
      return {
        kind: "answer",
        status: response.status,
        body: objectIn(text),
        date: Number.isNaN(date) ? null : date,
        seconds: clock.now() - begun,
      };
    } catch (error) {
      if (late.signal.aborted) {
        const remedy = "check address and port, and that no firewall is between";
        return { kind: "fault", fault: `no answer within ${wanted} s`, remedy };
      }
      return { kind: "fault", ...readHttpFault(wordsOf(error)) };
    }
  }
}

/** A failed request in words. */
export function readHttpFault(message: string): { fault: string; remedy: string } {
  const tls = readTlsFault(message);
  if (tls !== null) return tls;
  if (/refused/i.test(message)) {
    return { fault: "the connection is refused", remedy: "start the server, or check the port" };
  }
  if (/dns error|lookup|ENOTFOUND/i.test(message)) {
    return { fault: "its name cannot be looked up", remedy: "check the name, and this machine's DNS" };
  }
  if (/unreachable|no route/i.test(message)) {
    return { fault: "there is no route to it", remedy: "check the network, and the address" };
  }
  if (/invalid HTTP version|connection closed before message|reset|unexpected eof|IncompleteMessage/i.test(message)) {
    return { fault: "what answers there does not speak that", remedy: "check http or https, and the port" };
  }
  return { fault: message, remedy: "check the address" };
}

/** What an error and its causes say. */
function wordsOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : `${messageOf(error)}: ${wordsOf(cause)}`;
}

function objectIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? value as Record<string, unknown>
      : null;
  } catch {
    return null;
  }
}
