import { systemClock } from "../../src/async/mod.ts";
import { OpusDecoder, VideoDecoder } from "../../src/codec/mod.ts";
import { Log } from "../../src/log.ts";
import type { ReceivedAudio, ReceivedFrame, VideoCodec } from "../../src/media/mod.ts";
import { chooseVideoCodec, type InboundVideo, MediaPorts, PeerConnection, readOffer } from "../../src/webrtc/mod.ts";
import { rtxPayloadType } from "../../src/webrtc/sdp_offer.ts";
import { openPage, type TestPage } from "./browser.ts";
import { addBusyCamera } from "./client_page.ts";
import { ImpairedLink } from "./impaired_link.ts";
import { withoutCandidates } from "./link_page.ts";

/** How the page lays out its media sections. */
export type Layout = "as in the snippet" | "one way each" | "tracks put in later";

interface PayloadTypes {
  readonly media: number;
  readonly retransmission: number | undefined;
}

/** What the page does before it makes its offer. */
const OFFER: Record<Layout, string> = {
  "as in the snippet": `
    const [camera] = stream.getVideoTracks();
    const [microphone] = stream.getAudioTracks();
    peer.addTrack(camera, stream);
    peer.addTrack(microphone, stream);
    peer.addTransceiver("video", { direction: "recvonly" });
    peer.addTransceiver("audio", { direction: "recvonly" });`,
  "one way each": `
    for (const track of stream.getTracks()) peer.addTransceiver(track, { direction: "sendonly" });
    for (const kind of ["video", "audio"]) peer.addTransceiver(kind, { direction: "recvonly" });`,
  "tracks put in later": `
    globalThis.senders = ["video", "audio"].map((kind) => peer.addTransceiver(kind, { direction: "sendrecv" }).sender);`,
};

const PREPARE = `
  globalThis.stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 360 }, audio: true });
  const peer = globalThis.peer = new RTCPeerConnection();
  peer.createDataChannel("telefuser");`;

/** Puts a camera in the place of the made-up one, whose pictures are hard to code and take many packets each. */
const BUSY = `
  const [madeUp] = stream.getVideoTracks();
  stream.removeTrack(madeUp);
  madeUp.stop();
  stream.addTrack(busyCamera());`;

/** A call of a real Chromium with its made-up camera to a `PeerConnection`; what arrives is decoded when it is over. */
export class CameraCall implements AsyncDisposable {
  readonly frames: readonly ReceivedFrame[];
  readonly sound: readonly ReceivedAudio[];
  readonly connection: PeerConnection;
  readonly answer: string;
  readonly #browser: TestPage;
  readonly #codec: VideoCodec;
  readonly #server: Deno.HttpServer;
  readonly #link: ImpairedLink;
  readonly #payloadTypes: PayloadTypes;

  private constructor(
    { frames, sound, browser, codec, payloadTypes, server, link, connection, answer }: {
      frames: readonly ReceivedFrame[];
      sound: readonly ReceivedAudio[];
      browser: TestPage;
      codec: VideoCodec;
      payloadTypes: PayloadTypes;
      server: Deno.HttpServer;
      link: ImpairedLink;
      connection: PeerConnection;
      answer: string;
    },
  ) {
    this.frames = frames;
    this.sound = sound;
    this.#browser = browser;
    this.#codec = codec;
    this.#server = server;
    this.#link = link;
    this.#payloadTypes = payloadTypes;
    this.connection = connection;
    this.answer = answer;
  }

