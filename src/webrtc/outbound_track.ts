import { type Clock, Emitter, type Timer } from "../async/mod.ts";
import type { MediaClock } from "../media/mod.ts";
import {
  compactNtp,
  type HeaderExtension,
  headerExtensionBlock,
  type ReportBlock,
  type RtcpReading,
  writeSenderReport,
} from "../rtp/mod.ts";
import type { PacketSender } from "./packet_sender.ts";

/** Packets kept for retransmission: over 500 ms at 20 Mbit/s. */
const HISTORY = 1024;
/** A packet is sent again at most once in this many seconds, however often it is asked for. */
const RESEND_INTERVAL = 0.02;
const FIRST_REPORT = 0.1;
const REPORT_INTERVAL = 0.8;

/** What negotiation has settled for one track. */
export interface TrackParameters {
  readonly kind: "video" | "audio";
  readonly ssrc: number;
  readonly payloadType: number;
  /** Hz. */
  readonly clockRate: number;
  /** Retransmission stream (RFC 4588), when negotiated. */
  readonly rtx: { readonly ssrc: number; readonly payloadType: number } | null;
  readonly cname: string;
  /** Go out with every packet. */
  readonly extensions?: readonly HeaderExtension[];
}

interface SentPacket {
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payload: Uint8Array;
  resentAt: number;
}

/** What a viewer reports about a track. */
export interface TrackStats {
  packetsSent: number;
  octetsSent: number;
  packetsResent: number;
  /** Share lost of the last report, 0–1. */
  fractionLost: number;
  packetsLost: number;
  /** Seconds; 0 until measured. */
  roundTrip: number;
  keyFrameRequests: number;
}

/** One track to one viewer: own sequence numbers, sender reports, retransmission. Payloads may be shared. */
export class OutboundTrack {
  readonly stats: TrackStats = {
    packetsSent: 0,
    octetsSent: 0,
    packetsResent: 0,
    fractionLost: 0,
    packetsLost: 0,
    roundTrip: 0,
    keyFrameRequests: 0,
  };
  /** The viewer cannot decode until it gets a key frame. */
  readonly keyFrameRequested: Emitter<void> = new Emitter();
  readonly #parameters: TrackParameters;
  readonly #sender: PacketSender;
  readonly #clock: Clock;
  readonly #extensionBlock: Uint8Array;
  #timestampBase = randomUint32();
  readonly #history: (SentPacket | undefined)[] = new Array(HISTORY);
  readonly #sentReports = new Map<number, number>();
  #sequenceNumber = randomUint32() & 0x7fff;
  #rtxSequenceNumber = randomUint32() & 0x7fff;
  #mediaClock: MediaClock | undefined;
  #timer: Timer | undefined;
  #lastFir = -1;

  constructor(options: { parameters: TrackParameters; sender: PacketSender; clock: Clock }) {
    this.#parameters = options.parameters;
    this.#sender = options.sender;
    this.#clock = options.clock;
    this.#extensionBlock = headerExtensionBlock(options.parameters.extensions ?? []);
  }

  /** Begins to report the relation of this media clock to the wall clock. */
  start(mediaClock: MediaClock): void {
    this.#mediaClock = mediaClock;
    this.#scheduleReport(FIRST_REPORT);
  }

  /** Sends the payloads of one frame; the last one is marked on video. */
  send(payloads: readonly Uint8Array[], mediaTime: number): void {
    const { kind, ssrc, payloadType } = this.#parameters;
    const timestamp = this.timestampOf(mediaTime);
    const last = payloads.length - 1;
    for (const [index, payload] of payloads.entries()) {
      const sequenceNumber = this.#sequenceNumber;
      this.#sequenceNumber = (sequenceNumber + 1) & 0xffff;
      const marker = kind === "video" && index === last;
      this.#history[sequenceNumber % HISTORY] = { sequenceNumber, timestamp, marker, payload, resentAt: -1 };
      this.#sender.sendRtp({ marker, payloadType, sequenceNumber, timestamp, ssrc }, payload, this.#extensionBlock);
      this.stats.packetsSent++;
      this.stats.octetsSent += payload.length;
    }
  }

