import { type IceServer, probeRelay, readIceServerUrl, type RelayProbe } from "../webrtc/mod.ts";
import { addressText, type Check, milliseconds, secondsLeft, type Timing } from "./check.ts";
import { readTlsFault } from "./tls_fault.ts";

/** What one TURN server did. */
export interface TurnFinding {
  readonly server: IceServer;
  readonly transport: "udp" | "tcp" | "tls";
  readonly probe: RelayProbe;
}

/** Seconds for each step. */
const LIMIT = 3;

/** Tries every TURN server over the transport that its URL names. */
export async function tryTurnServers(servers: readonly IceServer[], timing: Timing): Promise<TurnFinding[]> {
  return await Promise.all(servers.flatMap((server) => {
    const read = readIceServerUrl(server.urls);
    if (read?.kind !== "turn") return [];
    const limit = secondsLeft(timing, LIMIT);
    return [probeRelay(server, { ...timing, limit }).then((probe) => ({ server, transport: read.transport, probe }))];
  }));
}

/**
 * The lines for one TURN server: allocation, permission, a packet through it.
 *
 * @param options.isSpare whether another way to a relay works, so that silence of this one is bearable
 */
export function turnChecks(
  { server: { urls, username = "" }, transport, probe }: TurnFinding,
  { isSpare }: { isSpare: boolean },
): Check[] {
  const name = `TURN ${urls} (${transport.toUpperCase()})`;
  if (probe.allocation === null) {
    const { fault, remedy } = allocationFault(probe.fault, { transport, hasUser: username !== "" });
    const status = isSpare && isSilence(probe.fault) ? "warn" : "fail";
    return [{ id: `turn-allocation:${urls}`, status, summary: `${name} gives no address: ${fault}`, remedy }];
  }
  const { seconds, relayed } = probe.allocation;
  const allocated: Check = {
    id: `turn-allocation:${urls}`,
    status: "ok",
    summary: `${name} gives the address ${addressText(relayed)} in ${milliseconds(seconds)}`,
  };
  if (probe.permissionFault !== null) {
    return [allocated, {
      id: `turn-permission:${urls}`,
      status: "warn",
      summary: `${name} does not let packets of this machine's own address through: ${probe.permissionFault}`,
      remedy: "if server or viewers have such an address, allow it there (of coturn: allowed-peer-ip)",
    }];
  }
  const permitted: Check = {
    id: `turn-permission:${urls}`,
    status: "ok",
    summary: `${name} lets packets through for this machine's own address`,
  };
  return [allocated, permitted, tripCheck(name, { urls, relayed: relayed[0], seconds: probe.tripSeconds })];
}

function tripCheck(
  name: string,
  { urls, relayed, seconds }: { urls: string; relayed: string; seconds: number | null },
): Check {
  const id = `turn-data:${urls}`;
  if (seconds !== null) {
    return { id, status: "ok", summary: `${name} carries a packet there and back in ${milliseconds(seconds)}` };
  }
  return {
    id,
    status: "warn",
    summary: `${name}: no packet came through from this machine to ${relayed}`,
    remedy: "open the relay's UDP ports in its firewall (of coturn: min-port to max-port, 49152–65535); " +
      "where this machine lets no UDP out it means nothing",
  };
}

function allocationFault(
  fault: string,
  { transport, hasUser }: { transport: TurnFinding["transport"]; hasUser: boolean },
): { fault: string; remedy: string } {
  if (/refuses the user name or password/.test(fault)) {
    return {
      fault,
      remedy: hasUser
        ? "check --turn-username and --turn-credential; with --turn-secret the TURN server needs the same secret, and both the right time"
        : "give --turn-username and --turn-credential, or --turn-secret",
    };
  }
  const tls = transport === "tls" ? readTlsFault(fault) : null;
  if (tls !== null) return tls;
  if (/refused/i.test(fault)) {
    return { fault: "the connection is refused", remedy: "nothing listens there: check port and transport of the URL" };
  }
  if (/ENOTFOUND|EAI_AGAIN|lookup|resolve/i.test(fault)) {
    return { fault: "its name cannot be looked up", remedy: "check the name, and this machine's DNS" };
  }
  if (isSilence(fault)) {
    const other = transport === "udp" ? "; where UDP is blocked give a URL with ?transport=tcp, or turns:" : "";
    return {
      fault: `no answer over ${transport.toUpperCase()}`,
      remedy: `check that it runs and that ${transport === "udp" ? "UDP" : "TCP"} gets to its port from here${other}`,
    };
  }
  if (/answers (486|508)\b/.test(fault)) {
    return { fault, remedy: "it has no room left: raise its limits (of coturn: user-quota, total-quota), or wait" };
  }
  return { fault, remedy: "look at the TURN server's log" };
}

function isSilence(fault: string): boolean {
  return /no answer|timed? ?out|timeout/i.test(fault);
}
