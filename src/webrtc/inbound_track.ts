import { type Clock, Emitter, type Timer } from "../async/mod.ts";
import type { ReceivedAudio, ReceivedFrame, VideoCodec } from "../media/mod.ts";
import {
  type AssembledFrame,
  depacketizeH264,
  depacketizeVp8,
  FrameAssembler,
  type MediaPacket,
  Reception,
  type RtcpReading,
  writeNack,
  writePli,
  writeReceiverReport,
  writeRemb,
} from "../rtp/mod.ts";
import { AudioReorder } from "./audio_reorder.ts";
import type { PacketSender } from "./packet_sender.ts";
import type { CongestionFeedback } from "./send_path.ts";

const POLL_INTERVAL = 0.01;
const REPORT_INTERVAL = 1;
const REMB_INTERVAL = 0.5;
/** A key frame is asked for at most once in this many seconds. */
const KEY_FRAME_INTERVAL = 0.5;
/** Seconds in which a stream that has begun brings a key frame by itself. */
const FIRST_KEY_FRAME = 0.25;
/** Seconds without a packet after which a camera counts as switched off; it is not asked for anything then. */
const PAUSE = 1;
const VIDEO_CLOCK_RATE = 90_000;
const AUDIO_CLOCK_RATE = 48_000;
/** Share lost above which less is allowed, and below which more. */
const HEAVY_LOSS = 0.1;
const LIGHT_LOSS = 0.02;
/** Least that a viewer's camera is allowed, in bit/s. */
const MIN_BITRATE = 150_000;

/** A packet that has been decrypted, with the stream it belongs to. */
export interface InboundPacket extends MediaPacket {
  readonly ssrc: number;
  readonly payloadType: number;
}

/** What a track is received with. */
interface InboundOptions {
  readonly sender: PacketSender;
  readonly clock: Clock;
  /** SSRC that our reports come from. */
  readonly ownSsrc: number;
}

/** Options of a picture track. */
export interface InboundVideoOptions extends InboundOptions {
  readonly codec: VideoCodec;
  readonly payloadType: number;
  /** Payload type of retransmissions (RFC 4588), when negotiated. */
  readonly rtxPayloadType: number | undefined;
  /** Most that the viewer may send, in bit/s. */
  readonly maxBitrate: number;
  /** How the viewer learns what its network carries; with `goog-remb` we tell it, by the loss. */
  readonly feedback: CongestionFeedback;
}

/** Counters of a received track. */
export interface InboundStats {
  packets: number;
  octets: number;
  frames: number;
  packetsLost: number;
  repairsAsked: number;
  keyFramesAsked: number;
}

function noStats(): InboundStats {
  return { packets: 0, octets: 0, frames: 0, packetsLost: 0, repairsAsked: 0, keyFramesAsked: 0 };
}

/** The viewer's camera: whole pictures from packets, repair of loss, reports. */
export class InboundVideo {
  /** A whole picture, in decoding order. */
  readonly frame: Emitter<ReceivedFrame> = new Emitter();
  readonly stats: InboundStats = noStats();
  readonly #options: InboundVideoOptions;
  readonly #assembler: FrameAssembler;
  #reception: Reception | undefined;
  #ssrc: number | undefined;
  #timers: Timer[] = [];
  #closed = false;
  #heardAt = Number.NEGATIVE_INFINITY;
  #keyAskedAt = Number.NEGATIVE_INFINITY;
  #allowed: number;

  constructor(options: InboundVideoOptions) {
    this.#options = options;
    this.#allowed = options.maxBitrate;
    this.#assembler = new FrameAssembler(options.codec === "H264" ? depacketizeH264 : depacketizeVp8);
  }

