import { type Clock, Emitter, type Timer } from "../async/mod.ts";
import type { MediaClock } from "../media/mod.ts";
import {
  compactNtp,
  type HeaderExtension,
  headerExtensionBlock,
  type ReportBlock,
  type RtcpReading,
  type RtpHeaderFields,
  writeSenderReport,
} from "../rtp/mod.ts";
import type { OutgoingPacket, SendPath } from "./send_path.ts";

/** Seconds for which packets are kept for retransmission, at least. */
const REPAIR_TIME = 0.5;
/** Packets kept in any case: over half a second of pictures that come encoded at more than the bitrate, and of small ones. */
const LEAST_HISTORY = 1024;
/** Bytes that a packet has on average, if not fewer: the last one of each picture is small. */
const MEAN_PAYLOAD = 1000;
/** A packet is sent again at most once in this many seconds, however often it is asked for. */
const RESEND_INTERVAL = 0.02;
/** Where the data of an extension block's first element begin. */
const FIRST_ELEMENT = 5;
/** Seconds between the two when a repair goes out twice. */
const TWICE_AFTER = 0.01;
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
  /** Highest rate of the track in bit/s, when it is known: what is kept for retransmission is measured by it. */
  readonly maxBitrate?: number | undefined;
  /** The header extension that is written anew for each packet, for the congestion feedback. */
  readonly stamp?: HeaderExtension | undefined;
  /** Id of the header extension that tells the viewer how long to hold pictures back, when negotiated. */
  readonly playoutDelayId?: number | undefined;
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
  readonly #path: Pick<SendPath, "send" | "sendRtcp" | "losesAtRandom">;
  readonly #clock: Clock;
  readonly #extensions: Uint8Array;
  readonly #stampAt: number;
  #delayAt = -1;
  #timestampBase = randomUint32();
  readonly #history: (SentPacket | undefined)[];
  readonly #sentReports = new Map<number, number>();
  #sequenceNumber = randomUint32() & 0x7fff;
  #rtxSequenceNumber = randomUint32() & 0x7fff;
  #mediaClock: MediaClock | undefined;
  #timer: Timer | undefined;
  #lastFir = -1;
  #isClosed = false;
  /** Whether pictures were dropped that the next ones build on. */
  #awaitsKey = false;

  constructor(
    options: {
      parameters: TrackParameters;
      path: Pick<SendPath, "send" | "sendRtcp" | "losesAtRandom">;
      clock: Clock;
    },
  ) {
    this.#parameters = options.parameters;
    this.#path = options.path;
    this.#clock = options.clock;
    const { stamp, playoutDelayId, maxBitrate = 0 } = options.parameters;
    this.#history = new Array(historyFor(maxBitrate));
    const delay = playoutDelayId === undefined ? [] : [{ id: playoutDelayId, data: new Uint8Array(3) }];
    this.#extensions = headerExtensionBlock(stamp === undefined ? delay : [stamp, ...delay]);
    this.#stampAt = stamp === undefined ? -1 : FIRST_ELEMENT;
    if (delay.length > 0) this.#delayAt = stamp === undefined ? FIRST_ELEMENT : FIRST_ELEMENT + stamp.data.length + 1;
  }

  /** Names the track in RTP and RTCP. */
  get ssrc(): number {
    return this.#parameters.ssrc;
  }

  /** Begins to report the relation of this media clock to the wall clock. */
  start(mediaClock: MediaClock): void {
    this.#mediaClock = mediaClock;
    this.#scheduleReport(FIRST_REPORT);
  }

  /** Sends the payloads of one frame; the last one is marked on video. */
  send(payloads: readonly Uint8Array[], { mediaTime, key }: { mediaTime: number; key: boolean }): void {
    const { kind } = this.#parameters;
    if (kind === "video" && !this.#mayFollow(key)) return;
    const timestamp = this.timestampOf(mediaTime);
    const last = payloads.length - 1;
    for (const [index, payload] of payloads.entries()) {
      const marker = kind === "video" && index === last;
      const header = () => this.#nextHeader({ marker, timestamp, payload });
      this.#send({ header, payload }, { urgency: kind === "audio" ? "now" : "queued" });
    }
  }

  /** Whether a picture can be shown behind those before it, which is not so when some of them were dropped. */
  #mayFollow(key: boolean): boolean {
    if (key) this.#awaitsKey = false;
    return !this.#awaitsKey;
  }

  #nextHeader(
    { marker, timestamp, payload }: { marker: boolean; timestamp: number; payload: Uint8Array },
  ): RtpHeaderFields {
    const { ssrc, payloadType } = this.#parameters;
    const sequenceNumber = this.#sequenceNumber;
    this.#sequenceNumber = (sequenceNumber + 1) & 0xffff;
    this.#history[sequenceNumber % this.#history.length] = { sequenceNumber, timestamp, marker, payload, resentAt: -1 };
    this.stats.packetsSent++;
    this.stats.octetsSent += payload.length;
    return { marker, payloadType, sequenceNumber, timestamp, ssrc };
  }

  /** Sends the last packets once more: the viewer throws them away, but says when they came. */
  probe({ id, packets }: { id: number; packets: number }): void {
    const newest = (this.#sequenceNumber - 1) & 0xffff;
    for (let back = packets - 1; back >= 0; back--) {
      const packet = this.#history[((newest - back) & 0xffff) % this.#history.length];
      if (packet !== undefined) this.#repeat(packet, { urgency: "queued", probe: id });
    }
  }

  /** The RTP timestamp of a moment on the media timeline. */
  timestampOf(mediaTime: number): number {
    return (this.#timestampBase + Math.round(mediaTime * this.#parameters.clockRate)) >>> 0;
  }

  /**
   * Asks the viewer to hold every picture back, from the next packet on.
   *
   * @param minimum at least so many seconds
   * @param maximum at most so many seconds, up to 40.95
   */
  setPlayoutDelay({ minimum, maximum }: { minimum: number; maximum: number }): void {
    const at = this.#delayAt;
    if (at < 0) return;
    // 12 bits each, in hundredths of a second.
    const [low, high] = [Math.round(minimum * 100) & 0xfff, Math.round(maximum * 100) & 0xfff];
    this.#extensions[at] = low >> 4;
    this.#extensions[at + 1] = (low & 0xf) << 4 | high >> 8;
    this.#extensions[at + 2] = high;
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
      case "transport_feedback":
      case "sender_report":
      case "bye":
        break;
    }
  }

  /** Stops the reports. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.keyFrameRequested.clear();
  }

  #send(
    { header, payload }: Pick<OutgoingPacket, "header" | "payload">,
    { urgency, probe }: { urgency: "now" | "next" | "queued"; probe?: number },
  ): boolean {
    return this.#path.send({ header, payload, extensions: this.#extensions, stampAt: this.#stampAt, probe }, {
      urgency,
    });
  }

  /** Pictures on their way out were dropped: the next one that is sent is a key frame. */
  beginAnew(): void {
    this.#awaitsKey = true;
    // What comes before the key frame is of no use to the viewer any more.
    this.#history.fill(undefined);
    this.#requestKeyFrame();
  }

  #requestKeyFrame(): void {
    this.stats.keyFrameRequests++;
    this.keyFrameRequested.emit();
  }

  #resend(sequenceNumber: number): void {
    const packet = this.#history[sequenceNumber % this.#history.length];
    if (packet === undefined || packet.sequenceNumber !== sequenceNumber) return;
    const now = this.#clock.now();
    if (now - packet.resentAt < Math.max(RESEND_INTERVAL, this.stats.roundTrip / 2)) return;
    if (!this.#repeat(packet, { urgency: "next" })) return;
    packet.resentAt = now;
    this.stats.packetsResent++;
    // A repair that gets lost as well costs another round trip.
    if (this.#path.losesAtRandom) {
      this.#clock.schedule(TWICE_AFTER, () => this.#isClosed || this.#repeat(packet, { urgency: "next" }));
    }
  }

  /** Sends a packet again, wrapped for the retransmission stream (RFC 4588, section 4). */
  #repeat(packet: SentPacket, how: { urgency: "next" | "queued"; probe?: number }): boolean {
    const { rtx } = this.#parameters;
    if (rtx === null) return false;
    const { sequenceNumber: original, marker, timestamp } = packet;
    const payload = new Uint8Array(2 + packet.payload.length);
    payload[0] = original >> 8;
    payload[1] = original & 0xff;
    payload.set(packet.payload, 2);
    const { payloadType, ssrc } = rtx;
    const header = () => {
      const sequenceNumber = this.#rtxSequenceNumber;
      this.#rtxSequenceNumber = (sequenceNumber + 1) & 0xffff;
      return { marker, timestamp, payloadType, ssrc, sequenceNumber };
    };
    return this.#send({ header, payload }, how);
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
    this.#path.sendRtcp(writeSenderReport({
      ssrc: this.#parameters.ssrc,
      unixTime,
      rtpTimestamp: this.timestampOf(mediaNow),
      packetCount: this.stats.packetsSent,
      octetCount: this.stats.octetsSent,
      cname: this.#parameters.cname,
    }));
  }
}

/**
 * Packets to keep: a power of two, so that places stay apart when the sequence number wraps. At 50 Mbit/s, the most that can
 * be set, half a second is 3125 packets, and 4096 of them hold some 5 MB; up to 16 Mbit/s it stays at 1024 and 1.2 MB.
 */
function historyFor(maxBitrate: number): number {
  const packets = Math.max(LEAST_HISTORY, maxBitrate / 8 / MEAN_PAYLOAD * REPAIR_TIME);
  return 2 ** Math.ceil(Math.log2(packets));
}

function randomUint32(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}
