import { randomBytes } from "node:crypto";
import { classes, Message, methods, type StunOverTurnProtocol } from "werift";
import { type Clock, sleep, withTimeLimit } from "../async/mod.ts";
import { DatagramSocket } from "./datagram_socket.ts";
import type { IceServer } from "./ice_server.ts";
import type { Address } from "./ice_socket.ts";
import type { ProbeTiming } from "./stun_probe.ts";
import { openRelay, relayFaultOf, stunErrorOf } from "./turn_relay.ts";

/** What a TURN server did for us. */
export type RelayProbe =
  | { readonly allocation: null; /** Why, in words. */ readonly fault: string }
  | {
    readonly allocation: {
      /** Seconds from the first packet. */
      readonly seconds: number;
      /** Where the relay takes packets for us. */
      readonly relayed: Address;
      /** Where the relay sees us. */
      readonly mapped: Address;
    };
    /** Why it does not let packets from our own address pass; null when it does. */
    readonly permissionFault: string | null;
    /** Seconds from a port of ours through the relay and back; null when nothing came. */
    readonly tripSeconds: number | null;
  };

/** Seconds between the packets that are sent through a relay. */
const TRIP_RETRY = 0.25;
/** Seconds given to the end of an allocation. */
const RELEASE_LIMIT = 1;
/** A first byte that is neither STUN nor a TURN channel (RFC 7983, section 7). */
const PLAIN_DATA = 0xc0;

/**
 * Has one TURN server allocate an address (RFC 8656, section 7), let our own address through (section 9), and pass a packet
 * from one port of ours to another and back.
 *
 * @param timing.limit seconds for each of the three
 */
export async function probeRelay(server: IceServer, timing: ProbeTiming): Promise<RelayProbe> {
  const { clock, limit, signal } = timing;
  const stop = new AbortController();
  const signals = signal === undefined ? [stop.signal] : [stop.signal, signal];
  const begun = clock.now();
  const opening = openRelay({ servers: [server], limit, clock, signal: AbortSignal.any(signals) });
  const opened = await Promise.race([
    withTimeLimit(clock, limit, opening),
    sleep(clock, limit, signal).then(() => "timeout" as const),
  ]);
  if (opened === "timeout" || opened.relay === null) {
    stop.abort();
    const fault = opened === "timeout" ? undefined : opened.faults.get(server.urls);
    return { allocation: null, fault: fault ?? `no answer within ${limit} s` };
  }
  const { relay } = opened;
  try {
    const { relayedAddress: relayed, mappedAddress: mapped } = relay.turn;
    const allocation = { seconds: clock.now() - begun, relayed, mapped };
    const permissionFault = await askPermission(relay, { peer: mapped, ...timing });
    const tripSeconds = permissionFault === null ? await passThrough(relay, timing) : null;
    return { allocation, permissionFault, tripSeconds };
  } finally {
    await releaseRelay(relay, clock);
    await relay.close();
  }
}

async function askPermission(
  relay: StunOverTurnProtocol,
  { peer, clock, limit }: { peer: Address } & ProbeTiming,
): Promise<string | null> {
  try {
    const asked = await withTimeLimit(clock, limit, relay.turn.getPermission(peer));
    return asked === "timeout" ? `no answer within ${limit} s` : null;
  } catch (error) {
    // Not the password: the address is one that it passes nothing to (RFC 8656, section 9.2).
    return stunErrorOf(error)?.[0] === 403 ? `it passes nothing on to ${peer[0]} (403)` : relayFaultOf(error);
  }
}

/** Sends from a port of its own to the relayed address; what comes out at our end of the relay goes back the same way. */
async function passThrough(relay: StunOverTurnProtocol, { clock, limit, signal }: ProbeTiming): Promise<number | null> {
  const { turn } = relay;
  const [host, port] = turn.relayedAddress;
  const token = Buffer.concat([Buffer.of(PLAIN_DATA), randomBytes(15)]);
  const socket = new DatagramSocket({ family: host.includes(":") ? 6 : 4, port: 0 });
  const back = new AbortController();
  const signals = signal === undefined ? [back.signal] : [back.signal, signal];
  // Where it comes back to may be another port than the one it left from, behind a NAT.
  const { unSubscribe } = turn.onData.subscribe((data, address) => {
    if (data.equals(token)) turn.sendData(data, address).catch(() => back.abort());
  });
  let seconds: number | null = null;
  const begun = clock.now();
  let sentAt = begun;
  socket.onData = (data) => {
    if (!data.equals(token)) return;
    seconds ??= clock.now() - sentAt;
    back.abort();
  };
  try {
    while (!signals.some(({ aborted }) => aborted) && clock.now() - begun < limit) {
      sentAt = clock.now();
      await socket.send(token, [host, port]);
      await sleep(clock, TRIP_RETRY, AbortSignal.any(signals));
    }
    return seconds;
  } finally {
    unSubscribe();
    await socket.close();
  }
}

/** Gives the address back, so that it does not count for its whole lifetime (RFC 8656, section 8). */
export async function releaseRelay({ turn }: StunOverTurnProtocol, clock: Clock): Promise<void> {
  const request = new Message(methods.REFRESH, classes.REQUEST).setAttribute("LIFETIME", 0);
  const done = turn.requestWithRetry(request, turn.server).then(() => true, () => false);
  await withTimeLimit(clock, RELEASE_LIMIT, done);
}
