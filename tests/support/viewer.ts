import { Buffer } from "node:buffer";
import {
  MediaStreamTrack,
  type RTCDataChannel,
  type RTCDtlsTransport,
  RTCPeerConnection,
  RTCRtpCodecParameters,
  RtpHeader,
  RtpPacket,
  useH264,
  useNACK,
  useOPUS,
  usePLI,
  useVP8,
} from "werift";
import { Vp8Packetizer } from "../../src/rtp/mod.ts";
import type { TestServer } from "./test_server.ts";

/** An Opus packet of 20 ms of silence. */
const SILENCE = Uint8Array.of(0xf8, 0xff, 0xfe);

/** One RTP packet as it arrived. */
export interface ReceivedPacket {
  readonly at: number;
  readonly timestamp: number;
  readonly sequenceNumber: number;
  readonly marker: boolean;
  readonly payload: Uint8Array;
}

/** A message on the DataChannel. */
export type ChannelMessage = Record<string, unknown> & { readonly type: string };

/** What a viewer offers. */
export interface ViewerOptions {
  readonly codecs?: readonly ("H264" | "VP8")[];
  readonly audio?: boolean;
  /** Whether to open the channel `telefuser`; a text opens one of that name instead. */
  readonly channel?: boolean | string;
  /** VP8 frames to send as the camera's, over and over, 25 a second, and a microphone that is silent. */
  readonly camera?: readonly Uint8Array[];
  /** More fields of the offer. */
  readonly fields?: Record<string, unknown>;
}

/** A WebRTC peer that receives without decoding. */
export class Viewer implements AsyncDisposable {
  readonly video: ReceivedPacket[] = [];
  readonly audio: ReceivedPacket[] = [];
  readonly reports: { kind: "video" | "audio"; ntp: number; rtp: number; ssrc: number }[] = [];
  readonly messages: ChannelMessage[] = [];
  readonly peer: RTCPeerConnection;
  sessionId = "";
  answerSdp = "";
  #videoSsrc = 0;
  #channel: RTCDataChannel | undefined;
  readonly #timers: ReturnType<typeof setInterval>[] = [];

