import type { ChosenPair, ReceivedMedia } from "../webrtc/mod.ts";
import { addressText, type Check, milliseconds } from "./check.ts";
import type { CandidateFinding, MediaFinding } from "./media.ts";

/** Whether media get through one way; `absent` when nothing is set up for it. */
export type Way = "works" | "fails" | "untried" | "absent";

/** The ways from a viewer here to the server. */
export interface Ways {
  readonly udp: Way;
  readonly tcp: Way;
  readonly relay: Way;
}

/** What was tried. */
export interface Trials {
  /** Null when viewers of that server use relays only. */
  readonly direct: MediaFinding | null;
  /** Through a TURN server alone; null when there is none that works. */
  readonly relayed: MediaFinding | null;
  readonly mode: "server_push" | "bidirectional";
  /** Whether any STUN or TURN server answered over UDP. */
  readonly hasUdpElsewhere: boolean;
}

/** What the trials say about each way. */
export function waysOf({ direct, relayed }: Pick<Trials, "direct" | "relayed">): Ways {
  if (direct === null) return { udp: "absent", tcp: "absent", relay: relayWay(relayed) };
  if (direct.kind === "refused") return { udp: "untried", tcp: "untried", relay: relayWay(relayed) };
  const tcp = tcpFindings(direct);
  const isThroughServersRelay = direct.state === "connected" && direct.pair?.remote === "relay";
  return {
    udp: direct.state === "connected" && !isThroughServersRelay ? "works" : "fails",
    tcp: tcp.length === 0 ? "absent" : tcp.some(({ roundTrip }) => roundTrip !== null) ? "works" : "fails",
    relay: isThroughServersRelay ? "works" : relayWay(relayed),
  };
}

/** A line for each way. What does not work is a failure only if nothing else does. */
export function wayChecks(trials: Trials): Check[] {
  const ways = waysOf(trials);
  const { direct, relayed } = trials;
  const fault = Object.values(ways).includes("works") ? "warn" : "fail";
  return [
    ...directChecks(trials, { ways, fault }),
    ...(direct?.kind === "tried" ? [tcpCheck(tcpFindings(direct), { ways, fault })] : []),
    ...(relayed === null ? [] : [relayCheck(relayed, { fault })]),
  ];
}

function directChecks(
  { direct, mode, hasUdpElsewhere }: Trials,
  { ways, fault }: { ways: Ways; fault: "warn" | "fail" },
): Check[] {
  const id = "media-udp";
  if (direct === null) {
    return [{ id, status: "skip", summary: "UDP, TCP: not tried directly, the server has viewers use relays only" }];
  }
  if (direct.kind === "refused") return [refusalCheck(id, direct)];
  const { state, pair, candidates } = direct;
  if (state === "connected" && pair !== null) {
    const isRelay = ways.udp !== "works";
    const connected: Check = {
      id,
      status: isRelay ? "warn" : "ok",
      summary: `UDP: connected ${isRelay ? "through the server's relay" : "directly"}, ${pairText(pair, candidates)}`,
      ...(isRelay
        ? { remedy: "for a direct way: open UDP to the server (--udp-port), --public-ip behind 1:1 NAT" }
        : {}),
    };
    return [connected, pictureCheck(direct.media, mode)];
  }
  const asked = candidates.filter(({ candidate }) => candidate.transport === "udp");
  const detail = asked.length === 0 ? "its answer has no UDP candidate" : `asked: ${asked.map(askedText).join("; ")}`;
  if (state === "checked" || asked.some(({ roundTrip }) => roundTrip !== null)) {
    return [{
      id,
      status: "fail",
      summary: "UDP: packets get to the server and back, but no secure connection comes up",
      detail,
      remedy: "look at the server's log; something on the way may drop large packets, see MTU",
    }];
  }
  const blocked = hasUdpElsewhere
    ? "UDP: it goes out from here, but nothing comes back from the server"
    : "UDP: blocked between here and the server, nothing at all comes back";
  return [{
    id,
    status: fault,
    summary: blocked,
    detail,
    remedy: "open UDP to the server (--udp-port and one rule in its firewall; --public-ip behind 1:1 NAT); " +
      "where no UDP may pass: --tcp-port, or TURN over TCP or TLS",
  }];
}

function pictureCheck(
  { codec, pictures, videoPackets, audioPackets }: ReceivedMedia,
  mode: Trials["mode"],
): Check {
  const id = "pictures";
  if (videoPackets > 0) {
    const sound = audioPackets === 0 ? "no sound" : `${audioPackets} packets of sound`;
    return {
      id,
      status: "ok",
      summary: `media: ${pictures} pictures in ${codec} (${videoPackets} packets) and ${sound} came`,
    };
  }
  if (mode === "bidirectional") {
    return {
      id,
      status: "skip",
      summary: "media: no picture came; this pipeline may wait for input that was not given",
    };
  }
  return {
    id,
    status: "warn",
    summary: "media: connected, but no picture came",
    remedy: "the pipeline may be slow or refuse what it was asked; look at the server's log",
  };
}

