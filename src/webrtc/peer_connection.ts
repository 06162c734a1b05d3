import { MediaStreamTrack, type RTCDtlsTransport, RTCPeerConnection } from "werift";
import { Emitter, type Timer, withTimeLimit } from "../async/mod.ts";
import { messageOf, StreamError } from "../errors.ts";
import type { Log } from "../log.ts";
import { ControlChannel } from "./control_channel.ts";
import { clientIsAuthentic, guardDtls } from "./dtls_guard.ts";
import { IceAgent } from "./ice_agent.ts";
import { type IceFragment, withCandidates } from "./ice_fragment.ts";
import type { IceServer } from "./ice_server.ts";
import type { InboundAudio, InboundVideo } from "./inbound_track.ts";
import type { MediaPorts } from "./media_ports.ts";
import { negotiable } from "./negotiable.ts";
import type { OutboundTrack } from "./outbound_track.ts";
import { PeerMedia, type PeerMediaOptions } from "./peer_media.ts";
import { guardSctp } from "./sctp_guard.ts";
import { answerDirections, chooseFeedback, narrowOffer, type Offer, offersChannel } from "./sdp_offer.ts";
import type { CongestionFeedback, SendPath } from "./send_path.ts";

/**
 * Largest DataChannel message that a browser is allowed to send (bytes). It is above what is taken, so that one that is
 * too large can be answered.
 */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Longest wait for STUN or TURN before the answer goes out without them, in seconds. */
const GATHER_LIMIT = 2;
/** Seconds between looks at whether the viewer is still heard. */
const SILENCE_CHECK = 0.25;
/** Seconds that closing may take before it is given up. */
const CLOSE_LIMIT = 2;

/** Where a connection stands: `connecting → connected ⇄ interrupted → closed`. An interrupted one may come back. */
export type ConnectionState = "connecting" | "connected" | "interrupted" | "closed";

/** A change of the state; on `interrupted` and `closed` with the reason. */
export interface ConnectionChange {
  readonly state: ConnectionState;
  readonly reason: string;
  /** Whether it was the viewer who closed it, in good order. */
  readonly byViewer: boolean;
}

/** What a peer connection is made with. */
export interface PeerConnectionOptions extends PeerMediaOptions {
  /** STUN and TURN servers to use; empty for none. */
  readonly iceServers: readonly IceServer[];
  readonly ports: MediaPorts;
  /** Whether the viewer is on this machine, so that loopback addresses help. */
  readonly loopback: boolean;
  /** Seconds without anything from the viewer after which it counts as interrupted. */
  readonly silenceLimit: number;
  /** Seconds from `limitConnecting()` until the connection must be up. */
  readonly connectLimit: number;
  readonly log: Log;
}

/** One viewer's connection, as answerer: negotiation, transport security, tracks, channel, and when it is over. */
export class PeerConnection {
  readonly stateChanged: Emitter<ConnectionChange> = new Emitter();
  readonly channel: ControlChannel;
  readonly #options: PeerConnectionOptions;
  readonly #peer: RTCPeerConnection;
  readonly #ready = Promise.withResolvers<void>();
  /** Rejects when the connection is closed. */
  readonly #gone = Promise.withResolvers<never>();
  #state: ConnectionState = "connecting";
  #media: PeerMedia | undefined;
  #offer: Offer | undefined;
  /** The viewer's username fragment; a new one means an ICE restart. */
  #remoteFragment = "";
  /** Those of before. */
  readonly #formerFragments = new Set<string>();
  #timer: Timer | undefined;
  #agent: IceAgent | undefined;
  readonly #feedback: CongestionFeedback;
  #lastHeard = 0;
  #release: Promise<unknown> = Promise.resolve();

  constructor(options: PeerConnectionOptions) {
    this.#options = options;
    this.channel = new ControlChannel({ clock: options.clock });
    this.#feedback = chooseFeedback(options.chosen);
    this.#peer = new RTCPeerConnection({
      bundlePolicy: "max-bundle",
      maxMessageSize: MAX_MESSAGE_BYTES,
      iceServers: [],
      ...negotiable(options.chosen, this.#feedback),
    });
    this.#gone.promise.catch(() => undefined);
    this.#peer.onDataChannel.subscribe((channel) => this.channel.accept(channel));
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The viewer's camera, once connected, when it may send one. */
  get camera(): InboundVideo | undefined {
    return this.#media?.camera;
  }

  /** The viewer's microphone, once connected, when it may send one. */
  get microphone(): InboundAudio | undefined {
    return this.#media?.microphone;
  }

