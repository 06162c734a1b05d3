import type { Clock } from "../async/mod.ts";
import type { LoadedConfig } from "../config/mod.ts";
import { type IceServer, iceServersFor, readIceServerUrl } from "../webrtc/mod.ts";
import { candidatesCheck, ownCandidates, publicIpCheck } from "./candidates.ts";
import { checkCertificate } from "./certificate.ts";
import type { Check, Timing } from "./check.ts";
import { checkCodecs } from "./codecs.ts";
import { JsonClient } from "./json_client.ts";
import { type MediaFinding, tryMedia } from "./media.ts";
import { measureMtu, mtuCheck, type MtuFinding } from "./mtu.ts";
import { checkPorts } from "./ports.ts";
import { makeReport, type Report } from "./report.ts";
import { clockCheck, fetchIceServers, readHealth } from "./server.ts";
import { askStunServers, natCheck, natOf, stunCheck, type StunFinding } from "./stun.ts";
import { tryTurnServers, turnChecks, type TurnFinding } from "./turn.ts";
import { machineVerdict, serverVerdict } from "./verdict.ts";
import { wayChecks, waysOf } from "./ways.ts";

/** What to look into. */
export interface DoctorOptions {
  readonly loaded: LoadedConfig;
  /** Null for this machine by itself. */
  readonly serverUrl: string | null;
  readonly clock: Clock;
  /** Ends it early; a session that was opened is closed all the same. */
  readonly signal: AbortSignal;
}

/** Seconds for everything together, but for the closing of what was opened. */
const LIMIT = 12;

/** Tries what works from here. It takes a few seconds, and some more where nothing answers. */
export async function diagnose({ loaded, serverUrl, clock, signal }: DoctorOptions): Promise<Report> {
  const timing = { clock, signal, deadline: clock.now() + LIMIT };
  return serverUrl === null ? await diagnoseMachine(loaded, timing) : await diagnoseServer(loaded, serverUrl, timing);
}

async function diagnoseMachine(loaded: LoadedConfig, timing: Timing): Promise<Report> {
  const { config } = loaded;
  const { clock } = timing;
  const servers = iceServersFor(loaded, { remote: OUTSIDE, unixTime: clock.unixTime() });
  // By itself, as it would make the answers of servers look late.
  const codecs = await checkCodecs(timing);
  const [certificate, ports, network] = await Promise.all([
    checkCertificate(config, clock),
    checkPorts(config, new JsonClient(timing)),
    lookAround(servers, timing),
  ]);
  const { stun, turn, nat } = network;
  const own = ownCandidates(stun, turn);
  const checks = [
    ...codecs,
    ...ports,
    ...certificate,
    candidatesCheck(own),
    ...publicIpCheck(config.publicIp, stun),
    ...network.checks,
    ...udpCheck(network),
    mtuCheck(await mtuTo(network, timing)),
  ];
  const failures = failuresIn(checks);
  const verdict = machineVerdict({ own, nat, publicIps: config.publicIp, failures });
  return makeReport(checks, { verdict, secrets: secretsOf(loaded, servers) });
}

async function diagnoseServer(loaded: LoadedConfig, url: string, timing: Timing): Promise<Report> {
  const { clock } = timing;
  const client = new JsonClient(timing);
  const first = await client.get(`${url}/v1/service/health`);
  // The first request sets the connection up as well; the second one takes a round trip.
  const answer = first.kind === "fault" ? first : await client.get(`${url}/v1/service/health`);
  const { health, check } = readHealth(answer, { url, unixTime: clock.unixTime() });
  const given = iceServersFor(loaded, { remote: OUTSIDE, unixTime: clock.unixTime() }).filter(({ urls }) => {
    return loaded.sources[readIceServerUrl(urls)?.kind === "turn" ? "turnServer" : "stunServers"] !== "default";
  });
  if (health === null) {
    const verdict = serverVerdict({ isReached: false, ways: null, failures: 1 });
    return makeReport([check], { verdict, secrets: secretsOf(loaded, given) });
  }
  const named = await fetchIceServers(client, url);
  const servers = [...named.servers, ...given.filter(({ urls }) => !named.servers.some((one) => one.urls === urls))];
  const { mode } = health;
  const [network, direct] = await Promise.all([
    lookAround(servers, timing),
    mode === null || named.relayOnly ? null : tryMedia({ url, client, mode, relay: null, timing }),
  ]);
  const relay = network.turn.find(({ probe }) => probe.allocation !== null)?.server;
  const relayed = mode === null || relay === undefined ? null : await tryMedia({ url, client, mode, relay, timing });
  const trials = mode === null ? null : { direct, relayed, mode, hasUdpElsewhere: hasUdp(network) };
  const mtu = await mtuOf({ direct, network, timing });
  const received = direct?.kind === "tried" ? direct.media.largestPacket : 0;
  const checks = [
    check,
    clockCheck(health.clockAhead),
    named.check,
    candidatesCheck(ownCandidates(network.stun, network.turn)),
    ...network.checks,
    ...(trials === null ? [UNTRIED] : wayChecks(trials)),
    mtuCheck(mtu, { received }),
  ];
  const ways = trials === null ? null : waysOf(trials);
  const verdict = serverVerdict({ isReached: true, ways, failures: failuresIn(checks) });
  return makeReport(checks, { verdict, secrets: secretsOf(loaded, servers) });
}

