// @ts-check
/**
 * What can go wrong with a stream, in sentences that say what to do next.
 *
 * @module
 */

/** A fault of a session: `message` is for people, `code` for programs. */
export class StreamError extends Error {
  /**
   * @param {string} code The server's code, or `server_unreachable`,
   *   `server_silent`, `refused`, `bad_answer`, `bad_message`, `unsupported`,
   *   `setup_failed`, `no_media_path`, `turn_unauthorized`, `connection_lost`, `connection_closed`,
   *   `message_too_large`, `one_way`.
   * @param {string} message
   * @param {{ status?: number | undefined, cause?: unknown }} [options]
   */
  constructor(code, message, { status, cause } = {}) {
    super(message, { cause });
    this.name = "StreamError";
    this.code = code;
    /** HTTP status, if the server answered with one. */
    this.status = status;
  }
}

/** Why an offer was refused, by the server's code: what that means if it gives no detail, and what to do. */
const REFUSALS = new Map([
  ["invalid_request", ["The server did not accept the request", "Change the settings"]],
  ["invalid_sdp", ["The server does not understand this browser", "Try another browser"]],
  ["no_common_codec", ["The server and this browser share no video format", "Try another browser"]],
  ["session_exists", ["A session with this id is open already", "Stop that session"]],
  ["sessions_full", ["All places are taken", "Wait until a place is free"]],
  ["service_not_running", ["The pipeline is not running", "Wait until the pipeline runs"]],
  ["timeout", ["The pipeline did not begin in time", "Wait a moment"]],
  ["shutting_down", ["The server is shutting down", "Wait until the server is back"]],
]);

/** The same by HTTP status, for codes that are not known here. */
const REFUSED_STATUSES = new Map([
  [400, ["The server did not accept the request", "Change the settings"]],
  [401, ["The server asks for credentials", "Sign in"]],
  [403, ["The server does not allow this", "Ask its operator"]],
  [404, ["There is no stream server at this address", "Check the address"]],
  [409, ["This session exists already", "Stop that session"]],
  [413, ["The request is too large", "Send a shorter one"]],
  [422, ["The server did not accept the request", "Change the settings"]],
  [429, ["There were too many requests", "Wait a moment"]],
  [503, ["The server cannot take a stream now", "Wait a moment"]],
  [504, ["The server did not answer in time", "Wait a moment"]],
]);

/**
 * The server answered an offer with an error.
 *
 * @param {number} status
 * @param {Record<string, unknown>} problem Body as in RFC 9457, or empty.
 */
export function refused(status, { detail, code }) {
  const [what, next] = REFUSALS.get(String(code)) ?? REFUSED_STATUSES.get(status) ??
    [`The server could not open the stream (status ${status})`, "Look in its log"];
  const why = status === 404 ? null : detail; // The offer is never missing, the server is.
  const text = `${sentence(why, `${what}.`)} ${next}, then connect again.`;
  return new StreamError(String(code ?? "refused"), text, { status });
}

/**
 * A request found no server.
 *
 * @param {string} server How to call it: "The server https://…".
 * @param {unknown} cause
 */
export function unreachable(server, cause) {
  const text = navigator.onLine === false
    ? "This device is offline. Join a network, then connect again."
    : `${server} cannot be reached. Check its address and that it is ` +
      "running, then connect again.";
  return new StreamError("server_unreachable", text, { cause });
}

/**
 * The answer to an offer did not come in time.
 *
 * @param {string} server
 * @param {number} limitMs
 */
export function silent(server, limitMs) {
  const text = `${server} did not answer within ${limitMs / 1000} s. ` +
    "It may be busy or starting: wait a moment, then connect again.";
  return new StreamError("server_silent", text);
}

/**
 * The answer to an offer is none.
 *
 * @param {string} server
 * @param {number} status
 */
export function notAStreamServer(server, status) {
  const text = `${server} answered, but not as a stream server. ` +
    "Check the address, then connect again.";
  return new StreamError("bad_answer", text, { status });
}

/**
 * The server answered, but ICE found no way to it.
 *
 * @param {string} server
 * @param {{ hasIceServers: boolean, unreached?: string | null }} ice `unreached`:
 *   a STUN or TURN server that did not answer.
 */
export function noMediaPath(server, { hasIceServers, unreached = null }) {
  const next = unreached
    ? `The ${/^turn/.test(unreached) ? "TURN" : "STUN"} server ${unreached} does not answer. ` +
      "Check its address and that it is reachable from here, then connect again."
    : hasIceServers
    ? "Check the TURN server and its credentials, then connect again."
    : "Try another network, or give a TURN server.";
  const text = `${server} answered, but its picture cannot get through: ` +
    `a firewall may be in the way. ${next}`;
  return new StreamError("no_media_path", text);
}

/**
 * A TURN server refused the credentials, and there is no other way.
 *
 * @param {string} url
 */
export function turnUnauthorized(url) {
  const text = `The TURN server ${url} refused the user name or password. ` +
    "Check the credentials it is configured with, then connect again.";
  return new StreamError("turn_unauthorized", text);
}

/** A live peer failed, or was disconnected for too long. */
export function connectionLost() {
  const text = "The connection to the server was lost. " +
    "Check the network, then connect again.";
  return new StreamError("connection_lost", text);
}

/** The channel closed and nobody said why. */
export function closedSilently() {
  const text = "The server closed the connection without giving a reason. " +
    "Connect again to go on.";
  return new StreamError("connection_closed", text);
}

/** There is no `RTCPeerConnection`. */
export function unsupported() {
  const text = "This browser has no WebRTC, or it is switched off. Open the " +
    "page in a current Chrome, Edge, Firefox or Safari.";
  return new StreamError("unsupported", text);
}

/** Camera or microphone were given to a session that only receives. */
export function oneWay() {
  const text = "This session only receives. Make its client with the option " +
    "`bidirectional: true` to send camera and microphone.";
  return new StreamError("one_way", text);
}

/** The channel carried something else than a JSON object. */
export function badMessage() {
  const text = "The server sent a message that is not a JSON object.";
  return new StreamError("bad_message", text);
}

/**
 * A message is larger than the other side takes.
 *
 * @param {number} bytes
 * @param {number | null} limit In bytes; null if it is unknown.
 */
export function messageTooLarge(bytes, limit) {
  const most = limit === null
    ? "more than the connection takes"
    : `and the connection takes ${limit.toLocaleString("en")}`;
  const text = `The message has ${bytes.toLocaleString("en")} bytes, ${most}, so it was not sent. ` +
    "Send less, or send it in parts.";
  return new StreamError("message_too_large", text);
}

/**
 * Anything that was thrown while the connection was set up.
 *
 * @param {unknown} cause
 * @returns {StreamError} The cause itself if it is one already.
 */
export function asStreamError(cause) {
  if (cause instanceof StreamError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  const text = "The browser could not set up the connection. " +
    sentence(why, "It gave no reason.");
  return new StreamError("setup_failed", text, { cause });
}

/**
 * The text with a capital and a full stop, or the fallback if it is no text.
 *
 * @param {unknown} text
 * @param {string} fallback
 */
export function sentence(text, fallback) {
  const words = (typeof text === "string" && text.trim()) || fallback;
  const stop = /[.!?…]$/.test(words) ? "" : ".";
  return words.charAt(0).toUpperCase() + words.slice(1) + stop;
}