function tcpCheck(
  findings: readonly CandidateFinding[],
  { ways, fault }: { ways: Ways; fault: "warn" | "fail" },
): Check {
  const id = "tcp";
  const works = findings.find(({ roundTrip }) => roundTrip !== null);
  if (works !== undefined) {
    const { candidate, roundTrip } = works;
    const place = addressText(candidate.address);
    return {
      id,
      status: "ok",
      summary: `TCP: the server's candidate ${place} answers in ${milliseconds(roundTrip ?? 0)} (ICE-TCP)`,
    };
  }
  if (findings.length === 0) {
    const summary = "TCP: the server offers none for media (--tcp-port is not set)";
    const remedy = "set --tcp-port on the server, and open it";
    return { id, status: "skip", summary, ...(ways.udp === "works" ? {} : { remedy }) };
  }
  return {
    id,
    status: fault,
    summary: `TCP: the server's candidates do not answer: ${findings.map(askedText).join("; ")}`,
    remedy: "open the port of --tcp-port in the server's firewall, or forward it",
  };
}

function relayCheck(relayed: MediaFinding, { fault }: { fault: "warn" | "fail" }): Check {
  const id = "media-relay";
  if (relayed.kind === "refused") return refusalCheck(id, relayed);
  if (relayed.state === "connected") {
    const { pictures } = relayed.media;
    const pair = relayed.pair === null ? "" : `, ${pairText(relayed.pair)}`;
    const media = pictures === 0 ? "" : `; ${pictures} pictures came`;
    return { id, status: "ok", summary: `relay: connected through TURN alone${pair}${media}` };
  }
  return {
    id,
    status: fault,
    summary: "relay: the TURN server takes packets, but no connection comes up through it",
    remedy: "let the TURN server reach the server (of coturn: allowed-peer-ip; UDP open to the server)",
  };
}

/** An offer that was not taken says nothing about the network. */
function refusalCheck(id: string, { code, detail }: { code: string; detail: string }): Check {
  const what = id === "media-relay" ? "relay" : "UDP, TCP";
  if (code === "no_ice_candidates") {
    return {
      id,
      status: "fail",
      summary: `${what}: the server has no port for media: ${detail}`,
      remedy: detail.includes("--relay-only")
        ? "check --turn-server and its user name and password, where the server is started"
        : "free or widen the ports of --udp-port-range, or set --udp-port",
    };
  }
  const remedies: Readonly<Record<string, string>> = {
    sessions_full: "try again when a viewer has left, or raise --webrtc-max-sessions",
    service_not_running: "get the pipeline to run first",
    shutting_down: "try again when the server runs",
    pipeline_failed: "the pipeline does not take the offer of a test; open its page instead",
    session_exists: "the pipeline takes one viewer at a time; try again when it is free",
    invalid_request: "the pipeline does not take the offer of a test; open its page instead",
    no_answer: "the pipeline may take long to open a session; look at the server's log",
  };
  return {
    id,
    status: "skip",
    summary: `${what}: could not be tried, the server does not take the offer (${code}): ${detail}`,
    remedy: remedies[code] ?? "look at the server's log",
  };
}

function relayWay(relayed: MediaFinding | null): Way {
  if (relayed === null) return "absent";
  if (relayed.kind === "refused") return "untried";
  return relayed.state === "connected" ? "works" : "fails";
}

function tcpFindings({ candidates }: { candidates: readonly CandidateFinding[] }): CandidateFinding[] {
  return candidates.filter(({ candidate }) => candidate.transport === "tcp");
}

function pairText({ local, remote, remoteAddress }: ChosenPair, asked: readonly CandidateFinding[] = []): string {
  const place = addressText(remoteAddress);
  const same = asked.find(({ candidate: { transport, address } }) => {
    return transport === "udp" && addressText(address) === place;
  });
  const roundTrip = same?.roundTrip ?? null;
  const time = roundTrip === null ? "" : `, round trip ${milliseconds(roundTrip)}`;
  return `${local} to ${remote} ${place}${time}`;
}

function askedText({ candidate: { kind, address }, roundTrip, fault }: CandidateFinding): string {
  const end = roundTrip === null ? fault ?? "no answer" : `answers in ${milliseconds(roundTrip)}`;
  return `${kind} ${addressText(address)} ${end}`;
}
