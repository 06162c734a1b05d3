import { isLocalAddress } from "../network.ts";
import type { OwnCandidates } from "./candidates.ts";
import type { Nat } from "./stun.ts";
import type { Ways } from "./ways.ts";

/** What the verdict about a server is made from. */
export interface ServerFacts {
  readonly isReached: boolean;
  /** Null when no offer was made. */
  readonly ways: Ways | null;
  readonly failures: number;
}

/** One sentence about what a viewer here gets from a server. */
export function serverVerdict({ isReached, ways, failures }: ServerFacts): string {
  if (!isReached) return "The server cannot be reached from here, so nothing else could be tried.";
  const also = failures === 0 ? "" : `; ${countText(failures)} failed`;
  if (ways === null || ways.udp === "untried" && ways.relay !== "works") {
    return `The server answers; whether pictures get here could not be tried${also}.`;
  }
  if (ways.udp === "absent" && ways.relay === "works") {
    return `Relays only, as the server wants it, and that works${also}.`;
  }
  if (ways.udp === "works") return `A viewer here gets a direct connection over UDP${also}.`;
  if (ways.tcp === "works" && ways.relay === "works") {
    return `No UDP gets through to the server from here; TCP works, and so does a relay${also}.`;
  }
  if (ways.tcp === "works") return `Only TCP works from here, no UDP gets through${also}.`;
  if (ways.relay === "works") return `Only a relay works from here, there is no direct way${also}.`;
  return "No way for pictures from this server to here works.";
}

/** What the verdict about this machine is made from. */
export interface MachineFacts {
  readonly own: OwnCandidates;
  readonly nat: Nat;
  readonly publicIps: readonly string[];
  readonly failures: number;
}

/** One sentence about whom this machine can serve. */
export function machineVerdict({ own, nat, publicIps, failures }: MachineFacts): string {
  if (failures > 0) return `This machine is not ready to serve with these settings: ${countText(failures)} failed.`;
  if (own.hostV4.length + own.hostV6.length === 0) return "This machine can serve viewers on itself alone.";
  if (own.relay.length > 0) {
    return "This machine is ready: viewers in its network connect directly, all others at least through the relay.";
  }
  const isPublic = publicIps.length > 0 || nat === "none" || own.hostV4.some((address) => !isLocalAddress(address));
  if (isPublic) return "This machine is ready: it has a public address; its firewall must let UDP in.";
  if (nat === "symmetric") {
    return "This machine is ready for viewers in its network; those outside need a TURN server or a forwarded port.";
  }
  if (nat === "same for all" || nat === "some") {
    return "This machine is ready for viewers in its network, and for those outside who are not behind a strict NAT.";
  }
  return "This machine is ready for viewers in its network; for those outside no way was found.";
}

function countText(count: number): string {
  return count === 1 ? "one check" : `${count} checks`;
}