  /** The RTP timestamp of a moment on the media timeline. */
  timestampOf(mediaTime: number): number {
    return (this.#timestampBase + Math.round(mediaTime * this.#parameters.clockRate)) >>> 0;
  }

  /** Leaves out that many seconds of RTP time: the media clock stood still while the viewer's went on. */
  skip(seconds: number): void {
    this.#timestampBase = (this.#timestampBase + Math.round(seconds * this.#parameters.clockRate)) >>> 0;
  }

  /** Takes what the viewer says; ignores what is about other tracks. */
  receive(reading: RtcpReading): void {
    const { ssrc } = this.#parameters;
    switch (reading.kind) {
      case "nack":
        if (reading.mediaSsrc === ssrc) { for (const lost of reading.lost) this.#resend(lost); }
        break;
      case "pli":
        if (reading.mediaSsrc === ssrc) this.#requestKeyFrame();
        break;
      case "fir":
        if (reading.mediaSsrc === ssrc && reading.sequence !== this.#lastFir) {
          this.#lastFir = reading.sequence;
          this.#requestKeyFrame();
        }
        break;
      case "report":
        if (reading.block.ssrc === ssrc) this.#receiveReport(reading.block);
        break;
      case "remb":
      case "sender_report":
      case "bye":
        break;
    }
  }

  /** Stops the reports. */
  close(): void {
    this.#timer?.cancel();
    this.keyFrameRequested.clear();
  }

  #requestKeyFrame(): void {
    this.stats.keyFrameRequests++;
    this.keyFrameRequested.emit();
  }

  /** Sends a lost packet again, wrapped for the retransmission stream (RFC 4588, section 4). */
  #resend(sequenceNumber: number): void {
    const { rtx } = this.#parameters;
    const packet = this.#history[sequenceNumber % HISTORY];
    if (rtx === null || packet === undefined || packet.sequenceNumber !== sequenceNumber) return;
    const now = this.#clock.now();
    if (now - packet.resentAt < RESEND_INTERVAL) return;
    packet.resentAt = now;
    const payload = new Uint8Array(2 + packet.payload.length);
    payload[0] = sequenceNumber >> 8;
    payload[1] = sequenceNumber & 0xff;
    payload.set(packet.payload, 2);
    const { marker, timestamp } = packet;
    this.#sender.sendRtp(
      { marker, timestamp, payloadType: rtx.payloadType, ssrc: rtx.ssrc, sequenceNumber: this.#rtxSequenceNumber },
      payload,
      this.#extensionBlock,
    );
    this.#rtxSequenceNumber = (this.#rtxSequenceNumber + 1) & 0xffff;
    this.stats.packetsResent++;
  }

  #receiveReport(block: ReportBlock): void {
    this.stats.fractionLost = block.fractionLost;
    this.stats.packetsLost = block.packetsLost;
    const sentAt = this.#sentReports.get(block.lastReport);
    if (sentAt === undefined) return;
    this.stats.roundTrip = Math.max(0, this.#clock.now() - sentAt - block.delaySinceLastReport);
  }

  #scheduleReport(seconds: number): void {
    this.#timer = this.#clock.schedule(seconds, () => {
      this.#report();
      this.#scheduleReport(REPORT_INTERVAL);
    });
  }

  #report(): void {
    const mediaNow = this.#mediaClock?.mediaNow() ?? Number.NEGATIVE_INFINITY;
    if (!Number.isFinite(mediaNow)) return;
    const unixTime = this.#clock.unixTime();
    this.#sentReports.set(compactNtp(unixTime), this.#clock.now());
    const oldest = this.#sentReports.keys().next();
    if (this.#sentReports.size > 16 && oldest.done === false) this.#sentReports.delete(oldest.value);
    this.#sender.sendRtcp(writeSenderReport({
      ssrc: this.#parameters.ssrc,
      unixTime,
      rtpTimestamp: this.timestampOf(mediaNow),
      packetCount: this.stats.packetsSent,
      octetCount: this.stats.octetsSent,
      cname: this.#parameters.cname,
    }));
  }
}

function randomUint32(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}