  /** Opens the page, and calls; with a camera whose pictures take many packets, if wanted. */
  static async open(
    { codec, layout, busy = false }: { codec: VideoCodec; layout: Layout; busy?: boolean },
  ): Promise<CameraCall> {
    const page = () => new Response("<!DOCTYPE html>", { headers: { "content-type": "text/html" } });
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, page);
    const browser = await openPage(`http://127.0.0.1:${server.addr.port}/`, { camera: true });
    if (busy) await addBusyCamera(browser.page);
    const sdp = await run(
      browser,
      `${PREPARE}${busy ? BUSY : ""}${OFFER[layout]}
      await peer.setLocalDescription(await peer.createOffer());
      return peer.localDescription.sdp;`,
    );
    const offer = readOffer(withoutCandidates(String(sdp)));
    const chosen = chooseVideoCodec(offer, codec);
    const connection = new PeerConnection({
      chosen,
      lowLatency: true,
      receive: { video: true, audio: true },
      cameraBitrate: 2_500_000,
      bitrate: { minimum: 150_000, maximum: 2_000_000 },
      iceServers: [],
      loopback: true,
      ports: new MediaPorts({ udpPort: 0, udpPortRange: null, tcpPort: 0, publicIps: [], clock: systemClock }),
      silenceLimit: 10,
      connectLimit: 15,
      clock: systemClock,
      log: new Log("test"),
    });
    const frames: ReceivedFrame[] = [];
    const sound: ReceivedAudio[] = [];
    // At once when it is ready: the first packets may be quicker than the browser's word that it has taken the answer.
    const listening = connection.ready.then(() => {
      connection.camera?.frame.on((frame) => frames.push(frame));
      connection.microphone?.packet.on((packet) => sound.push(packet));
    });
    const link = new ImpairedLink();
    const answer = link.rewrite(await connection.answer(offer, { trickle: false }));
    await run(browser, `await peer.setRemoteDescription({ type: "answer", sdp: ${JSON.stringify(answer)} });`);
    await listening;
    const media = chosen.offered.payloadType;
    const payloadTypes = { media, retransmission: rtxPayloadType(offer, media) };
    return new CameraCall({ frames, sound, browser, codec, payloadTypes, server, link, connection, answer });
  }

  /** The camera. */
  get camera(): InboundVideo {
    const { camera } = this.connection;
    if (camera === undefined) throw new Error("the viewer may not send its camera");
    return camera;
  }

  /** Runs statements in the page, with \`peer\`, \`stream\` and \`senders\` on the window. */
  run(statements: string): Promise<unknown> {
    return run(this.#browser, statements);
  }

  /** Puts camera and microphone into the sections, or takes them out. */
  async setTracks(isOn: boolean): Promise<void> {
    await this.run(`
      const tracks = ${isOn} ? [...stream.getVideoTracks(), ...stream.getAudioTracks()] : [null, null];
      await Promise.all(senders.map((sender, index) => sender.replaceTrack(tracks[index])));`);
  }

  /** Loses packets of the camera on their way. */
  loseWhen(isLost: (packet: { isRetransmission: boolean }) => boolean): void {
    const { media, retransmission } = this.#payloadTypes;
    this.#link.losesUp = (datagram) => {
      // SRTP leaves the RTP header readable; RTCP has its type in the same place, from 64 on (RFC 5761, section 4).
      const payloadType = isRtp(datagram) ? (datagram[1] ?? 0) & 0x7f : undefined;
      const isRetransmission = payloadType === retransmission && payloadType !== undefined;
      return (isRetransmission || payloadType === media) && isLost({ isRetransmission });
    };
  }

  /** Decodes every picture in order: one that is damaged, or whose reference is missing, throws. */
  async decodeAll(): Promise<{ frames: number; pictures: number; width: number; height: number }> {
    const given = this.frames.slice();
    const decoder = new VideoDecoder({
      codec: this.#codec,
      format: { format: "i420", width: undefined, height: undefined },
    });
    try {
      let pictures = 0;
      for (const { data } of given) if (await decoder.decode(data)) pictures++;
      const { width, height } = await decoder.picture();
      return { frames: given.length, pictures, width, height };
    } finally {
      await decoder.close();
    }
  }

  /** Decodes the microphone; returns its length in seconds and its loudest sample. */
  async listen(): Promise<{ seconds: number; peak: number }> {
    const decoder = new OpusDecoder({ sampleRate: 48_000, channels: 1 });
    try {
      let samples = 0;
      let peak = 0;
      for (const { data } of this.sound) {
        const block = await decoder.decode(data);
        samples += block.length;
        for (const sample of block) peak = Math.max(peak, Math.abs(sample));
      }
      return { seconds: samples / 48_000, peak };
    } finally {
      await decoder.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close("the test is over");
    await this.#browser[Symbol.asyncDispose]();
    await this.#server.shutdown();
    this.#link[Symbol.dispose]();
  }
}

/** RTP and RTCP among STUN, DTLS and TURN (RFC 7983, section 7). */
function isRtp([first = 0]: Uint8Array): boolean {
  return first >= 128 && first < 192;
}

function run({ page }: TestPage, statements: string): Promise<unknown> {
  return page.evaluate(`(async () => {${statements}\n})()`);
}