  /** Takes a packet; false when it is of another track. */
  receive(packet: InboundPacket): boolean {
    const { payloadType, rtxPayloadType, clock } = this.#options;
    const now = clock.now();
    if (packet.payloadType === payloadType) {
      if (this.#closed) return true;
      if (packet.ssrc !== this.#ssrc) this.#begin(packet.ssrc);
      this.#heardAt = now;
      this.stats.packets++;
      this.stats.octets += packet.payload.length;
      this.#reception?.received(packet, now);
      this.#emit(this.#assembler.add(packet, now));
      return true;
    }
    if (packet.payloadType !== rtxPayloadType) return false;
    const original = unwrapped(packet);
    if (original !== null && !this.#closed) this.#emit(this.#assembler.repair(original));
    return true;
  }

  /** Takes what the viewer reports about its own streams. */
  receiveReport(reading: RtcpReading): void {
    if (reading.kind !== "sender_report" || reading.ssrc !== this.#ssrc) return;
    this.#reception?.senderReport(reading.compactNtp, this.#options.clock.now());
  }

  /** A picture did not decode: nothing is given out before the next key frame, which is asked for. */
  requestKeyFrame(): void {
    this.#assembler.demandKeyFrame();
    this.#askForKeyFrame();
  }

  /** Stops. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    this.frame.clear();
  }

  /** The stream begins, or a new one in its place. */
  #begin(ssrc: number): void {
    const isFirst = this.#ssrc === undefined;
    this.#ssrc = ssrc;
    this.#reception = new Reception({ ssrc, clockRate: VIDEO_CLOCK_RATE });
    this.#assembler.restart();
    this.#keyAskedAt = this.#options.clock.now() - KEY_FRAME_INTERVAL + FIRST_KEY_FRAME;
    if (!isFirst) return;
    this.#every(POLL_INTERVAL, () => this.#poll());
    this.#every(REPORT_INTERVAL, () => this.#report());
    this.#every(REMB_INTERVAL, () => this.#limit());
    this.#limit();
  }

  #every(seconds: number, act: () => void): void {
    const place = this.#timers.length;
    const arm = () => {
      this.#timers[place] = this.#options.clock.schedule(seconds, () => {
        act();
        if (!this.#closed) arm();
      });
    };
    arm();
  }

  #poll(): void {
    const { ask, frames } = this.#assembler.poll(this.#options.clock.now());
    this.#emit(frames);
    if (ask.length > 0 && this.#ssrc !== undefined) {
      this.stats.repairsAsked += ask.length;
      this.#options.sender.sendRtcp(writeNack({ from: this.#options.ownSsrc, about: this.#ssrc }, ask));
    }
    if (this.#assembler.needsKeyFrame) this.#askForKeyFrame();
  }

  #askForKeyFrame(): void {
    const { clock, sender, ownSsrc } = this.#options;
    const now = clock.now();
    if (this.#closed || this.#ssrc === undefined || now - this.#heardAt > PAUSE) return;
    if (now - this.#keyAskedAt < KEY_FRAME_INTERVAL) return;
    this.#keyAskedAt = now;
    this.stats.keyFramesAsked++;
    sender.sendRtcp(writePli({ from: ownSsrc, about: this.#ssrc }));
  }

  #report(): void {
    const { clock, sender, ownSsrc, feedback } = this.#options;
    const report = this.#reception?.report(clock.now());
    if (report === null || report === undefined) return;
    this.stats.packetsLost = report.packetsLost;
    if (feedback === "goog-remb") this.#adapt(report.fractionLost);
    sender.sendRtcp(writeReceiverReport(ownSsrc, [report]));
  }

  /** Fits what is allowed to the loss. */
  #adapt(fractionLost: number): void {
    if (fractionLost > HEAVY_LOSS) this.#allowed = Math.max(MIN_BITRATE, this.#allowed * (1 - fractionLost / 2));
    else if (fractionLost < LIGHT_LOSS) this.#allowed = Math.min(this.#options.maxBitrate, this.#allowed * 1.08);
  }

  #limit(): void {
    if (this.#ssrc === undefined) return;
    const { sender, ownSsrc } = this.#options;
    sender.sendRtcp(writeRemb({ from: ownSsrc, about: this.#ssrc }, this.#allowed));
  }

  #emit(frames: readonly AssembledFrame[]): void {
    const { codec, clock } = this.#options;
    for (const { data, key } of frames) {
      this.stats.frames++;
      this.frame.emit({ codec, data, key, receivedAt: clock.unixTime() });
    }
  }
}

/** The viewer's microphone: Opus packets in their order, with a gap for each that is lost. */
export class InboundAudio {
  /** A packet, or a gap. */
  readonly packet: Emitter<ReceivedAudio> = new Emitter();
  readonly stats: InboundStats = noStats();
  readonly #options: InboundOptions & { readonly payloadTypes: ReadonlySet<number> };
  readonly #reorder = new AudioReorder();
  #reception: Reception | undefined;
  #ssrc: number | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: InboundOptions & { readonly payloadTypes: ReadonlySet<number> }) {
    this.#options = options;
  }

  /** Takes a packet; false when it is of another track. */
  receive(packet: InboundPacket): boolean {
    if (!this.#options.payloadTypes.has(packet.payloadType)) return false;
    if (this.#closed) return true;
    const { clock } = this.#options;
    if (packet.ssrc !== this.#ssrc) this.#begin(packet.ssrc);
    this.stats.packets++;
    this.stats.octets += packet.payload.length;
    this.#reception?.received(packet, clock.now());
    const receivedAt = clock.unixTime();
    for (const data of this.#reorder.add(packet)) this.packet.emit({ data, receivedAt });
    return true;
  }

  /** Takes what the viewer reports about its own streams. */
  receiveReport(reading: RtcpReading): void {
    if (reading.kind !== "sender_report" || reading.ssrc !== this.#ssrc) return;
    this.#reception?.senderReport(reading.compactNtp, this.#options.clock.now());
  }

  /** Stops. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.packet.clear();
  }

  #begin(ssrc: number): void {
    const isFirst = this.#ssrc === undefined;
    this.#ssrc = ssrc;
    this.#reception = new Reception({ ssrc, clockRate: AUDIO_CLOCK_RATE });
    this.#reorder.reset();
    if (isFirst) this.#report();
  }

  #report(): void {
    const { clock, sender, ownSsrc } = this.#options;
    this.#timer = clock.schedule(REPORT_INTERVAL, () => {
      const report = this.#reception?.report(clock.now());
      if (report !== null && report !== undefined) {
        this.stats.packetsLost = report.packetsLost;
        sender.sendRtcp(writeReceiverReport(ownSsrc, [report]));
      }
      this.#report();
    });
  }
}

/** A retransmission carries the original sequence number in front (RFC 4588, section 4); null for one that only probes. */
function unwrapped(packet: InboundPacket): MediaPacket | null {
  const { payload, timestamp, marker } = packet;
  if (payload.length < 2) return null;
  const sequenceNumber = ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
  return { sequenceNumber, timestamp, marker, payload: payload.subarray(2) };
}
