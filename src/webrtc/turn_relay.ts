import { parseMessage, StunOverTurnProtocol, TcpTransport, TlsTransport, TurnProtocol, UdpTransport } from "werift";
import { type Clock, sleep } from "../async/mod.ts";
import { messageOf } from "../errors.ts";
import { type IceServer, readIceServerUrl } from "./ice_server.ts";
import type { Address } from "./ice_socket.ts";

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
      faults.set(server.urls, relayFaultOf(error));
    }
  });
  void Promise.allSettled(attempts).then(() => found.resolve(null));
  return { relay: await found.promise, faults };
}

/** Seconds for which an allocation is asked; it is refreshed before (RFC 8656, section 7.2). */
const LIFETIME = 600;
/** Class of a STUN error response (RFC 8489, section 5). */
const ERROR_RESPONSE = 0x0110;

async function allocate(
  { urls, username = "", credential = "" }: IceServer,
  limit: number,
): Promise<StunOverTurnProtocol> {
  const parsed = readIceServerUrl(urls);
  if (parsed === null) throw new Error(`${urls} is no TURN server`);
  const address: [string, number] = [...parsed.address];
  const transport = await connect(address, { transport: parsed.transport, limit });
  // Its type asks for a remote address that UDP has not and that it does not read there.
  const turn = new TurnProtocol(address, username, credential, LIFETIME, transport as UdpTransport);
  try {
    await Promise.race([turn.connectionMade(), refusal(turn)]);
  } catch (error) {
    await turn.close();
    throw error;
  }
  return new StunOverTurnProtocol(turn);
}

async function connect(
  address: [string, number],
  { transport, limit }: { transport: "udp" | "tcp" | "tls"; limit: number },
) {
  const connectTimeoutMs = limit * 1000;
  if (transport === "tcp") return await TcpTransport.init(address, { connectTimeoutMs });
  if (transport === "tls") return await TlsTransport.init(address, {}, { connectTimeoutMs });
  return await UdpTransport.init(address[0].includes(":") ? "udp6" : "udp4");
}

/**
 * Rejects when the server refuses the credentials. It cannot sign that answer (RFC 8489, section 9.2.4), and werift drops
 * what is not signed once it has a key, so that it would wait in vain.
 */
function refusal(turn: TurnProtocol): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const inner = turn as unknown as { handleSTUNMessage(data: Buffer, address: Address): void };
  const handle = inner.handleSTUNMessage.bind(turn);
  inner.handleSTUNMessage = (data, address) => {
    const message = turn.integrityKey === undefined ? null : parseMessage(data);
    const isError = message?.messageClass === ERROR_RESPONSE &&
      turn.transactions[message.transactionIdHex] !== undefined;
    if (isError && message.getAttributeValue("ERROR-CODE")?.[0] === 401) return reject({ response: message });
    handle(data, address);
  };
  return promise;
}

/** The parts of werift's STUN errors used here; the class is not exported. */
interface StunFailure {
  readonly response?: { getAttributeValue(name: "ERROR-CODE"): [number, string] | undefined };
  readonly str?: string;
}

/** Code and phrase of a STUN error response; undefined for any other error. */
export function stunErrorOf(error: unknown): [number, string] | undefined {
  return (error as StunFailure).response?.getAttributeValue("ERROR-CODE");
}

/** Why a TURN server gives no address, in words. */
export function relayFaultOf(error: unknown): string {
  const [code, phrase] = stunErrorOf(error) ?? [];
  if (code === 401 || code === 403 || code === 441) return `it refuses the user name or password (${code} ${phrase})`;
  if (code !== undefined) return `it answers ${code} ${phrase}`;
  return (error as StunFailure).str ?? messageOf(error);
}
