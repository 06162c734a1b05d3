/**
 * The one error type that rooms throw when something foreseeable goes wrong.
 *
 * A code says what happened; only `http/error_response.ts` knows which status that is.
 *
 * @module
 */

/** Everything foreseeable that can go wrong, by name. */
export type StreamErrorCode =
  | "invalid_json"
  | "invalid_request"
  | "invalid_sdp"
  | "no_common_codec"
  | "body_too_large"
  | "request_timeout"
  | "origin_refused"
  | "host_refused"
  | "unsupported_media_type"
  | "session_not_found"
  | "session_exists"
  | "sessions_full"
  | "resume_refused"
  | "connection_gone"
  | "ice_session_changed"
  | "service_not_running"
  | "shutting_down"
  | "no_ice_candidates"
  | "invalid_config"
  | "invalid_pipeline"
  | "invalid_chunk"
  | "invalid_frame"
  | "pipeline_failed"
  | "permission_denied"
  | "port_in_use"
  | "server_unreachable"
  | "timeout";

/** An error with a code that callers can act on and a message that a person can act on. */
export class StreamError extends Error {
  /** What went wrong. */
  readonly code: StreamErrorCode;
  /** The input field at fault, when there is one. */
  readonly field: string | undefined;

  constructor(code: StreamErrorCode, message: string, options: { cause?: unknown; field?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "StreamError";
    this.code = code;
    this.field = options.field;
  }
}

/** The message of anything that was thrown, for a log line or a reason. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name;
  return String(thrown);
}
