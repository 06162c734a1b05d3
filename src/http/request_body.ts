import { type Clock, withTimeLimit } from "../async/mod.ts";
import { StreamError } from "../errors.ts";

/** How much of a body is read, and for how long. */
export interface BodyLimits {
  readonly maxBodyBytes: number;
  readonly httpTimeoutSeconds: number;
  readonly clock: Clock;
}

/**
 * The body of a request as text (UTF-8). No more of it is taken in than the limit, whatever length was announced.
 *
 * @throws StreamError `body_too_large`, `request_timeout`, or `invalid_request` when it ends too early
 */
export async function readBody(request: Request, limits: BodyLimits): Promise<string> {
  const { maxBodyBytes, httpTimeoutSeconds, clock } = limits;
  if (Number(request.headers.get("content-length") ?? 0) > maxBodyBytes) throw tooLarge(maxBodyBytes);
  if (request.body === null) return "";
  const reader = request.body.getReader();
  const reading = readAll(reader, maxBodyBytes);
  const text = await withTimeLimit(clock, httpTimeoutSeconds, reading);
  if (typeof text !== "object") {
    const detail = `the body took more than ${httpTimeoutSeconds} s to come (--http-timeout-seconds)`;
    throw new StreamError("request_timeout", detail);
  }
  return text.body;
}

async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBodyBytes: number,
): Promise<{ readonly body: string }> {
  const decoder = new TextDecoder();
  let body = "";
  let bytes = 0;
  while (true) {
    const { done, value } = await next(reader);
    if (done) return { body: body + decoder.decode() };
    bytes += value.length;
    if (bytes > maxBodyBytes) throw tooLarge(maxBodyBytes);
    body += decoder.decode(value, { stream: true });
  }
}

async function next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<ReadableStreamReadResult<Uint8Array>> {
  try {
    return await reader.read();
  } catch (cause) {
    throw new StreamError("invalid_request", "the body ended too early or cannot be read; send it again", { cause });
  }
}

function tooLarge(maxBodyBytes: number): StreamError {
  return new StreamError("body_too_large", `the body has more than ${maxBodyBytes} bytes (--max-body-bytes)`);
}