  constructor(options: ViewerOptions = {}) {
    const rtcpFeedback = [useNACK(), usePLI()];
    const media = {
      H264: () => useH264({ rtcpFeedback, payloadType: 102 }),
      VP8: () => useVP8({ rtcpFeedback, payloadType: 96 }),
    };
    const video = (options.codecs ?? ["H264", "VP8"]).map((codec) => media[codec]());
    this.peer = new RTCPeerConnection({
      iceServers: [],
      iceAdditionalHostAddresses: ["127.0.0.1"],
      bundlePolicy: "max-bundle",
      codecs: {
        video: [...video, new RTCRtpCodecParameters({ mimeType: "video/rtx", clockRate: 90_000 })],
        audio: [useOPUS({ payloadType: 111 })],
      },
    });
    const kinds = options.audio === false ? ["video"] as const : ["video", "audio"] as const;
    for (const kind of kinds) {
      const transceiver = options.camera === undefined
        ? this.peer.addTransceiver(kind, { direction: "recvonly" })
        : this.peer.addTransceiver(this.#send(kind, options.camera), { direction: "sendrecv" });
      transceiver.onTrack.subscribe((track) => this.#receive(kind, track));
    }
    const { channel = false } = options;
    if (channel !== false) this.#channel = this.#open(channel === true ? "telefuser" : channel, this.messages);
    for (const transport of this.peer.iceTransports) delete transport.connection.stunServer;
    for (const transport of this.peer.dtlsTransports) takeOneVerifyRequest(transport);
  }

  /** Frames received: packets that end one. */
  get frames(): number {
    return this.video.filter((packet) => packet.marker).length;
  }

  /** The offer as SDP. */
  async offer(): Promise<string> {
    await this.peer.setLocalDescription(await this.peer.createOffer());
    return this.peer.localDescription?.sdp ?? "";
  }

  /** Offers to a server; returns its response, whose answer is applied when it is one. */
  async connect(server: TestServer | string, options: ViewerOptions = {}): Promise<Response> {
    const url = typeof server === "string" ? server : server.url;
    const body = { sdp: await this.offer(), type: "offer", task: "t2v", ...options.fields };
    const response = await fetch(`${url}/v1/stream/webrtc/offer`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) return response;
    const answer = await response.clone().json();
    this.sessionId = answer.session_id;
    this.answerSdp = answer.sdp;
    await this.peer.setRemoteDescription(answer);
    return response;
  }

  /** Asks for a key frame. */
  async requestKeyFrame(): Promise<void> {
    const receiver = this.peer.getTransceivers()[0]?.receiver;
    await receiver?.sendRtcpPLI(this.#videoSsrc);
  }

  /** The channel that was offered. */
  get channel(): RTCDataChannel | undefined {
    return this.#channel;
  }

  /** Opens one more channel on the connection; what comes on it is kept apart. */
  openChannel(label: string): { readonly channel: RTCDataChannel; readonly messages: readonly ChannelMessage[] } {
    const messages: ChannelMessage[] = [];
    return { channel: this.#open(label, messages), messages };
  }

  /** Sends a control message, as soon as the channel is open; text and bytes go as they are. */
  send(message: unknown): void {
    const isRaw = typeof message === "string" || message instanceof Buffer;
    const text = isRaw ? message : JSON.stringify(message);
    const channel = this.#channel;
    if (channel === undefined) throw new Error("the viewer has no channel");
    if (channel.readyState === "open") channel.send(text);
    else channel.stateChanged.subscribe((state) => void (state === "open" && channel.send(text)));
  }

  /** Sends nothing any more, as a viewer whose network is gone. */
  fallSilent(): void {
    for (const { connection } of this.peer.iceTransports) {
      const { protocols } = connection as unknown as { protocols: { transport: { send: () => Promise<void> } }[] };
      for (const { transport } of protocols) transport.send = () => Promise.resolve();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.peer.close();
  }

  /** A track that sends as soon as the connection is up. */
  #send(kind: "video" | "audio", camera: readonly Uint8Array[]): MediaStreamTrack {
    const track = new MediaStreamTrack({ kind });
    const packetizer = new Vp8Packetizer();
    let sequenceNumber = 1;
    let picture = 0;
    const send = (payload: Uint8Array, fields: { marker: boolean; timestamp: number; payloadType: number }) => {
      const header = new RtpHeader({ ...fields, sequenceNumber: sequenceNumber++ & 0xffff });
      track.writeRtp(new RtpPacket(header, Buffer.from(payload)));
    };
    this.#timers.push(setInterval(() => {
      if (this.peer.connectionState !== "connected") return;
      const number = picture++;
      if (kind === "audio") return send(SILENCE, { marker: false, timestamp: number * 960, payloadType: 111 });
      const payloads = packetizer.packetize(camera[number % camera.length] as Uint8Array, 1100);
      for (const [index, payload] of payloads.entries()) {
        send(payload, { marker: index === payloads.length - 1, timestamp: number * 3600, payloadType: 96 });
      }
    }, kind === "audio" ? 20 : 40));
    return track;
  }

  #receive(kind: "video" | "audio", track: MediaStreamTrack): void {
    track.onReceiveRtp.subscribe((packet: RtpPacket) => {
      const { timestamp, sequenceNumber, marker, ssrc } = packet.header;
      if (kind === "video") this.#videoSsrc = ssrc;
      const received = { at: performance.now(), timestamp, sequenceNumber, marker, payload: packet.payload };
      (kind === "video" ? this.video : this.audio).push(received);
    });
    track.onReceiveRtcp.subscribe((packet) => {
      const info = (packet as { senderInfo?: { ntpTimestamp: bigint; rtpTimestamp: number } }).senderInfo;
      if (info === undefined) return;
      const ntp = Number(info.ntpTimestamp >> 32n) + Number(info.ntpTimestamp & 0xffffffffn) / 2 ** 32;
      this.reports.push({ kind, ntp, rtp: info.rtpTimestamp, ssrc: (packet as { ssrc?: number }).ssrc ?? 0 });
    });
  }

  #open(label: string, messages: ChannelMessage[]): RTCDataChannel {
    const channel = this.peer.createDataChannel(label);
    channel.onMessage.subscribe((data) => messages.push(JSON.parse(data.toString())));
    return channel;
  }
}

/** Type of a DTLS handshake message (RFC 6347, section 4.3.2). */
const HELLO_VERIFY_REQUEST = 3;

/** A part of werift's DTLS socket that is public there but not in its exported types. */
interface DtlsSocketInternals {
  onHandleHandshakes: (messages: readonly { readonly msg_type: number }[]) => Promise<void>;
}

/**
 * werift's client gives up at a second HelloVerifyRequest, which is what a ClientHello that was sent twice is answered
 * with: it sees the first one only.
 */
function takeOneVerifyRequest(transport: RTCDtlsTransport): void {
  transport.onStateChange.subscribe((state) => {
    if (state !== "connecting") return;
    queueMicrotask(() => {
      const socket = transport.dtls as unknown as DtlsSocketInternals | undefined;
      if (socket === undefined) return;
      const handle = socket.onHandleHandshakes;
      let isVerified = false;
      socket.onHandleHandshakes = async (messages) => {
        const wanted = messages.filter(({ msg_type }) => msg_type !== HELLO_VERIFY_REQUEST || !isVerified);
        isVerified ||= messages.some(({ msg_type }) => msg_type === HELLO_VERIFY_REQUEST);
        if (wanted.length > 0) await handle(wanted);
      };
    });
  });
}

/** Connects a viewer and fails with the server's words when it is refused. */
export async function connectViewer(server: TestServer | string, options: ViewerOptions = {}): Promise<Viewer> {
  const viewer = new Viewer(options);
  const response = await viewer.connect(server, options);
  if (!response.ok) {
    await viewer.peer.close();
    throw new Error(`refused: ${response.status} ${await response.text()}`);
  }
  return viewer;
}
