/** A line of media, as much of it as a connection looks at. */
interface FakeLine {
  readonly receiver: Record<string, unknown>;
  readonly sender: Record<string, unknown>;
}

interface Configuration {
  readonly iceServers: readonly { urls: string }[];
  readonly iceTransportPolicy: "all" | "relay";
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
  readonly channel = Object.assign(new EventTarget(), { readyState: "connecting" });
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
    return { receiver: {}, sender: {} };
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

  close(): void {
    this.signalingState = "closed";
    this.connectionState = "closed";
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
