import { lookup } from "node:dns/promises";
import { withTimeLimit } from "../async/mod.ts";
import { messageOf } from "../errors.ts";
import { isLocalAddress } from "../network.ts";
import { type IceServer, readIceServerUrl, StunProbe } from "../webrtc/mod.ts";
import { addressText, type Check, listText, milliseconds, secondsLeft, type Timing } from "./check.ts";

/** Host and port. */
type Address = readonly [string, number];

/** What one STUN server said. */
export interface StunFinding {
  readonly url: string;
  /** Where it was asked; null when its name is not known. */
  readonly server: Address | null;
  /** Where it sees us; null when it does not answer. */
  readonly mapped: Address | null;
  readonly seconds: number;
  /** Why there is no answer. */
  readonly fault?: string;
}

/** What kind of NAT is between here and the servers that were asked. */
export type Nat = "unknown" | "none" | "some" | "same for all" | "symmetric";

/** Seconds that a server has to answer. */
const LIMIT = 3;

/** Asks every STUN server from one port of each family. TURN servers over UDP answer as well. */
export async function askStunServers(servers: readonly IceServer[], timing: Timing): Promise<StunFinding[]> {
  if (servers.length === 0) return [];
  await using stack = new AsyncDisposableStack();
  const probes = new Map<number, StunProbe>();
  const probeOf = (family: 4 | 6) => {
    const probe = probes.get(family) ?? stack.use(new StunProbe({ family }));
    probes.set(family, probe);
    return probe;
  };
  return await Promise.all(servers.map(async ({ urls: url }) => {
    const read = readIceServerUrl(url);
    const none = { url, server: null, mapped: null, seconds: 0 };
    if (read === null) return { ...none, fault: "is no address of a STUN server" };
    const limit = secondsLeft(timing, LIMIT);
    const host = await resolveHost(read.address[0], { ...timing, limit });
    if (host === null) return { ...none, fault: "its name cannot be looked up" };
    const server = [host, read.address[1]] as const;
    const reply = await probeOf(host.includes(":") ? 6 : 4).ask(server, { ...timing, limit });
    if (reply === null) return { ...none, server, fault: `no answer within ${LIMIT} s` };
    if (reply.mapped === null) return { ...none, server, fault: `it answers ${reply.errorCode}` };
    return { url, server, mapped: reply.mapped, seconds: reply.seconds };
  }));
}

/** One line for a STUN server. */
export function stunCheck({ url, mapped, seconds, fault }: StunFinding): Check {
  const id = `stun:${url}`;
  if (mapped !== null) {
    const summary = `STUN ${url} answers in ${milliseconds(seconds)} and sees ${addressText(mapped)}`;
    return { id, status: "ok", summary };
  }
  return {
    id,
    status: "warn",
    summary: `STUN ${url} gives no address: ${fault}`,
    remedy: "viewers in the same network need none; for others let UDP out to it, or name another with --stun-servers",
  };
}

/**
 * Tells the kind of NAT.
 *
 * @param own addresses of this machine
 */
export function natOf(findings: readonly StunFinding[], own: readonly string[]): Nat {
  const answered = findings.flatMap(({ server, mapped }) => {
    return server === null || mapped === null || mapped[0].includes(":") ? [] : [{ server, mapped }];
  });
  // A server in the same network sees what is before the NAT.
  const beyond = answered.filter(({ server }) => !isLocalAddress(server[0]));
  const outside = beyond.length > 0 ? beyond : answered;
  if (outside.length === 0) return "unknown";
  if (outside.every(({ mapped }) => own.includes(mapped[0]))) return "none";
  const places = new Map(outside.map(({ server, mapped }) => [addressText(server), addressText(mapped)]));
  if (places.size < 2) return "some";
  return new Set(places.values()).size > 1 ? "symmetric" : "same for all";
}

/** One line about the NAT; nothing when no server was asked. */
export function natCheck(nat: Nat, findings: readonly StunFinding[]): Check[] {
  if (findings.length === 0) return [];
  const seen = [...new Set(findings.flatMap(({ mapped }) => mapped === null ? [] : [addressText(mapped)]))];
  const id = "nat";
  switch (nat) {
    case "unknown":
      return [{ id, status: "skip", summary: "NAT: no STUN server answered, so its kind is not known" }];
    case "none":
      return [{ id, status: "ok", summary: "NAT: none, the servers see an address of this machine" }];
    case "some":
      return [{
        id,
        status: "skip",
        summary: "NAT: there is one; two STUN servers that answer are needed to tell its kind",
      }];
    case "same for all":
      return [{ id, status: "ok", summary: `NAT: there is one, and every server sees the same address, ${seen[0]}` }];
    case "symmetric":
      return [{
        id,
        status: "warn",
        summary: `NAT: symmetric, it maps every destination anew (${listText(seen)})`,
        remedy: "if the other side is behind a NAT as well, only a relay works: set up --turn-server",
      }];
  }
}

/** The address of a name, IPv4 before IPv6; null when there is none in time. */
async function resolveHost(host: string, { clock, limit }: Timing & { limit: number }): Promise<string | null> {
  if (/^[\d.]+$|:/.test(host)) return host;
  const asked = lookup(host, { all: true }).catch((error) => messageOf(error));
  const found = await withTimeLimit(clock, limit, asked);
  if (typeof found === "string") return null;
  return (found.find(({ family }) => family === 4) ?? found[0])?.address ?? null;
}
