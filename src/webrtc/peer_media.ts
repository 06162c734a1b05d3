import type { RTCDtlsTransport, RTCRtpTransceiver } from "werift";
import type { Clock } from "../async/mod.ts";
import { readRtcp } from "../rtp/mod.ts";
import { ArrivalReport, type ArrivalReportOptions } from "./arrival_report.ts";
import { InboundAudio, InboundVideo } from "./inbound_track.ts";
import { PLAYOUT_DELAY } from "./negotiable.ts";
import { OutboundTrack } from "./outbound_track.ts";
import { PacketSender } from "./packet_sender.ts";
import { PlayoutDelay } from "./playout_delay.ts";
import { type ChosenCodec, type Offer, offersToSend, opusPayloadTypes, rtxPayloadType } from "./sdp_offer.ts";
import { type CongestionFeedback, FEEDBACK_EXTENSION, FEEDBACK_EXTENSION_BYTES, SendPath } from "./send_path.ts";

/** Seconds that pictures may be held back at most where smoothness counts: what browsers do by themselves. */
const LONGEST_PLAYOUT_DELAY = 10;

const NOTHING = Buffer.alloc(0);

/** What is sent and taken. */
export interface PeerMediaOptions {
  readonly chosen: ChosenCodec;
  /** Whether the viewer is to show each picture at once instead of evening out the network's jitter. */
  readonly lowLatency: boolean;
  /** Which of the viewer's tracks are taken. */
  readonly receive: { readonly video: boolean; readonly audio: boolean };
  /** Most that the viewer's camera may send, in bit/s. */
  readonly cameraBitrate: number;
  /** Limits of the picture's bitrate, in bit/s. */
  readonly bitrate: { readonly minimum: number; readonly maximum: number };
  readonly clock: Clock;
}

/** What of the connection the media go over. */
interface PeerParts {
  readonly transport: RTCDtlsTransport;
  readonly transceivers: readonly RTCRtpTransceiver[];
  readonly offer: Offer;
  readonly feedback: CongestionFeedback;
  /** Canonical name of the sender (RFC 3550, section 6.5.1). */
  readonly cname: string;
}

/** The tracks of one connection, both ways, and what is reported about them. Made when the connection is up. */
export class PeerMedia {
  /** What the network to the viewer carries. */
  readonly path: SendPath;
  video: OutboundTrack | undefined;
  audio: OutboundTrack | undefined;
  /** The viewer's camera, when it may send one. */
  camera: InboundVideo | undefined;
  /** The viewer's microphone, when it may send one. */
  microphone: InboundAudio | undefined;
  #arrivals: ArrivalReport | undefined;
  readonly #options: PeerMediaOptions;
  readonly #playoutDelay: PlayoutDelay;

  constructor(options: PeerMediaOptions, parts: PeerParts) {
    this.#options = options;
    const { bitrate, lowLatency, clock } = options;
    const { transport, transceivers, feedback } = parts;
    this.#playoutDelay = new PlayoutDelay({ isInteractive: lowLatency });
    const sender = new PacketSender(transport);
    this.path = new SendPath({ sender, feedback, bitrate, clock });
    for (const transceiver of transceivers) {
      const track = this.#track(transceiver, parts);
      if (transceiver.kind === "video") this.video ??= track;
      else this.audio ??= track;
    }
    if (!lowLatency) this.video?.setPlayoutDelay({ minimum: 0, maximum: LONGEST_PLAYOUT_DELAY });
    this.path.overrun.on(() => this.video?.beginAnew());
    this.path.probeWanted.on((request) => this.video?.probe(request));
    this.#openInbound(parts, sender);
    this.#watchRtcp(transport);
  }

  /** Sends and takes nothing any more. */
  close(): void {
    this.path.close();
    this.video?.close();
    this.audio?.close();
    this.camera?.close();
    this.microphone?.close();
    this.#arrivals?.close();
  }