  /** Names the present ICE session: our username fragment. */
  get iceTag(): string {
    return this.#agent?.parameters.usernameFragment ?? "";
  }

  /** `mid` of the first media section, which the others are bundled with. */
  get mid(): string {
    return this.#offer?.lines.find((line) => line.startsWith("a=mid:"))?.slice(6) ?? "0";
  }

  /** Resolves when it is connected; never when it closes before. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Whether the viewer said that it opens a DataChannel. */
  get expectsChannel(): boolean {
    return this.#offer !== undefined && offersChannel(this.#offer);
  }

  /** What the network to the viewer carries, once connected. */
  get path(): SendPath | undefined {
    return this.#media?.path;
  }

  /** The picture track, once connected. */
  get video(): OutboundTrack | undefined {
    return this.#media?.video;
  }

  /** The sound track, once connected, when the viewer takes sound. */
  get audio(): OutboundTrack | undefined {
    return this.#media?.audio;
  }

  /**
   * Answers an offer. The connection then comes up by itself, or closes with a reason; see `limitConnecting()`.
   *
   * @param options.trickle whether candidates that come up later reach the viewer another way; else they are waited for
   * @returns the SDP answer with our candidates in it
   * @throws StreamError `invalid_sdp`, `no_ice_candidates`; `shutting_down` when it is closed meanwhile
   */
  answer(offer: Offer, options: { trickle: boolean }): Promise<string> {
    return Promise.race([this.#answer(offer, options), this.#gone.promise]);
  }

  /**
   * Takes candidates of the viewer's, or restarts ICE when the fragment names new parameters.
   *
   * A fragment of a round that is over, which was late, changes nothing.
   *
   * @returns what is to be told in turn: our parameters after a restart, candidates that came up since; null when nothing is
   * @throws StreamError `connection_gone` when there is nothing that could be restarted; `invalid_sdp` for a restart
   * without a password
   */
  async trickle(fragment: IceFragment): Promise<IceFragment | null> {
    const agent = this.#agent;
    if (agent === undefined || this.#state === "closed") throw gone();
    const { usernameFragment, password } = fragment;
    if (this.#formerFragments.has(usernameFragment)) return null;
    const isRestart = usernameFragment !== this.#remoteFragment;
    if (isRestart) {
      if (password === "") {
        const detail = "a=ice-ufrag is a new one, so ICE restarts, and that needs its a=ice-pwd";
        throw new StreamError("invalid_sdp", detail, { field: "a=ice-pwd" });
      }
      if (this.#state === "connecting") throw gone();
      this.#formerFragments.add(this.#remoteFragment);
      this.#remoteFragment = usernameFragment;
      await agent.restart({ usernameFragment, password });
    }
    for (const candidate of fragment.candidates) await agent.add(candidate);
    if (fragment.endOfCandidates && !isRestart) {
      await withTimeLimit(this.#options.clock, GATHER_LIMIT, agent.gathered());
    }
    const candidates = agent.takeCandidates();
    return isRestart || candidates.length > 0 ? { ...agent.parameters, candidates, endOfCandidates: false } : null;
  }

  async #answer(offer: Offer, { trickle }: { trickle: boolean }): Promise<string> {
    const { clock } = this.#options;
    this.#offer = offer;
    for (const kind of ["video", "audio"] as const) {
      for (const direction of answerDirections(offer, { kind, receive: this.#options.receive[kind] })) {
        this.#peer.addTransceiver(new MediaStreamTrack({ kind }), { direction });
      }
    }
    let sdp: string;
    let agent: IceAgent;
    try {
      await this.#peer.setRemoteDescription({
        type: "offer",
        sdp: narrowOffer(offer, { chosen: this.#options.chosen, feedback: this.#feedback }),
      });
      agent = this.#harden();
      const answer = await this.#peer.createAnswer();
      sdp = answer.sdp;
      await this.#peer.setLocalDescription(answer);
    } catch (error) {
      throw new StreamError("invalid_sdp", `the offer cannot be answered: ${messageOf(error)}`, {
        cause: error,
        field: "sdp",
      });
    }
    if (!trickle) await withTimeLimit(clock, GATHER_LIMIT, agent.gathered());
    const candidates = agent.takeCandidates();
    if (candidates.length === 0) {
      const none = new StreamError("no_ice_candidates", "this server has no address that it could be reached at");
      throw agent.failure ?? none;
    }
    return withCandidates(sdp, candidates);
  }

  /** From now on the viewer has the answer: closes the connection when it is not up in time. */
  limitConnecting(): void {
    if (this.#state !== "connecting") return;
    const { clock, connectLimit } = this.#options;
    this.#timer = clock.schedule(connectLimit, () => {
      this.#closeWith(`no connection within ${connectLimit} s; UDP may be blocked on the way`);
    });
  }

  /** Closes the connection; the reason is for our own log, the viewer sees the transport end. */
  async close(reason: string): Promise<void> {
    this.#closeWith(reason);
    await this.#release;
  }

  #closeWith(reason: string, { byViewer = false }: { byViewer?: boolean } = {}): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#timer?.cancel();
    this.#agent?.close();
    this.#media?.close();
    this.channel.close();
    this.#release = withTimeLimit(this.#options.clock, CLOSE_LIMIT, this.#peer.close()).catch((error) => {
      this.#options.log.debug(`closing the peer failed: ${messageOf(error)}`);
    });
    this.#gone.reject(new StreamError("shutting_down", reason));
    this.stateChanged.emit({ state: "closed", reason, byViewer });
    this.stateChanged.clear();
  }

  /** Everything that has to be done to the transport between the offer and the answer. */
  #harden(): IceAgent {
    const transport = this.#transport();
    const { ports, iceServers: servers, loopback, clock, log } = this.#options;
    // As DTLS client werift can run its last flight twice and hang; as server every connection came up.
    transport.role = "server";
    guardDtls(transport);
    this.#remoteFragment = transport.iceTransport.connection.remoteUsername;
    const agent = this.#agent = new IceAgent({
      transport: transport.iceTransport,
      ports,
      servers,
      loopback,
      serverLimit: GATHER_LIMIT,
      clock,
      log,
    });
    transport.onStateChange.subscribe((state) => {
      if (state === "connected") this.#connected(transport);
      else if (state === "failed") this.#closeWith("the DTLS handshake failed");
      else if (state === "closed") this.#closeWith("the viewer closed the connection", { byViewer: true });
    });
    transport.iceTransport.onStateChange.subscribe((state) => {
      if (state !== "failed") return;
      if (this.#state === "connecting") this.#closeWith("the network path to the viewer failed");
      else this.#interrupt("the network path to the viewer failed");
    });
    return agent;
  }

  #connected(transport: RTCDtlsTransport): void {
    const offer = this.#offer;
    if (this.#state !== "connecting" || offer === undefined) return;
    if (!clientIsAuthentic(transport)) {
      return this.#closeWith("the viewer did not prove that its certificate is its own");
    }
    const { clock, log } = this.#options;
    this.#timer?.cancel();
    this.#state = "connected";
    const sctp = this.#peer.sctpTransport;
    if (sctp !== undefined) guardSctp(sctp, { log, flooded: (reason) => this.#closeWith(reason) });
    this.#media = new PeerMedia(this.#options, {
      transport,
      offer,
      transceivers: this.#peer.getTransceivers(),
      cname: this.#peer.cname,
      feedback: this.#feedback,
    });
    this.#lastHeard = clock.now();
    transport.iceTransport.connection.onData.subscribe(() => this.#heard());
    this.#watchSilence();
    this.stateChanged.emit({ state: "connected", reason: "", byViewer: false });
    this.#ready.resolve();
  }

  #heard(): void {
    this.#lastHeard = this.#options.clock.now();
    if (this.#state !== "interrupted") return;
    this.#state = "connected";
    this.stateChanged.emit({ state: "connected", reason: "", byViewer: false });
  }

  #interrupt(reason: string): void {
    if (this.#state !== "connected") return;
    this.#state = "interrupted";
    this.stateChanged.emit({ state: "interrupted", reason, byViewer: false });
  }

  /** A browser that is killed or cut off says nothing: its packets just stop. */
  #watchSilence(): void {
    const { clock, silenceLimit } = this.#options;
    this.#timer = clock.schedule(SILENCE_CHECK, () => {
      if (clock.now() - this.#lastHeard > silenceLimit) {
        this.#interrupt(`nothing was heard from the viewer for ${silenceLimit} s`);
      }
      if (this.#state !== "closed") this.#watchSilence();
    });
  }

  #transport(): RTCDtlsTransport {
    const transport = this.#peer.dtlsTransports[0];
    if (transport === undefined) throw new StreamError("invalid_sdp", "the offer opens no transport");
    return transport;
  }
}

function gone(): StreamError {
  return new StreamError("connection_gone", "there is no connection that could be restarted; send a new offer");
}
