import {
  RTCPeerConnection,
  RTCRtpCodecParameters,
  type RtpPacket,
  StunOverTurnProtocol,
  useH264,
  useNACK,
  useOPUS,
  usePLI,
  useVP8,
} from "werift";
import { type Clock, sleep, withTimeLimit } from "../async/mod.ts";
import { CHANNEL_LABEL } from "./control_channel.ts";
import type { IceServer } from "./ice_server.ts";
import type { Address } from "./ice_socket.ts";
import { splitLines, valuesOf } from "./sdp_lines.ts";
import type { CheckCredentials } from "./stun_probe.ts";
import { releaseRelay } from "./turn_probe.ts";

/** Kinds of candidates (RFC 8445, section 5.1.1). */
export type CandidateKind = "host" | "srflx" | "prflx" | "relay";

/** One candidate of the server. */
export interface ServerCandidate {
  readonly kind: CandidateKind;
  readonly transport: "udp" | "tcp";
  readonly address: Address;
}

/** What was received over a connection. */
export interface ReceivedMedia {
  /** What the server chose; null before a packet has come. */
  readonly codec: "H264" | "VP8" | null;
  readonly pictures: number;
  readonly videoPackets: number;
  readonly audioPackets: number;
  /** Payload of the largest packet with its RTP header, in bytes. */
  readonly largestPacket: number;
}

/** The pair that a connection runs over. */
export interface ChosenPair {
  readonly local: CandidateKind;
  readonly remote: CandidateKind;
  readonly remoteAddress: Address;
}

/** How to connect. */
export interface ProbePeerOptions {
  /** The only way to use; null for direct ways. */
  readonly relay: IceServer | null;
  /** Whether the server is on this machine, so that loopback addresses help. */
  readonly loopback: boolean;
  readonly clock: Clock;
}

/** Payload types of our offer. */
const PAYLOAD_TYPE = { H264: 102, VP8: 96, opus: 111 } as const;
/** Seconds in which a connection to a TURN server must be up. */
const TURN_LIMIT = 3;
/** Seconds that closing may take. */
const CLOSE_LIMIT = 2;
/** Seconds between looks at what has come. */
const LOOK = 0.02;

/** A viewer without a screen: connects as a browser does and counts what comes. */
export class ProbePeer implements AsyncDisposable {
  readonly #peer: RTCPeerConnection;
  readonly #clock: Clock;
  #codec: ReceivedMedia["codec"] = null;
  #pictures = 0;
  #videoPackets = 0;
  #audioPackets = 0;
  #largestPacket = 0;

