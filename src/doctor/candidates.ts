import { isLocalAddress, isLoopback, lanAddresses } from "../network.ts";
import { type Check, listText } from "./check.ts";
import type { StunFinding } from "./stun.ts";
import type { TurnFinding } from "./turn.ts";

/** Addresses of each kind of candidate that this machine has. */
export interface OwnCandidates {
  readonly hostV4: readonly string[];
  readonly hostV6: readonly string[];
  readonly srflx: readonly string[];
  readonly relay: readonly string[];
}

/** Collects them: its own addresses, those that STUN servers see, those that TURN servers gave. */
export function ownCandidates(stun: readonly StunFinding[], turn: readonly TurnFinding[]): OwnCandidates {
  const hosts = lanAddresses().map((address) => address.replace(/^\[|\]$/g, ""));
  const mapped = stun.flatMap((finding) => finding.mapped === null ? [] : [finding.mapped[0]]);
  const relayed = turn.flatMap(({ probe }) => probe.allocation === null ? [] : [probe.allocation.relayed[0]]);
  return {
    hostV4: hosts.filter((address) => !address.includes(":")),
    hostV6: hosts.filter((address) => address.includes(":")),
    srflx: [...new Set(mapped)].filter((address) => !hosts.includes(address) && !isLoopback(address)),
    relay: [...new Set(relayed)],
  };
}

/** One line about the kinds of candidates. */
export function candidatesCheck({ hostV4, hostV6, srflx, relay }: OwnCandidates): Check {
  const kinds = ([["host", [...hostV4, ...hostV6]], ["srflx", srflx], ["relay", relay]] as const)
    .map(([kind, addresses]) => `${kind} ${addresses.length === 0 ? "none" : listText(addresses)}`);
  const summary = `candidates of this machine: ${kinds.join("; ")}`;
  if (hostV4.length + hostV6.length > 0) return { id: "candidates", status: "ok", summary };
  return {
    id: "candidates",
    status: "warn",
    summary,
    detail: "it has no address but its own loopback",
    remedy: "connect it to a network; until then only this machine itself can watch",
  };
}

/** Whether the addresses of `--public-ip` are those that STUN servers see; nothing when none are set. */
export function publicIpCheck(publicIps: readonly string[], stun: readonly StunFinding[]): Check[] {
  const [first] = publicIps;
  if (first === undefined) return [];
  const id = "public-ip";
  const seen = stun.flatMap(({ mapped }) => mapped === null || isLocalAddress(mapped[0]) ? [] : [mapped[0]]);
  const missing = publicIps.filter((address) => !address.includes(":") && !seen.includes(address));
  if (seen.length === 0) {
    const summary = `--public-ip ${publicIps.join(", ")}: no STUN server says whether that is right`;
    return [{ id, status: "skip", summary }];
  }
  if (missing.length === 0) {
    return [{ id, status: "ok", summary: `--public-ip ${publicIps.join(", ")} is what STUN servers see` }];
  }
  return [{
    id,
    status: "warn",
    summary: `--public-ip ${missing.join(", ")} is not what STUN servers see, which is ${listText([...new Set(seen)])}`,
    remedy: "check the address, unless packets come in another way than they go out",
  }];
}
