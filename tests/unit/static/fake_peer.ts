/** A line of media, as much of it as a connection looks at. */
interface FakeLine {
  readonly receiver: Record<string, unknown>;
  readonly sender: Record<string, unknown>;
}

interface Configuration {
  readonly iceServers: readonly { urls: string }[];
  readonly iceTransportPolicy: "all" | "relay";
}

/** `RTCDataChannel`: what is sent is in {@link sent}, until it is told to take no more. */
export class FakeChannel extends EventTarget {
  readyState = "connecting";
  readonly sent: string[] = [];
  /** What `send` throws, if anything, by the text. */
  refuse: (text: string) => Error | null = () => null;

  send(text: string): void {
    const refusal = this.refuse(text);
    if (refusal) throw refusal;
    this.sent.push(text);
  }
}

/** `RTCPeerConnection` without a network: the test says what it finds. */
export class FakePeer extends EventTarget {
  /** Those that were made, the newest last. */
  static readonly made: FakePeer[] = [];

  connectionState = "new";
  signalingState = "stable";
  iceGatheringState = "new";
  localDescription: { sdp: string } | null = null;
  remoteDescription: { sdp: string } | null = null;
  readonly configurations: Configuration[] = [];
  readonly added: string[] = [];
  readonly channel = new FakeChannel();
  sctp: { maxMessageSize: number } | null = null;
  /** What `getStats` reports. */
  report = new Map<string, unknown>();
  #rounds = 0;

  constructor(configuration: Configuration) {
    super();
    this.configurations.push(configuration);
    FakePeer.made.push(this);
  }

  /** Puts it in the place of the browser's own. */
  static install(): Disposable {
    const globals = globalThis as unknown as Record<string, unknown>;
    globals["RTCPeerConnection"] = FakePeer;
    return { [Symbol.dispose]: () => void delete globals["RTCPeerConnection"] };
  }

  createDataChannel(): EventTarget {
    return this.channel;
  }

  addTransceiver(): FakeLine {
    return { receiver: { track: { enabled: true } }, sender: { track: null, replaceTrack: () => Promise.resolve() } };
  }

  getConfiguration(): Configuration {
    return this.configurations.at(-1) ?? { iceServers: [], iceTransportPolicy: "all" };
  }

  setConfiguration(configuration: Configuration): void {
    this.configurations.push(configuration);
  }

  /** Each round of ICE has an ufrag of its own: `round1`, `round2` … */
  createOffer({ iceRestart = false } = {}): Promise<{ type: string; sdp: string }> {
    if (iceRestart || this.#rounds === 0) this.#rounds++;
    const sdp =
      `v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=ice-ufrag:round${this.#rounds}\r\na=ice-pwd:p\r\n`;
    return Promise.resolve({ type: "offer", sdp });
  }

  setLocalDescription(description: { sdp: string }): Promise<void> {
    this.localDescription = description;
    return Promise.resolve();
  }

  setRemoteDescription(description: { sdp: string }): Promise<void> {
    this.remoteDescription = description;
    return Promise.resolve();
  }

  addIceCandidate({ candidate }: { candidate: string }): Promise<void> {
    if (candidate.includes("bad")) return Promise.reject(new TypeError("no candidate"));
    this.added.push(candidate);
    return Promise.resolve();
  }

  getStats(): Promise<Map<string, unknown>> {
    return Promise.resolve(this.report);
  }

  close(): void {
    this.signalingState = "closed";
    this.connectionState = "closed";
  }

  /** Its state changes. */
  become(connectionState: string): void {
    this.connectionState = connectionState;
    this.dispatchEvent(new Event("connectionstatechange"));
  }

  /** It connects, with its channel. */
  comeUp(): void {
    this.channel.readyState = "open";
    this.become("connected");
    this.channel.dispatchEvent(new Event("open"));
  }

  /** A track comes. */
  bring(track: { kind: string }): void {
    this.dispatchEvent(Object.assign(new Event("track"), { track }));
  }

  /** Finds a candidate; null: there are no more. */
  find(candidate: string | null): void {
    this.dispatchEvent(
      Object.assign(new Event("icecandidate"), { candidate: candidate === null ? null : { candidate } }),
    );
  }

  /** A server of ICE gives none. */
  refuse(errorCode: number, url: string): void {
    this.dispatchEvent(Object.assign(new Event("icecandidateerror"), { errorCode, errorText: "", url }));
  }
}