  constructor({ relay, loopback, clock }: ProbePeerOptions) {
    this.#clock = clock;
    const rtcpFeedback = [useNACK(), usePLI()];
    this.#peer = new RTCPeerConnection({
      bundlePolicy: "max-bundle",
      iceServers: relay === null ? [] : [relay],
      iceTransportPolicy: relay === null ? "all" : "relay",
      iceTurnConnectTimeout: TURN_LIMIT,
      ...(loopback ? { iceAdditionalHostAddresses: ["127.0.0.1"] } : {}),
      codecs: {
        video: [
          useH264({ rtcpFeedback, payloadType: PAYLOAD_TYPE.H264 }),
          useVP8({ rtcpFeedback, payloadType: PAYLOAD_TYPE.VP8 }),
          new RTCRtpCodecParameters({ mimeType: "video/rtx", clockRate: 90_000 }),
        ],
        audio: [useOPUS({ payloadType: PAYLOAD_TYPE.opus })],
      },
    });
    for (const kind of ["video", "audio"] as const) {
      this.#peer.addTransceiver(kind, { direction: "recvonly" }).onTrack.subscribe((track) => {
        track.onReceiveRtp.subscribe((packet) => this.#count(kind, packet));
      });
    }
    this.#peer.createDataChannel(CHANNEL_LABEL);
    for (const transport of this.#peer.iceTransports) delete transport.connection.stunServer;
  }

  /** The offer, with the candidates of this machine or of the relay. */
  async offer(): Promise<string> {
    await this.#peer.setLocalDescription(await this.#peer.createOffer());
    return this.#peer.localDescription?.sdp ?? "";
  }

  /** Takes the server's answer; from then on it connects. */
  async accept(sdp: string): Promise<void> {
    await this.#peer.setRemoteDescription({ type: "answer", sdp });
  }

  /** What checks of this connection are signed with, beside those it sends itself. */
  credentials(answer: string): CheckCredentials {
    const lines = splitLines(answer);
    const [theirs = ""] = valuesOf(lines, "ice-ufrag");
    const [password = ""] = valuesOf(lines, "ice-pwd");
    const ours = this.#peer.iceTransports[0]?.localParameters.usernameFragment ?? "";
    return { username: `${theirs}:${ours}`, password };
  }

  /**
   * Waits for the connection.
   *
   * @returns how far it came: `checked` is a way that was found but not secured
   */
  async connected(
    { limit, signal }: { limit: number; signal?: AbortSignal },
  ): Promise<"connected" | "checked" | "none"> {
    await this.#until(() => this.#peer.connectionState === "connected", { limit, signal });
    if (this.#peer.connectionState === "connected") return "connected";
    return this.#connection?.nominated === undefined ? "none" : "checked";
  }

  /** Waits for pictures; returns what came by then. */
  async receive(
    { pictures, limit, signal }: { pictures: number; limit: number; signal?: AbortSignal },
  ): Promise<ReceivedMedia> {
    await this.#until(() => this.#pictures >= pictures, { limit, signal });
    return {
      codec: this.#codec,
      pictures: this.#pictures,
      videoPackets: this.#videoPackets,
      audioPackets: this.#audioPackets,
      largestPacket: this.#largestPacket,
    };
  }

  /** The pair in use; null before there is one. */
  get pair(): ChosenPair | null {
    const pair = this.#connection?.nominated;
    if (pair === undefined) return null;
    const { localCandidate, remoteCandidate, remoteAddr } = pair;
    return {
      local: localCandidate.type as CandidateKind,
      remote: remoteCandidate.type as CandidateKind,
      remoteAddress: remoteAddr,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { protocols = [] } = (this.#connection ?? {}) as unknown as { protocols?: readonly object[] };
    const relays = protocols.filter((protocol) => protocol instanceof StunOverTurnProtocol);
    await Promise.all(relays.map((relay) => releaseRelay(relay, this.#clock)));
    await withTimeLimit(this.#clock, CLOSE_LIMIT, this.#peer.close());
  }

  get #connection() {
    return this.#peer.iceTransports[0]?.connection;
  }

  async #until(
    holds: () => boolean,
    { limit, signal }: { limit: number; signal?: AbortSignal | undefined },
  ): Promise<void> {
    const end = this.#clock.now() + limit;
    while (!holds() && this.#clock.now() < end && !signal?.aborted) await sleep(this.#clock, LOOK, signal);
  }

  #count(kind: "video" | "audio", packet: RtpPacket): void {
    const size = packet.payload.length + packet.header.serializeSize;
    this.#largestPacket = Math.max(this.#largestPacket, size);
    if (kind === "audio") this.#audioPackets++;
    else {
      this.#videoPackets++;
      this.#codec ??= packet.header.payloadType === PAYLOAD_TYPE.H264 ? "H264" : "VP8";
      if (packet.header.marker) this.#pictures++;
    }
  }
}

/** The candidates in a description; what is no candidate is passed over. */
export function candidatesOf(sdp: string): ServerCandidate[] {
  return valuesOf(splitLines(sdp), "candidate").flatMap((text) => {
    const [, component, transport = "", , host = "", port, , kind] = text.split(" ");
    const isPassive = / tcptype passive\b/.test(text);
    const name = transport.toLowerCase();
    if (component !== "1" || (name !== "udp" && !(name === "tcp" && isPassive))) return [];
    return [{ kind: kind as CandidateKind, transport: name, address: [host, Number(port)] as const }];
  });
}
