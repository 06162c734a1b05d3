// @ts-check
/**
 * The connection of one session: from the offer to the end, with a reason in
 * words whoever ended it. What flows over it is not its business.
 *
 * @module
 */

import {
  asStreamError,
  badMessage,
  closedSilently,
  connectionLost,
  noMediaPath,
  sentence,
  silent,
  StreamError,
  unsupported,
} from "./telefuser-errors.js";
import { addMedia, describe } from "./telefuser-media.js";
import { parseObject, REQUEST_TIMEOUT_MS, Signalling } from "./telefuser-signalling.js";

/** @typedef {import("./telefuser-client.js").StreamState} StreamState */
/** @typedef {import("./telefuser-client.js").StreamClosed} StreamClosed */
/** @typedef {import("./telefuser-client.js").StreamClientOptions} StreamClientOptions */
/** @typedef {import("./telefuser-client.js").Message} Message */

/**
 * Whom it tells. `closed` is the last call, before the peer is closed, so that
 * the last picture can still be drawn.
 *
 * @typedef {object} ConnectionListener
 * @property {(state: StreamState) => void} state
 * @property {(track: MediaStreamTrack) => void} track
 * @property {(message: Record<string, any>) => void} message
 * @property {(error: StreamError) => void} error
 * @property {(end: StreamClosed) => void} closed
 */

/** A peer that stays disconnected for longer is given up. */
const LOST_AFTER_MS = 8_000;
/** How long the server's `closed` is awaited after its `done`. */
const CLOSED_AFTER_DONE_MS = 3_000;
const CONNECT_MS = 15_000;
/** The same for an answer that has to wait for the pipeline. */
const TWO_WAY_ANSWER_MS = 35_000;
/** A timer that is later than this was held back: the page was hidden or asleep. */
const LATE_MS = 1_500;

const LEFT = { code: "page_left", reason: "The page was left." };
const COMPLETE = { code: "done", reason: "The stream is complete." };

/** It opens once and closes once. */
export class Connection {
  /** @type {string | null} The server's id, once it has answered. */
  sessionId = null;
  /** @type {RTCPeerConnection | null} */
  peer = null;
  /** @type {ReturnType<typeof addMedia> | null} */
  lines = null;
  /**
   * Once closed: resolves when the place is free, or after four seconds.
   *
   * @type {Promise<void> | null}
   */
  freed = null;
  signalling;

  #options;
  #listener;
  /** @type {string} The id that the offer asks for. */
  #askedId;
  /** @type {StreamState} */
  #state = "idle";
  /** @type {RTCDataChannel | null} */
  #channel = null;
  /** @type {Promise<{ id: string, sdp: string }> | null} */
  #answered = null;
  /** @type {{ resolve: () => void, reject: (error: StreamError) => void } | null} */
  #opening = null;
  /** @type {number | undefined} */
  #timer;
  /** @type {StreamError | null} The last one that the server told. */
  #fault = null;
  #isAsking = false;
  #isDone = false;

  /**
   * @param {StreamClientOptions} options
   * @param {ConnectionListener} listener
   */
  constructor(options, listener) {
    this.#options = options;
    this.#listener = listener;
    this.#askedId = options.sessionId ?? randomId();
    this.signalling = new Signalling(options.serverUrl ?? "");
  }

  get state() {
    return this.#state;
  }

