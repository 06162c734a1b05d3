// @ts-check
/**
 * A TeleFuser stream in the browser, without dependencies. It needs its two
 * neighbours `telefuser-errors.js` and `telefuser-stats.js`, and no build step.
 *
 * One {@link StreamClient} is one session: it connects once and closes once,
 * with a reason in words. For the next session make the next client.
 *
 * ```js
 * import { StreamClient } from "/static/telefuser-client.js";
 *
 * const client = new StreamClient({ prompt: "A lighthouse in a storm" });
 * client.addEventListener("closed", (event) => alert(event.detail.reason));
 * document.querySelector("video").srcObject = client.stream;
 * await client.connect();
 * ```
 *
 * Events. All are `CustomEvent`s with their payload in `event.detail`:
 *
 * | event     | detail                   | when                               |
 * | --------- | ------------------------ | ---------------------------------- |
 * | `state`   | {@link StreamState}      | at each change of `client.state`   |
 * | `message` | the server's JSON object | at each message of the DataChannel |
 * | `error`   | {@link StreamError}      | at each fault, fatal or not        |
 * | `closed`  | {@link StreamClosed}     | once, as the last event            |
 *
 * @module
 */

import {
  asStreamError,
  badMessage,
  closedSilently,
  connectionLost,
  noMediaPath,
  notAStreamServer,
  refused,
  sentence,
  silent,
  StreamError,
  unreachable,
  unsupported,
} from "./telefuser-errors.js";
import { noStats, readSample, statsBetween } from "./telefuser-stats.js";

export { StreamError };

/** @typedef {import("./telefuser-stats.js").StreamStats} StreamStats */

/** @typedef {"idle" | "connecting" | "live" | "closed"} StreamState */

/**
 * @typedef {object} StreamClientOptions
 * @property {string} [serverUrl] Where the server is, `https://host[:port]`,
 *   with a path if it sits behind one. Empty: the origin of the page.
 * @property {string} [task] What the pipeline shall do; `"t2v"` by default.
 * @property {string} [prompt]
 * @property {number} [fps] Frames per second to ask for.
 * @property {unknown} [config] For the pipeline, passed on as it is.
 * @property {Record<string, unknown>} [extra] More fields of the offer, for
 *   the pipeline: `{ duration_s: 30 }`.
 * @property {string} [sessionId] Ask for this id; else a random one is made.
 * @property {RTCIceServer[]} [iceServers] STUN and TURN; none by default.
 * @property {RTCIceTransportPolicy} [iceTransportPolicy] `"relay"`: TURN only.
 * @property {number} [iceGatherTimeoutMs] How long to gather candidates before
 *   the offer is sent. 0, the default, sends it at once: the server learns the
 *   browser's address from its first packet.
 * @property {number} [connectTimeoutMs] Limit for the server's answer, and then
 *   again for the media path; 15 000 by default.
 */

/**
 * @typedef {object} StreamClosed
 * @property {string} reason A sentence for people. It says what to do next if
 *   the end was not meant.
 * @property {string} code For programs: the server's code, that of `error`, or
 *   one of `stopped`, `page_left`, `done`.
 * @property {StreamError | null} error The fault that ended the session.
 */

/** A peer that stays disconnected for longer is given up. */
const LOST_AFTER_MS = 8_000;
/** How long the server's `closed` is awaited after its `done`. */
const CLOSED_AFTER_DONE_MS = 3_000;
/** Limit for the small requests: to free a session, to ask for its status. */
const REQUEST_TIMEOUT_MS = 4_000;

const STOPPED = { code: "stopped", reason: "You stopped the stream." };
const LEFT = { code: "page_left", reason: "The page was left." };
const COMPLETE = { code: "done", reason: "The stream is complete." };

/** One session with a TeleFuser stream server. */
export class StreamClient extends EventTarget {
  /** Receives the tracks: give it to a `<video>` at any time. */
  stream = new MediaStream();
  /** @type {string | null} The server's id, once it has answered. */
  sessionId = null;

