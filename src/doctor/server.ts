import type { IceServer } from "../webrtc/mod.ts";
import { type Check, milliseconds } from "./check.ts";
import type { HttpResult, JsonClient } from "./json_client.ts";

/** How far apart clocks may be, in seconds. */
const CLOCK_LIMIT = 30;

/** What a server's health says, as far as it matters here. */
export interface ServerHealth {
  /** Null while the pipeline does not run. */
  readonly mode: "server_push" | "bidirectional" | null;
  readonly activeSessions: number;
  readonly maxSessions: number;
  /** Seconds by which its clock is ahead of ours, within a round trip; null when it does not say. */
  readonly clockAhead: number | null;
}

/**
 * Reads what `GET /v1/service/health` came to.
 *
 * @param options.unixTime seconds since 1970 here, when the answer came
 * @returns the health, or null when there is no such server, and the line about it
 */
export function readHealth(
  result: HttpResult,
  { url, unixTime }: { url: string; unixTime: number },
): { health: ServerHealth | null; check: Check } {
  const id = "http";
  if (result.kind === "fault") {
    const { fault, remedy } = result;
    return { health: null, check: { id, status: "fail", summary: `${url} cannot be reached: ${fault}`, remedy } };
  }
  const { status, body, date, seconds } = result;
  const { webrtc_max_sessions: maxSessions, webrtc_active_sessions: activeSessions } = body ?? {};
  if (typeof maxSessions !== "number" || typeof activeSessions !== "number") {
    return {
      health: null,
      check: {
        id,
        status: "fail",
        summary: `${url} answers ${status}, but is no TeleFuser server`,
        remedy: "check address and port; behind a reverse proxy the path as well",
      },
    };
  }
  const said = typeof body?.timestamp === "string" ? Date.parse(body.timestamp) / 1000 : Number.NaN;
  const theirs = Number.isNaN(said) ? date : said;
  const mode = body?.stream_mode === "server_push" || body?.stream_mode === "bidirectional" ? body.stream_mode : null;
  const health: ServerHealth = {
    mode,
    activeSessions,
    maxSessions,
    clockAhead: theirs === null ? null : theirs - (unixTime - seconds / 2),
  };
  if (status === 200 && mode !== null) {
    const summary = `${url} answers in ${milliseconds(seconds)}: healthy, ${activeSessions} of ${maxSessions} sessions`;
    return { health, check: { id, status: "ok", summary } };
  }
  const detail = typeof body?.detail === "string" ? body.detail : `it answers ${status} with status ${body?.status}`;
  const isBroken = status >= 500;
  return {
    health,
    check: {
      id,
      status: isBroken ? "fail" : "warn",
      summary: `${url} answers in ${milliseconds(seconds)}, but its pipeline does not run: ${detail}`,
      remedy: isBroken ? "look at the server's log" : "wait until it has started",
    },
  };
}

/** One line about the clocks. Passwords that expire depend on them. */
export function clockCheck(ahead: number | null): Check {
  const id = "clock";
  if (ahead === null) return { id, status: "skip", summary: "clock: the server does not say what time it has" };
  const size = Math.abs(ahead);
  const text = size < 1 ? "less than a second" : `${Math.round(size)} s`;
  if (size <= CLOCK_LIMIT) return { id, status: "ok", summary: `clock: the server's and this one differ by ${text}` };
  return {
    id,
    status: "warn",
    summary: `clock: the server's is ${text} ${ahead > 0 ? "ahead of" : "behind"} this one`,
    remedy: "set the clocks (NTP): TURN passwords made from --turn-secret, and certificates, depend on them",
  };
}

/** The STUN and TURN servers that a server names for viewers from here. */
export async function fetchIceServers(
  client: JsonClient,
  url: string,
): Promise<{ servers: IceServer[]; relayOnly: boolean; check: Check }> {
  const id = "ice-servers";
  const result = await client.get(`${url}/v1/stream/ice-servers`);
  const list = result.kind === "answer" && result.status === 200 ? result.body?.ice_servers : undefined;
  if (result.kind === "fault" || !Array.isArray(list)) {
    const fault = result.kind === "fault" ? result.fault : `it answers ${result.status}`;
    const check: Check = {
      id,
      status: "warn",
      summary: `the server does not say which STUN and TURN servers to use: ${fault}`,
      remedy: "a proxy in front must pass /v1/stream/ on",
    };
    return { servers: [], relayOnly: false, check };
  }
  const servers = list.flatMap(readIceServer);
  const relayOnly = result.body?.ice_transport_policy === "relay";
  const named = [...new Set(servers.map(({ urls }) => urls))].join(", ");
  const summary = servers.length === 0
    ? "the server names no STUN and TURN servers for viewers from here"
    : `the server has viewers from here use ${named}${relayOnly ? ", and relays only" : ""}`;
  return { servers, relayOnly, check: { id, status: "ok", summary } };
}

/** One entry of `ice_servers`: one server for each of its URLs. */
function readIceServer(entry: unknown): IceServer[] {
  if (typeof entry !== "object" || entry === null) return [];
  const { urls, username, credential } = entry as Record<string, unknown>;
  const list = (Array.isArray(urls) ? urls : [urls]).filter((url) => typeof url === "string");
  return list.map((url) => ({
    urls: url,
    ...(typeof username === "string" ? { username } : {}),
    ...(typeof credential === "string" ? { credential } : {}),
  }));
}
