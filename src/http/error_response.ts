import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { messageOf, StreamError, type StreamErrorCode } from "../errors.ts";
import { Log } from "../log.ts";
import { type Problem, problemOf } from "./problem.ts";

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
  request_timeout: 408,
  origin_refused: 403,
  host_refused: 403,
  session_not_found: 404,
  session_exists: 409,
  sessions_full: 503,
  resume_refused: 403,
  connection_gone: 409,
  ice_session_changed: 412,
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

/** The status that a code is answered with; faults of the server's own are a 500 with `internal_error`. */
export function statusOf(code: StreamErrorCode): ContentfulStatusCode {
  return STATUS[code];
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
  const { method, path } = context.req;
  log.error(`unexpected error: ${inFull(thrown)}`, { error_id, method, path });
  const detail = `unexpected error; the server's log says more under ${error_id}`;
  return problemResponse(context, { status: 500, detail, code: "internal_error", error_id });
}

/** Writes a problem body. */
export function problemResponse(
  context: Context,
  problem: Omit<Problem, "type" | "title">,
): Response {
  const body = problemOf(problem);
  if (problem.status === 503) context.header("Retry-After", "2");
  return context.json(body, problem.status, { "Content-Type": "application/problem+json" });
}

/** What was thrown, with where from and what caused it; for the log only. */
function inFull(thrown: unknown): string {
  if (!(thrown instanceof Error)) return messageOf(thrown);
  const text = thrown.stack ?? messageOf(thrown);
  return thrown.cause === undefined ? text : `${text}\ncaused by ${inFull(thrown.cause)}`;
}

function isUnavailable(thrown: unknown): boolean {
  return thrown instanceof StreamError && [502, 503, 504].includes(STATUS[thrown.code]);
}