  #options;
  #url;
  /** @type {string} The id that the offer asks for. */
  #askedId;
  /** @type {StreamState} */
  #state = "idle";
  /** @type {RTCPeerConnection | null} */
  #peer = null;
  /** @type {RTCDataChannel | null} */
  #channel = null;
  /** @type {Promise<{ id: string, sdp: string }> | null} */
  #answered = null;
  /** @type {Promise<MediaStream> | null} */
  #opened = null;
  /** @type {{ resolve: (stream: MediaStream) => void, reject: (error: StreamError) => void } | null} */
  #opening = null;
  /** @type {Promise<void> | null} */
  #freed = null;
  /** @type {number | undefined} */
  #timer;
  /** @type {StreamError | null} The last one that the server told. */
  #fault = null;
  #isAsking = false;
  #isDone = false;
  /** @type {ReturnType<typeof readSample> | null} */
  #lastSample = null;

  /** @param {StreamClientOptions} [options] */
  constructor(options = {}) {
    super();
    this.#options = options;
    this.#askedId = options.sessionId ?? randomId();
    this.#url = (options.serverUrl ?? "").replace(/\/+$/, "");
  }

  /** @returns {StreamState} */
  get state() {
    return this.#state;
  }

  /**
   * Opens the session. Further calls return the same promise.
   *
   * @returns {Promise<MediaStream>} Resolves when media can flow; rejects with
   *   a {@link StreamError} if the session ends before that.
   */
  connect() {
    this.#opened ??= new Promise((resolve, reject) => {
      if (this.#state === "closed") {
        const text = "This client has been stopped: make a new one.";
        return reject(new StreamError("stopped", text));
      }
      this.#opening = { resolve, reject };
      this.#setState("connecting");
      globalThis.addEventListener("pagehide", this.#onPageHide);
      this.#open().catch((cause) => this.#fail(asStreamError(cause)));
    });
    return this.#opened;
  }

  /**
   * Ends the session and frees its place on the server. It may be called at
   * any moment, and more than once.
   *
   * @returns {Promise<void>} Resolves when the place is free, or after four
   *   seconds; never rejects.
   */
  async stop() {
    this.#finish(STOPPED);
    await Promise.race([this.#freed, delay(REQUEST_TIMEOUT_MS)]);
  }

  /**
   * Sends a control message to the pipeline.
   *
   * @param {{ type: string } & Record<string, unknown>} message
   * @returns {boolean} False if the channel is not open and nothing was sent.
   */
  send(message) {
    if (this.#channel?.readyState !== "open") return false;
    this.#channel.send(JSON.stringify(message));
    return true;
  }

  /**
   * Measures the stream. Rates and means cover the time since the last call:
   * call it in a steady rhythm and from one place.
   *
   * @returns {Promise<StreamStats>}
   */
  async stats() {
    if (!this.#peer || this.#state !== "live") return noStats();
    const sample = readSample(await this.#peer.getStats());
    const stats = statsBetween(sample, this.#lastSample);
    this.#lastSample = sample;
    return stats;
  }

  async #open() {
    if (typeof RTCPeerConnection === "undefined") throw unsupported();
    const { iceServers = [], iceTransportPolicy = "all" } = this.#options;
    const peer = new RTCPeerConnection({ iceServers, iceTransportPolicy });
    this.#peer = peer;
    peer.addEventListener("connectionstatechange", () => this.#onPeerState());
    peer.addEventListener("track", (event) => {
      this.stream.addTrack(event.track);
    });
    peer.addTransceiver("video", { direction: "recvonly" });
    peer.addTransceiver("audio", { direction: "recvonly" });
    this.#channel = peer.createDataChannel("telefuser");
    this.#channel.addEventListener("message", (event) => this.#onText(event));
    this.#channel.addEventListener("close", () => this.#onChannelClose());

    const { iceGatherTimeoutMs = 0, connectTimeoutMs = 15_000 } = this.#options;
    await peer.setLocalDescription(await peer.createOffer());
    if (iceGatherTimeoutMs > 0) await gathered(peer, iceGatherTimeoutMs);
    if (this.#isClosed() || !peer.localDescription) return;

    this.#after(connectTimeoutMs, () => {
      this.#fail(silent(this.#server, connectTimeoutMs));
    });
    this.#answered = this.#offer(peer.localDescription);
    const { id, sdp } = await this.#answered;
    if (this.#isClosed()) return; // #free() awaits the late answer as well.
    this.sessionId = id;
    this.#after(connectTimeoutMs, () => this.#explain(this.#noMediaPath()));
    await peer.setRemoteDescription({ type: "answer", sdp });
  }

  /** @param {RTCSessionDescription} description */
  async #offer({ sdp, type }) {
    const { task = "t2v", prompt, fps, config } = this.#options;
    // JSON leaves out what is undefined.
    const fields = { task, prompt, fps, config, session_id: this.#askedId };
    const response = await this.#request("/v1/stream/webrtc/offer", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ sdp, type, ...fields, ...this.#options.extra }),
    });
    const answer = await readJson(response);
    if (!response.ok) throw refused(response.status, answer);
    const { session_id: id, sdp: answerSdp } = answer;
    if (typeof id !== "string" || typeof answerSdp !== "string") {
      throw notAStreamServer(this.#server, response.status);
    }
    return { id, sdp: answerSdp };
  }

  #onPeerState() {
    const wasLive = this.#state === "live";
    const peerState = this.#peer?.connectionState;
    if (peerState === "connected") {
      clearTimeout(this.#timer);
      if (this.#state !== "connecting") return;
      this.#setState("live");
      this.#opening?.resolve(this.stream);
    } else if (peerState === "disconnected" && wasLive) {
      this.#after(LOST_AFTER_MS, () => this.#explain(connectionLost()));
    } else if (peerState === "failed" || peerState === "closed") {
      this.#explain(wasLive ? connectionLost() : this.#noMediaPath());
    }
  }

  /** @param {MessageEvent} event */
  #onText({ data }) {
    if (this.#isClosed()) return;
    const message = parseObject(data);
    if (!message) return this.#emit("error", badMessage());
    this.#emit("message", message);
    if (message.type === "error") {
      const text = sentence(message.detail, "The server reported a fault.");
      this.#fault = new StreamError(String(message.code), text);
      this.#emit("error", this.#fault);
    } else if (message.type === "done") {
      this.#isDone = true;
      this.#after(CLOSED_AFTER_DONE_MS, () => this.#finish(COMPLETE));
    } else if (message.type === "closed") {
      const reason = sentence(message.reason, COMPLETE.reason);
      const code = String(message.code ?? COMPLETE.code);
      const error = this.#fault?.code === code ? this.#fault : null;
      this.#finish({ code, reason, error, isFreed: true });
    }
  }

  #onChannelClose() {
    if (this.#isDone) this.#finish(COMPLETE);
    else this.#explain(closedSilently());
  }

  /**
   * Ends the session for a reason that the server may know better.
   *
   * @param {StreamError} guess What to say if it does not.
   */
  async #explain(guess) {
    if (this.#isAsking || this.#isClosed()) return;
    this.#isAsking = true;
    clearTimeout(this.#timer);
    if (!this.sessionId) return this.#fail(guess);
    const id = encodeURIComponent(this.sessionId);
    const path = `/v1/stream/sessions/${id}/status`;
    try {
      const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      const response = await this.#request(path, { signal });
      const { detail, code } = await readJson(response);
      if (response.status !== 404 || !detail) return this.#fail(guess);
      const text = sentence(detail, guess.message);
      const told = new StreamError(String(code ?? guess.code), text);
      this.#fail(told, { isFreed: true });
    } catch (cause) {
      this.#fail(asStreamError(cause));
    }
  }

  /**
   * @param {StreamError} error
   * @param {{ isFreed?: boolean }} [options]
   */
  #fail(error, { isFreed = false } = {}) {
    this.#finish({ code: error.code, reason: error.message, error, isFreed });
  }

  /**
   * The one way out of every state. Listeners run before the peer is closed,
   * so that they can still draw its last picture.
   *
   * @param {{ code: string, reason: string, error?: StreamError | null, isFreed?: boolean }} end
   *   `isFreed`: the server has ended the session already.
   */
  #finish({ code, reason, error = null, isFreed = false }) {
    if (this.#isClosed()) return;
    clearTimeout(this.#timer);
    globalThis.removeEventListener("pagehide", this.#onPageHide);
    if (!isFreed) this.#freed = this.#free();
    this.#setState("closed");
    if (error && error !== this.#fault) this.#emit("error", error);
    this.#emit("closed", { reason, code, error });
    this.#opening?.reject(error ?? new StreamError(code, reason));
    this.#peer?.close();
  }

  /**
   * Frees the session on the server. While its answer is still to come, the
   * id that was asked for is freed at once, as the page may be gone before;
   * unless it was the caller's choice, for then it may be another's session.
   */
  async #free() {
    if (!this.#answered) return; // Nothing was offered.
    if (!this.sessionId) {
      if (!this.#options.sessionId) await this.#delete(this.#askedId);
      const late = await this.#answered.catch(() => null);
      if (!late) return; // It was refused.
      this.sessionId = late.id;
    }
    await this.#delete(this.sessionId);
  }

  /** @param {string} id */
  async #delete(id) {
    try {
      await this.#request(`/v1/stream/webrtc/${encodeURIComponent(id)}`, {
        method: "DELETE",
        keepalive: true, // It outlives the page.
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
    } catch (cause) {
      console.debug("telefuser: the server could not be told to stop", cause);
    }
  }

  #onPageHide = () => this.#finish(LEFT);

  /**
   * @param {string} path
   * @param {RequestInit} options
   */
  async #request(path, options) {
    try {
      return await fetch(this.#url + path, options);
    } catch (cause) {
      throw unreachable(this.#server, cause);
    }
  }

  /** How the sentences call the server. */
  get #server() {
    return this.#url ? `The server ${this.#url}` : "The server";
  }

  #noMediaPath() {
    const { iceServers = [] } = this.#options;
    return noMediaPath(this.#server, iceServers.length > 0);
  }

  #isClosed() {
    return this.#state === "closed";
  }

  /**
   * @param {number} ms
   * @param {() => void} then Replaces what was to happen later before.
   */
  #after(ms, then) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms);
  }

  /** @param {StreamState} state */
  #setState(state) {
    this.#state = state;
    this.#emit("state", state);
  }

  /**
   * @param {string} type
   * @param {unknown} detail
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/**
 * @param {Response} response
 * @returns {Promise<Record<string, unknown>>} Empty if the body is no object.
 */
async function readJson(response) {
  return parseObject(await response.text()) ?? {};
}

/**
 * @param {unknown} text
 * @returns {Record<string, unknown> | null}
 */
function parseObject(text) {
  if (typeof text !== "string") return null;
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/**
 * Resolves when all ICE candidates are gathered, or after the limit.
 *
 * @param {RTCPeerConnection} peer
 * @param {number} limitMs
 */
async function gathered(peer, limitMs) {
  if (peer.iceGatheringState === "complete") return;
  const complete = new Promise((resolve) => {
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState === "complete") resolve(undefined);
    });
  });
  await Promise.race([complete, delay(limitMs)]);
}

/** @param {number} ms */
function delay(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** 128 random bits; `crypto.randomUUID` is missing on pages without TLS. */
function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
