import { type Clock, Emitter, type Timer } from "../async/mod.ts";
import type { RtcpReading, RtpHeaderFields } from "../rtp/mod.ts";
import { BandwidthEstimator } from "./bandwidth_estimator.ts";
import type { PacketSender } from "./packet_sender.ts";
import { RtpPacer } from "./rtp_pacer.ts";

/** How a viewer says what its network carries; the names are those of the SDP. */
export type CongestionFeedback = "transport-cc" | "goog-remb";

/** Header extensions by the feedback that needs them. */
export const FEEDBACK_EXTENSION: Readonly<Record<CongestionFeedback, string>> = {
  "transport-cc": "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
  "goog-remb": "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
};

/** Bytes of the extension's element. */
export const FEEDBACK_EXTENSION_BYTES: Readonly<Record<CongestionFeedback, number>> = {
  "transport-cc": 2,
  "goog-remb": 3,
};

/** UDP, IPv4 and SRTP's tag around a packet. */
const OVERHEAD_BYTES = 44;
/** Share of the estimate that pictures get: the rest is for sound, headers and retransmissions. */
const PICTURE_SHARE = 0.92;
/** bit/s that are set aside for sound. */
const SOUND_BITRATE = 64_000;
/** Seconds between looks at the estimate beside those after feedback. */
const REVIEW_INTERVAL = 0.5;
/** Seconds without transport-wide feedback after which reports count. */
const FEEDBACK_SILENCE = 3;
/** Change of the target that is worth telling. */
const NOTEWORTHY = 0.03;
/** Seconds that packets may wait before pictures are left out, before they are encoded. */
const LONG_BACKLOG = 0.15;
/** Seconds from which on what waits is dropped, and the picture begins anew with a key frame. */
const LONGEST_BACKLOG = 0.4;

/** Share of packets lost, and seconds of queue up to which that is not because of the queue. */
const RANDOM_LOSS = 0.02;
const SHORT_QUEUE = 0.04;

/** Seconds of queue on the way from which on no packet leaves early, and from which on no picture is made. */
const LONG_QUEUE = 0.1;
const LONGEST_QUEUE = 0.15;
/**
 * Drop of the target at once that means a network that has become narrow, the queue that goes with it, and the seconds that
 * it is long at least by now: what is measured is as old as the queue is long.
 */
const STEEP = { share: 0.6, queue: 0.05, drain: 0.2 };
/** Seconds over which a target that falls in several steps has become that much lower at once. */
const PEAK_TIME = 1;
/** Queue in seconds at which pictures are made again, and what it may take longer to drain than it was measured. */
const DRAINED = 0.06;
const DRAIN_MARGIN = 0.1;
/** Seconds after an overrun for which pictures get only a share of what arrives, so that the queue on the way drains. */
const RECOVERY = 1;
const RECOVERY_SHARE = 0.5;

/** What a path is made with. */
export interface SendPathOptions {
  readonly sender: PacketSender;
  readonly feedback: CongestionFeedback | null;
  /** Limits of the picture's bitrate, in bit/s. */
  readonly bitrate: { readonly minimum: number; readonly maximum: number };
  readonly clock: Clock;
}

/** An RTP packet on its way out. */
export interface OutgoingPacket {
  /** Makes its header when it leaves: what is dropped while it waits leaves no gap. */
  readonly header: () => RtpHeaderFields;
  readonly payload: Uint8Array;
  /** Extension block of the track; what changes from packet to packet is written into it. */
  readonly extensions: Uint8Array;
  /** Where in the block the congestion feedback's element is; -1: nowhere. */
  readonly stampAt: number;
  /** The probe that it belongs to, when it only tries out what the network carries. */
  readonly probe?: number | undefined;
}

/** What a viewer's network carries now. */
export interface PathState {
  /** bit/s that pictures should have. */
  readonly bitrate: number;
  /** Whether pictures should be made; if not, so much waits that they would only be lost. */
  readonly admitsPictures: boolean;
}