  /**
   * Opens the session; to be called once.
   *
   * @param {(lines: ReturnType<typeof addMedia>) => Promise<unknown>} prepare Runs
   *   before the offer is made.
   * @returns {Promise<void>} Resolves when all that was asked for can flow;
   *   rejects with a {@link StreamError} if the session ends before that.
   */
  open(prepare) {
    return new Promise((resolve, reject) => {
      if (this.#isClosed()) {
        const text = "This client has been stopped: make a new one.";
        return reject(new StreamError("stopped", text));
      }
      this.#opening = { resolve, reject };
      this.#setState("connecting");
      globalThis.addEventListener("pagehide", this.#onPageHide);
      this.#open(prepare).catch((cause) => this.#fail(asStreamError(cause)));
    });
  }

  /**
   * @param {Message} message
   * @returns {boolean} False if the channel is not open and nothing was sent.
   */
  send(message) {
    if (this.#channel?.readyState !== "open") return false;
    this.#channel.send(JSON.stringify(message));
    return true;
  }

  /** @param {(lines: ReturnType<typeof addMedia>) => Promise<unknown>} prepare */
  async #open(prepare) {
    if (typeof RTCPeerConnection === "undefined") throw unsupported();
    const { iceServers = [], iceTransportPolicy = "all", iceGatherTimeoutMs = 0 } = this.#options;
    const peer = new RTCPeerConnection({ iceServers, iceTransportPolicy });
    this.peer = peer;
    peer.addEventListener("connectionstatechange", () => this.#onPeerState());
    peer.addEventListener("track", (event) => {
      this.#listener.track(event.track);
    });
    this.#channel = peer.createDataChannel("telefuser");
    this.#channel.addEventListener("open", () => this.#onReady());
    this.#channel.addEventListener("message", (event) => this.#onText(event));
    this.#channel.addEventListener("close", () => this.#onChannelClose());
    this.lines = addMedia(peer, this.#isTwoWay);
    await prepare(this.lines);
    const description = await describe(peer, iceGatherTimeoutMs);
    if (this.#isClosed() || !description) return;

    const { connectTimeoutMs } = this.#options;
    const answerMs = connectTimeoutMs ?? (this.#isTwoWay ? TWO_WAY_ANSWER_MS : CONNECT_MS);
    const { server } = this.signalling;
    this.#after(answerMs, () => this.#fail(silent(server, answerMs)));
    this.#answered = this.#offer(description);
    const { id, sdp } = await this.#answered;
    if (this.#isClosed()) return; // #free() awaits the late answer as well.
    this.sessionId = id;
    this.#after(connectTimeoutMs ?? CONNECT_MS, () => this.#explain(this.#noMediaPath()));
    await peer.setRemoteDescription({ type: "answer", sdp });
  }

  /** @param {RTCSessionDescription} description */
  #offer({ sdp, type }) {
    const { task = this.#isTwoWay ? "bidirectional" : "t2v", prompt, fps, config, extra } = this.#options;
    return this.signalling.offer({ sdp, type, task, prompt, fps, config, session_id: this.#askedId, ...extra });
  }

  #onPeerState() {
    const wasLive = this.#state === "live";
    const peerState = this.peer?.connectionState;
    if (peerState === "connected") {
      if (wasLive) clearTimeout(this.#timer);
      else this.#onReady();
    } else if (peerState === "disconnected" && wasLive) {
      this.#after(LOST_AFTER_MS, () => this.#explain(connectionLost()));
    } else if (peerState === "failed" || peerState === "closed") {
      this.#explain(wasLive ? connectionLost() : this.#noMediaPath());
    }
  }

  /** A part of the connection is there: live when all parts are. */
  #onReady() {
    if (this.#state !== "connecting" || this.peer?.connectionState !== "connected") return;
    if (this.#isTwoWay && this.#channel?.readyState !== "open") return;
    clearTimeout(this.#timer);
    this.#setState("live");
    this.#opening?.resolve();
  }

  /** @param {MessageEvent} event */
  #onText({ data }) {
    if (this.#isClosed()) return;
    const message = parseObject(data);
    if (!message) return this.#listener.error(badMessage());
    this.#listener.message(message);
    if (message.type === "error") {
      const text = sentence(message.detail, "The server reported a fault.");
      this.#fault = new StreamError(String(message.code), text);
      this.#listener.error(this.#fault);
    } else if (message.type === "done") {
      this.#isDone = true;
      this.#after(CLOSED_AFTER_DONE_MS, () => this.finish(COMPLETE));
    } else if (message.type === "closed") {
      const reason = sentence(message.reason, COMPLETE.reason);
      const code = String(message.code ?? COMPLETE.code);
      const error = this.#fault?.code === code ? this.#fault : null;
      this.finish({ code, reason, error, isFreed: true });
    }
  }

  #onChannelClose() {
    if (this.#isDone) this.finish(COMPLETE);
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
    try {
      const { error, isFreed } = await this.signalling.reason(this.sessionId, guess);
      this.#fail(error, { isFreed });
    } catch (cause) {
      this.#fail(asStreamError(cause));
    }
  }

  /**
   * @param {StreamError} error
   * @param {{ isFreed?: boolean }} [options]
   */
  #fail(error, { isFreed = false } = {}) {
    this.finish({ code: error.code, reason: error.message, error, isFreed });
  }

  /**
   * The one way out of every state. Listeners run before the peer is closed,
   * so that they can still draw its last picture.
   *
   * @param {{ code: string, reason: string, error?: StreamError | null, isFreed?: boolean }} end
   *   `isFreed`: the server has ended the session already.
   */
  finish({ code, reason, error = null, isFreed = false }) {
    if (this.#isClosed()) return;
    clearTimeout(this.#timer);
    globalThis.removeEventListener("pagehide", this.#onPageHide);
    if (!isFreed) this.freed = Promise.race([this.#free(), delay(REQUEST_TIMEOUT_MS)]);
    this.#setState("closed");
    if (error && error !== this.#fault) this.#listener.error(error);
    this.#listener.closed({ reason, code, error });
    this.#opening?.reject(error ?? new StreamError(code, reason));
    this.#fallSilent();
    if (isFreed || code === LEFT.code) this.peer?.close();
    else this.freed?.then(() => this.peer?.close());
  }

  /** Nothing is heard and nothing is sent any more, whenever the peer is closed. */
  #fallSilent() {
    if (!this.lines || this.peer?.signalingState === "closed") return;
    const { audio, video } = this.lines;
    audio.receiver.track.enabled = false;
    for (const { sender } of [audio, video]) if (sender.track) sender.replaceTrack(null);
  }

  /**
   * Frees the session on the server. The peer lives until that is done: a peer
   * that closes ends the session as well, but then the request finds none and
   * nobody knows when the place is free. If the request does not get through,
   * the channel may.
   *
   * While the answer is still to come, the id that was asked for is freed at
   * once, as the page may be gone before; unless it was the caller's choice, for
   * then it may be another's session.
   */
  async #free() {
    if (!this.#answered) return; // Nothing was offered.
    if (!this.sessionId) {
      if (!this.#options.sessionId) await this.signalling.free(this.#askedId);
      const late = await this.#answered.catch(() => null);
      if (!late) return; // It was refused.
      this.sessionId = late.id;
    }
    if (!await this.signalling.free(this.sessionId)) this.send({ type: "stop" });
  }

  #onPageHide = () => this.finish(LEFT);

  get #isTwoWay() {
    return this.#options.bidirectional === true;
  }

  #noMediaPath() {
    const { iceServers = [] } = this.#options;
    return noMediaPath(this.signalling.server, iceServers.length > 0);
  }

  #isClosed() {
    return this.#state === "closed";
  }

  /**
   * @param {number} ms
   * @param {() => void} then Replaces what was to happen later before. A timer
   *   that was held back begins again, as what it waits for was held back too.
   */
  #after(ms, then) {
    clearTimeout(this.#timer);
    const due = performance.now() + ms;
    this.#timer = setTimeout(() => {
      if (performance.now() - due > LATE_MS) this.#after(ms, then);
      else then();
    }, ms);
  }

  /** @param {StreamState} state */
  #setState(state) {
    this.#state = state;
    this.#listener.state(state);
  }
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
