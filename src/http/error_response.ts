import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { messageOf, StreamError, type StreamErrorCode } from "../errors.ts";
import { Log } from "../log.ts";

const log = new Log("http");

/** The only place that knows which status a code is; the compiler keeps it complete. */
const STATUS: Record<StreamErrorCode, ContentfulStatusCode> = {
  invalid_json: 400,
  invalid_request: 400,
  invalid_sdp: 400,
  no_common_codec: 400,
  pipeline_failed: 400,
  unsupported_media_type: 415,
  body_too_large: 413,
  session_not_found: 404,
  session_exists: 409,
  sessions_full: 503,
  resume_refused: 403,
  connection_gone: 409,
  service_not_running: 503,
  shutting_down: 503,
  no_ice_candidates: 503,
  server_unreachable: 502,
  timeout: 504,
  invalid_config: 500,
  invalid_pipeline: 500,
  invalid_chunk: 500,
  invalid_frame: 500,
  permission_denied: 500,
  port_in_use: 500,
};

const TITLE: Partial<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** The body of every error (RFC 9457), with the `detail` that clients of this API show. */
export interface Problem {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  /** The input field at fault, when there is one. */
  readonly field?: string;
  /** Id of the log line, on unknown errors only. */
  readonly error_id?: string;
}

/** Turns anything thrown into a response. Unknown errors are logged and answered without their insides. */
export function errorResponse(context: Context, thrown: unknown): Response {
  if (thrown instanceof StreamError && STATUS[thrown.code] < 500 || isUnavailable(thrown)) {
    const error = thrown as StreamError;
    const extra = error.field === undefined ? {} : { field: error.field };
    return problemResponse(context, { status: STATUS[error.code], detail: error.message, code: error.code, ...extra });
  }
  if (thrown instanceof HTTPException) {
    return problemResponse(context, { status: thrown.status, detail: thrown.message, code: "http_error" });
  }
  const error_id = crypto.randomUUID();
  log.error(`unexpected error: ${messageOf(thrown)}`, { error_id, path: context.req.path });
  log.debug(thrown instanceof Error ? thrown.stack ?? "" : "");
  const detail = `unexpected error; the server's log says more under ${error_id}`;
  return problemResponse(context, { status: 500, detail, code: "internal_error", error_id });
}

/** Writes a problem body. */
export function problemResponse(
  context: Context,
  problem: Omit<Problem, "type" | "title" | "status"> & { readonly status: ContentfulStatusCode },
): Response {
  const body: Problem = { type: "about:blank", title: TITLE[problem.status] ?? "Error", ...problem };
  if (problem.status === 503) context.header("Retry-After", "2");
  return context.json(body, problem.status, { "Content-Type": "application/problem+json" });
}

function isUnavailable(thrown: unknown): boolean {
  return thrown instanceof StreamError && [502, 503, 504].includes(STATUS[thrown.code]);
}