  #track(transceiver: RTCRtpTransceiver, { feedback, cname }: PeerParts): OutboundTrack | undefined {
    const { sender: negotiated } = transceiver;
    const kind = transceiver.kind === "video" ? "video" : "audio";
    const codec = negotiated.codec;
    const direction = transceiver.currentDirection;
    if (codec === undefined || (direction !== "sendonly" && direction !== "sendrecv")) return undefined;
    const stampId = extensionId(transceiver, FEEDBACK_EXTENSION[feedback]);
    const { rtxPayloadType } = negotiated as unknown as { rtxPayloadType: number | undefined };
    return new OutboundTrack({
      clock: this.#options.clock,
      path: this.path,
      parameters: {
        kind,
        ssrc: negotiated.ssrc,
        payloadType: codec.payloadType,
        clockRate: codec.clockRate,
        rtx: rtxPayloadType === undefined ? null : { ssrc: negotiated.rtxSsrc, payloadType: rtxPayloadType },
        cname,
        maxBitrate: kind === "video" ? this.#options.bitrate.maximum : undefined,
        playoutDelayId: extensionId(transceiver, PLAYOUT_DELAY),
        stamp: stampId === undefined
          ? undefined
          : { id: stampId, data: new Uint8Array(FEEDBACK_EXTENSION_BYTES[feedback]) },
      },
    });
  }

  /** Takes the viewer's tracks before werift's receivers do, which would repair loss too and give up after 50 ms. */
  #openInbound(parts: PeerParts, sender: PacketSender): void {
    const { transport, offer, transceivers: [transceiver], feedback } = parts;
    transport.onRtp.allUnsubscribe();
    if (transceiver === undefined) return;
    const { chosen, clock, receive, cameraBitrate } = this.#options;
    const ownSsrc = transceiver.sender.ssrc;
    if (receive.video && offersToSend(offer, "video")) {
      const { payloadType } = chosen.offered;
      this.camera = new InboundVideo({
        codec: chosen.codec,
        payloadType,
        rtxPayloadType: rtxPayloadType(offer, payloadType),
        maxBitrate: cameraBitrate,
        feedback,
        sender,
        clock,
        ownSsrc,
      });
    }
    if (receive.audio && offersToSend(offer, "audio")) {
      this.microphone = new InboundAudio({ payloadTypes: opusPayloadTypes(offer), sender, clock, ownSsrc });
    }
    const isReceiving = this.camera !== undefined || this.microphone !== undefined;
    if (isReceiving && feedback === "transport-cc") this.#reportArrivals(parts, { sender, clock, ownSsrc });
    transport.onRtp.subscribe(({ header, payload }) => {
      const { ssrc, payloadType, sequenceNumber, timestamp, marker } = header;
      const packet = { ssrc, payloadType, sequenceNumber, timestamp, marker, payload };
      if (this.camera?.receive(packet) !== true) this.microphone?.receive(packet);
    });
  }

  /** Tells the viewer when its packets arrive, which it numbers over all its tracks. */
  #reportArrivals({ transport, transceivers }: PeerParts, options: ArrivalReportOptions): void {
    // In a bundle an id stands for one extension, whatever the section (RFC 9143, section 9.1).
    const extensions = transceivers.flatMap(({ headerExtensions }) => headerExtensions);
    const stampId = extensions.find(({ uri }) => uri === FEEDBACK_EXTENSION["transport-cc"])?.id;
    if (stampId === undefined) return;
    const arrivals = this.#arrivals = new ArrivalReport(options);
    transport.onRtp.subscribe(({ header: { ssrc, extensions } }) => {
      const stamp = extensions.find(({ id }) => id === stampId)?.payload;
      if (stamp?.length === 2) arrivals.received({ sequence: stamp.readUInt16BE(), ssrc });
    });
  }

  /** Reads every RTCP packet as it is decrypted; nothing is left for werift, which would read it all once more. */
  #watchRtcp({ srtcp }: RTCDtlsTransport): void {
    const decrypt = srtcp.decrypt;
    srtcp.decrypt = (data: Buffer) => {
      for (const reading of readRtcp(decrypt(data))) {
        this.path.receive(reading);
        this.video?.receive(reading);
        this.audio?.receive(reading);
        if (reading.kind === "report" && this.video?.ssrc === reading.block.ssrc) {
          const { fractionLost, roundTrip } = this.video.stats;
          this.path.report({ fractionLost, roundTrip });
          this.#holdBack();
        }
        this.camera?.receiveReport(reading);
        this.microphone?.receiveReport(reading);
      }
      return NOTHING;
    };
  }

  /** Has the viewer hold pictures back for as long as repairs take. */
  #holdBack(): void {
    const { video, path } = this;
    if (video === undefined) return;
    const { clock, lowLatency } = this.#options;
    const { lossRate } = path.stats;
    const { roundTrip } = video.stats;
    if (!this.#playoutDelay.update({ lossRate, roundTrip, now: clock.now() })) return;
    const minimum = this.#playoutDelay.seconds;
    video.setPlayoutDelay({ minimum, maximum: lowLatency ? minimum : LONGEST_PLAYOUT_DELAY });
  }
}

function extensionId({ headerExtensions }: RTCRtpTransceiver, wanted: string): number | undefined {
  return headerExtensions.find(({ uri }) => uri === wanted)?.id;
}
