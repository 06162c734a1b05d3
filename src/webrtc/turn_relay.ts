import { createStunOverTurnClient, type StunOverTurnProtocol } from "werift";
import { type Clock, sleep } from "../async/mod.ts";
import { messageOf } from "../errors.ts";
import { type IceServer, readIceServerUrl } from "./ice_server.ts";

/** Seconds that one way to a TURN server is tried alone before the next one is tried beside it. */
const HEAD_START = 0.4;

/** What a relay is opened with. */
export interface RelayOptions {
  /** TURN servers in the order of preference; others are passed over. */
  readonly servers: readonly IceServer[];
  /** Seconds in which the connection to a server must be up. */
  readonly limit: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Allocates an address at the first TURN server that gives one (RFC 8656, section 7). They are tried in their order, each
 * with a head start, since UDP that is blocked fails only by silence.
 *
 * @returns the allocation and the faults of those that gave none, by URL; no allocation when none did
 */
export async function openRelay(
  { servers, limit, clock, signal }: RelayOptions,
): Promise<{ relay: StunOverTurnProtocol | null; faults: ReadonlyMap<string, string> }> {
  const faults = new Map<string, string>();
  const found = Promise.withResolvers<StunOverTurnProtocol | null>();
  let isSettled = false;
  const attempts = servers.filter(({ urls }) => readIceServerUrl(urls)?.kind === "turn").map(async (server, index) => {
    await Promise.race([sleep(clock, index * HEAD_START, signal), found.promise]);
    if (isSettled || signal.aborted) return;
    try {
      const relay = await allocate(server, limit);
      if (isSettled || signal.aborted) return void await relay.close();
      isSettled = true;
      found.resolve(relay);
    } catch (error) {
      faults.set(server.urls, faultOf(error));
    }
  });
  void Promise.allSettled(attempts).then(() => found.resolve(null));
  return { relay: await found.promise, faults };
}

async function allocate(server: IceServer, limit: number): Promise<StunOverTurnProtocol> {
  const parsed = readIceServerUrl(server.urls);
  if (parsed === null) throw new Error(`${server.urls} is no TURN server`);
  const { address: [host, port], transport } = parsed;
  const config = { address: [host, port] as [string, number], username: server.username ?? "" };
  return await createStunOverTurnClient(
    { ...config, password: server.credential ?? "" },
    { transport, connectTimeoutMs: limit * 1000 },
  );
}

/** The parts of werift's STUN errors used here; the class is not exported. */
interface StunFailure {
  readonly response?: { getAttributeValue(name: "ERROR-CODE"): [number, string] | undefined };
  readonly str?: string;
}

function faultOf(error: unknown): string {
  const { response, str } = error as StunFailure;
  const [code, phrase] = response?.getAttributeValue("ERROR-CODE") ?? [];
  if (code === 401 || code === 403 || code === 441) return `it refuses the user name or password (${code} ${phrase})`;
  if (code !== undefined) return `it answers ${code} ${phrase}`;
  return str ?? messageOf(error);
}
