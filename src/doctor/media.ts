import { sleep } from "../async/mod.ts";
import { messageOf } from "../errors.ts";
import { isLoopback } from "../network.ts";
import {
  candidatesOf,
  type CheckCredentials,
  checkOverTcp,
  type ChosenPair,
  type IceServer,
  ProbePeer,
  type ProbeTiming,
  type ReceivedMedia,
  type ServerCandidate,
  StunProbe,
} from "../webrtc/mod.ts";
import { secondsLeft, type Timing } from "./check.ts";
import type { HttpResult, JsonClient } from "./json_client.ts";
import { measureMtu, type MtuFinding } from "./mtu.ts";

/** What became of one candidate of the server that was asked by itself. */
export interface CandidateFinding {
  readonly candidate: ServerCandidate;
  /** Seconds; null when it did not answer. */
  readonly roundTrip: number | null;
  readonly fault?: string;
}

/** What came of an offer. */
export type MediaFinding =
  | { readonly kind: "refused"; readonly code: string; readonly detail: string }
  | {
    readonly kind: "tried";
    /** `checked`: a way was found, but not secured. */
    readonly state: "connected" | "checked" | "none";
    readonly pair: ChosenPair | null;
    readonly media: ReceivedMedia;
    readonly candidates: readonly CandidateFinding[];
    /** Null when no candidate answered over UDP. */
    readonly mtu: MtuFinding | null;
  };

/** How to try. */
export interface MediaTrial {
  /** Where the server is. */
  readonly url: string;
  readonly client: JsonClient;
  readonly mode: "server_push" | "bidirectional";
  /** The only way to use; null for direct ones. */
  readonly relay: IceServer | null;
  readonly timing: Timing;
}

/** Seconds for the answer; the server itself waits up to 2 for STUN and TURN. */
const ANSWER_LIMIT = 5;
/** Seconds from the answer until the connection must be up. */
const CONNECT_LIMIT = 4;
/** Seconds for which the connection is left alone before candidates are asked beside it. */
const HEAD_START = 0.6;
/** Seconds that pictures may take. */
const PICTURE_LIMIT = 3;
/** Pictures that are waited for. */
const PICTURES = 3;
/** Seconds that a candidate has to answer. */
const CANDIDATE_LIMIT = 3;
/** Seconds that they have when the connection is up and pictures have come: those that are out of reach stay silent. */
const AFTERTIME = 1;
/** Candidates that are asked by themselves. */
const MOST_CANDIDATES = 12;

/** Opens a session as a viewer does, looks what comes, and closes it again. */
export async function tryMedia(trial: MediaTrial): Promise<MediaFinding> {
  try {
    return await openAndLook(trial);
  } catch (error) {
    return { kind: "refused", code: "invalid_answer", detail: messageOf(error) };
  }
}

async function openAndLook({ url, client, mode, relay, timing }: MediaTrial): Promise<MediaFinding> {
  const { clock, signal } = timing;
  const { hostname } = new URL(url);
  await using peer = new ProbePeer({ relay, loopback: isLoopback(hostname.replace(/^\[|\]$/g, "")), clock });
  const sdp = await peer.offer();
  // An id of our own, so that it can be closed even when the answer is lost.
  const id = `doctor-${crypto.randomUUID()}`;
  const task = mode === "bidirectional" ? "bidirectional" : "t2v";
  const body = { sdp, type: "offer", task, prompt: "connection test", session_id: id };
  try {
    const answer = await client.post(`${url}/v1/stream/webrtc/offer`, { body, limit: ANSWER_LIMIT });
    const theirs = answer.kind === "answer" && answer.status === 200 ? answer.body?.sdp : undefined;
    if (typeof theirs !== "string") return { kind: "refused", ...refusalOf(answer) };
    await peer.accept(theirs);
    const connecting = peer.connected({ limit: secondsLeft(timing, CONNECT_LIMIT), signal });
    // Not at the same time, as the handshake's work would count as the network's.
    await Promise.race([connecting, sleep(clock, HEAD_START, signal)]);
    const enough = new AbortController();
    const asking = relay === null
      ? askCandidates(candidatesOf(theirs), { credentials: peer.credentials(theirs), timing, enough: enough.signal })
      : Promise.resolve({ candidates: [], mtu: null });
    const state = await connecting;
    const limit = state === "connected" ? secondsLeft(timing, PICTURE_LIMIT) : 0;
    const media = await peer.receive({ pictures: PICTURES, limit, signal });
    using _timer = state === "connected" ? clock.schedule(AFTERTIME, () => enough.abort()) : undefined;
    return { kind: "tried", state, pair: peer.pair, media, ...await asking };
  } finally {
    await client.delete(`${url}/v1/stream/webrtc/${id}`);
  }
}

/** Asks each candidate of the server by itself, and the first that answers over UDP how much it takes. */
async function askCandidates(
  all: readonly ServerCandidate[],
  { credentials, timing, enough }: { credentials: CheckCredentials; timing: Timing; enough: AbortSignal },
): Promise<{ candidates: CandidateFinding[]; mtu: MtuFinding | null }> {
  const question = {
    credentials,
    clock: timing.clock,
    limit: secondsLeft(timing, CANDIDATE_LIMIT),
    signal: AbortSignal.any([timing.signal, enough]),
  };
  const first = Promise.withResolvers<ServerCandidate | null>();
  const asked = all.slice(0, MOST_CANDIDATES).map(async (candidate): Promise<CandidateFinding> => {
    try {
      const reply = candidate.transport === "tcp"
        ? await checkOverTcp(candidate.address, question)
        : await askOverUdp(candidate, question);
      if (reply === null) return { candidate, roundTrip: null, fault: "no answer" };
      if (candidate.transport === "udp") first.resolve(candidate);
      return { candidate, roundTrip: reply.seconds };
    } catch (error) {
      return { candidate, roundTrip: null, fault: messageOf(error) };
    }
  });
  void Promise.all(asked).then(() => first.resolve(null));
  const target = await first.promise;
  const mtu = target === null ? null : await measureMtu({ address: target.address, credentials }, timing);
  return { candidates: await Promise.all(asked), mtu };
}

async function askOverUdp({ address }: ServerCandidate, question: { credentials: CheckCredentials } & ProbeTiming) {
  await using probe = new StunProbe({ family: address[0].includes(":") ? 6 : 4 });
  return await probe.ask(address, question);
}

function refusalOf(answer: HttpResult): { code: string; detail: string } {
  if (answer.kind === "fault") return { code: "no_answer", detail: answer.fault };
  const { code, detail } = answer.body ?? {};
  return {
    code: typeof code === "string" ? code : `status ${answer.status}`,
    detail: typeof detail === "string" ? detail : `it answers ${answer.status}`,
  };
}