/** The way of all packets to one viewer: paced, numbered, and measured by what the viewer says of their arrival. */
export class SendPath {
  /** What the network carries has changed. */
  readonly changed: Emitter<PathState> = new Emitter();
  /**
   * The network became narrow at once, and what was too much for it was dropped. Now there is room again: pictures begin
   * anew with a key frame.
   */
  readonly overrun: Emitter<void> = new Emitter();
  /** Packets are wanted that may get lost, to find out whether the network carries more. */
  readonly probeWanted: Emitter<{ id: number; packets: number }> = new Emitter();
  readonly #options: SendPathOptions;
  readonly #pacer: RtpPacer;
  readonly #estimator: BandwidthEstimator;
  #sequence = 0;
  #state: PathState;
  #timer: Timer | undefined;
  #overrunAt = Number.NEGATIVE_INFINITY;
  #drainUntil = Number.NEGATIVE_INFINITY;
  #targetBefore = 0;
  /** The highest target of late. */
  #peak = { target: 0, at: Number.NEGATIVE_INFINITY };
  /** Whether packets were dropped, or not repaired, that later pictures build on. */
  #hasGap = false;
  /** When transport-wide feedback came last. */
  #lastFeedback = Number.NEGATIVE_INFINITY;

  constructor(options: SendPathOptions) {
    this.#options = options;
    const { clock, bitrate: { minimum, maximum } } = options;
    const reserve = (pictures: number) => pictures / PICTURE_SHARE + SOUND_BITRATE;
    this.#estimator = new BandwidthEstimator({
      minimum: reserve(minimum),
      maximum: reserve(maximum),
      initial: reserve(maximum),
    });
    this.#pacer = new RtpPacer({ clock, bitrate: reserve(maximum) });
    this.#state = { bitrate: maximum, admitsPictures: true };
    this.#arm();
  }

  get state(): PathState {
    return this.#state;
  }

  /** Figures for the status: bit/s, seconds, share. */
  get stats() {
    const { target, queueDelay, lossRate, ackedRate } = this.#estimator;
    return { target, queueDelay, lossRate, ackedRate, backlog: this.#pacer.backlog };
  }

  /** Sends a packet in its turn; false when it is left out, as a retransmission is when too many wait. */
  send(packet: OutgoingPacket, { urgency }: { urgency: "now" | "next" | "queued" }): boolean {
    const bytes = packet.payload.length + packet.extensions.length + OVERHEAD_BYTES;
    // What is repaired while a queue drains keeps it standing: behind it the picture begins anew.
    if (urgency === "next" && this.#isDraining) {
      this.#hasGap = true;
      return false;
    }
    return this.#pacer.push({ bytes, send: () => this.#transmit(packet) }, { urgency });
  }

  /** Whether packets get lost although there is room: on such a way a repair may go out twice. */
  get losesAtRandom(): boolean {
    const { lossRate, queueDelay } = this.#estimator;
    return lossRate > RANDOM_LOSS && queueDelay < SHORT_QUEUE && this.#pacer.backlog < SHORT_QUEUE;
  }

  /** Sends one compound RTCP packet at once. */
  sendRtcp(compound: Uint8Array): void {
    this.#options.sender.sendRtcp(compound);
  }

  /** Takes what the viewer says. */
  receive(reading: RtcpReading): void {
    const now = this.#options.clock.now();
    if (reading.kind === "transport_feedback") {
      this.#lastFeedback = now;
      this.#estimator.feedback(reading, now);
    } else if (reading.kind === "remb") this.#estimator.remb(reading.bitrate);
    else return;
    this.#review();
  }

  /**
   * Takes a report about the picture track; it counts while there is no better feedback. Browsers send one with every NACK,
   * too.
   */
  report(report: { fractionLost: number; roundTrip: number }): void {
    if (this.#options.clock.now() - this.#lastFeedback < FEEDBACK_SILENCE) return;
    this.#estimator.report(report);
    this.#review();
  }

  close(): void {
    this.#timer?.cancel();
    this.#pacer.close();
    this.changed.clear();
    this.overrun.clear();
    this.probeWanted.clear();
  }

  #transmit({ header, payload, extensions, stampAt, probe }: OutgoingPacket): void {
    const { sender, feedback, clock } = this.#options;
    const at = clock.now();
    const sequence = this.#sequence;
    if (stampAt >= 0 && feedback === "transport-cc") {
      this.#sequence = (sequence + 1) & 0xffff;
      extensions[stampAt] = sequence >> 8;
      extensions[stampAt + 1] = sequence & 0xff;
    } else if (stampAt >= 0) {
      // Seconds modulo 64, as 6.18 fixed point.
      const time = Math.floor((at % 64) * 0x40000);
      extensions[stampAt] = time >> 16;
      extensions[stampAt + 1] = time >> 8;
      extensions[stampAt + 2] = time;
    }
    const bytes = sender.sendRtp(header(), payload, extensions);
    if (stampAt >= 0 && feedback === "transport-cc") {
      this.#estimator.sent({ sequence, at, bytes: bytes + 28, ...(probe === undefined ? {} : { probe }) });
    }
  }

  #arm(): void {
    this.#timer = this.#options.clock.schedule(REVIEW_INTERVAL, () => {
      this.#review();
      this.#arm();
    });
  }

  #review(): void {
    const { target, queueDelay, lateAckedRate } = this.#estimator;
    const { clock, bitrate: { minimum, maximum } } = this.#options;
    this.#pacer.setBitrate(target, { isQueueing: queueDelay > LONG_QUEUE });
    if (this.#pacer.backlog > LONGEST_BACKLOG) {
      this.#pacer.flush();
      this.#hasGap = true;
    }
    const admitsPictures = this.#admitsPictures();
    if (this.#hasGap && admitsPictures) {
      this.#hasGap = false;
      this.#overrunAt = clock.now();
      this.overrun.emit();
    }
    const isRecovering = clock.now() - this.#overrunAt < RECOVERY;
    const carried = isRecovering ? Math.min(target, lateAckedRate) * RECOVERY_SHARE : target;
    const bitrate = Math.min(Math.max((carried - SOUND_BITRATE) * PICTURE_SHARE, minimum), maximum);
    const before = this.#state;
    const isNoteworthy = Math.abs(bitrate - before.bitrate) > before.bitrate * NOTEWORTHY ||
      bitrate !== before.bitrate && (bitrate === maximum || bitrate === minimum);
    if (isNoteworthy || admitsPictures !== before.admitsPictures) {
      this.#state = { bitrate: isNoteworthy ? bitrate : before.bitrate, admitsPictures };
      this.changed.emit(this.#state);
    }
    this.#probe();
  }

  /** No picture is made while the queue on the way drains: it would only be lost, and all behind it with it. */
  #admitsPictures(): boolean {
    const now = this.#options.clock.now();
    const { target, queueDelay } = this.#estimator;
    const isSteep = target < this.#targetBefore * STEEP.share && queueDelay > STEEP.queue;
    this.#targetBefore = target;
    if (target > this.#peak.target || now - this.#peak.at > PEAK_TIME) this.#peak = { target, at: now };
    // What is measured is a queue's length old, so once is enough until the first packets behind it were heard of.
    const isNews = now > this.#drainUntil + queueDelay + DRAIN_MARGIN;
    if (isNews && (isSteep || queueDelay > LONGEST_QUEUE)) {
      const queue = isSteep ? Math.max(queueDelay, STEEP.drain) : queueDelay;
      this.#drainUntil = now + queue + DRAIN_MARGIN;
      // Much more was sent than came through. To repair it all would take longer than to begin anew.
      if (target < this.#peak.target * STEEP.share) this.#hasGap = true;
      this.#peak = { target, at: now };
    }
    if (queueDelay < DRAINED) this.#drainUntil = Math.min(this.#drainUntil, now);
    return !this.#isDraining && this.#pacer.backlog <= LONG_BACKLOG;
  }

  get #isDraining(): boolean {
    return this.#options.clock.now() < this.#drainUntil;
  }

  /** Asks for more packets than there are: the pacer lets them out at twice the target, which is what is to be tried. */
  #probe(): void {
    const probe = this.#estimator.probe(this.#options.clock.now());
    if (probe !== null) this.probeWanted.emit(probe);
  }
}