/** An address that no default list leaves out (RFC 5737). */
const OUTSIDE = "203.0.113.1";

/** The line in place of those about media. */
const UNTRIED: Check = {
  id: "media-udp",
  status: "skip",
  summary: "UDP, TCP: could not be tried, the pipeline does not run",
};

/** What STUN and TURN servers say. */
interface Surroundings {
  readonly stun: readonly StunFinding[];
  readonly turn: readonly TurnFinding[];
  readonly nat: ReturnType<typeof natOf>;
  readonly checks: readonly Check[];
}

async function lookAround(servers: readonly IceServer[], timing: Timing): Promise<Surroundings> {
  const overUdp = servers.filter(({ urls }) => {
    const read = readIceServerUrl(urls);
    return read?.kind === "stun" || read?.transport === "udp";
  });
  const [stun, turn] = await Promise.all([askStunServers(overUdp, timing), tryTurnServers(servers, timing)]);
  const { hostV4, hostV6 } = ownCandidates([], []);
  const nat = natOf(stun, [...hostV4, ...hostV6, "127.0.0.1", "::1"]);
  const working = turn.filter(({ probe }) => probe.allocation !== null).length;
  const checks = [
    ...stun.filter(({ url }) => readIceServerUrl(url)?.kind === "stun").map(stunCheck),
    ...natCheck(nat, stun),
    ...turn.flatMap((finding) => turnChecks(finding, { isSpare: working > 0 })),
  ];
  return { stun, turn, nat, checks };
}

/** One line about UDP, when there was something to ask. */
function udpCheck(network: Surroundings): Check[] {
  const id = "udp";
  const asked = network.stun.filter(({ server }) => server !== null).length;
  if (asked === 0) return [{ id, status: "skip", summary: "UDP: not tried, there is no server to ask" }];
  const answered = network.stun.filter(({ mapped }) => mapped !== null).length;
  if (answered > 0) {
    return [{ id, status: "ok", summary: `UDP: goes out and comes back, ${answered} of ${asked} servers answer` }];
  }
  const hasTcp = network.turn.some(({ transport, probe }) => transport !== "udp" && probe.allocation !== null);
  return [{
    id,
    status: "warn",
    summary: hasTcp
      ? "UDP: blocked from here, nothing comes back, while TURN over TCP or TLS works"
      : "UDP: nothing comes back; it is blocked from here, or the servers are down",
    remedy: "let UDP out in the firewall; viewers without it need --tcp-port, or TURN over TCP or TLS",
  }];
}

function hasUdp({ stun, turn }: Surroundings): boolean {
  return stun.some(({ mapped }) => mapped !== null) ||
    turn.some(({ transport, probe }) => transport === "udp" && probe.allocation !== null);
}

async function mtuOf(
  { direct, network, timing }: { direct: MediaFinding | null; network: Surroundings; timing: Timing },
): Promise<MtuFinding | null> {
  const measured = direct?.kind === "tried" ? direct.mtu : null;
  return measured ?? await mtuTo(network, timing);
}

/** To the first STUN or TURN server that answers. */
async function mtuTo({ stun }: Surroundings, timing: Timing): Promise<MtuFinding | null> {
  const answered = stun.find(({ mapped }) => mapped !== null);
  return answered?.server == null ? null : await measureMtu({ address: answered.server }, timing);
}

function failuresIn(checks: readonly Check[]): number {
  return checks.filter(({ status }) => status === "fail").length;
}

function secretsOf({ config }: LoadedConfig, servers: readonly IceServer[]): string[] {
  return [config.turnCredential, config.turnSecret, ...servers.map(({ credential = "" }) => credential)];
}
