// @ts-check
/**
 * The connection of one session: from the offer to the end, with a reason in
 * words whoever ended it. When the network is lost on the way it comes back by
 * itself. What flows over it is not its business.
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
  turnUnauthorized,
  unsupported,
} from "./telefuser-errors.js";
import { Link } from "./telefuser-link.js";
import { forgetSession, keepSession, keptSession, waitBefore } from "./telefuser-resume.js";
import { parseObject, REQUEST_TIMEOUT_MS, Signalling } from "./telefuser-signalling.js";

/** @typedef {import("./telefuser-client.js").StreamState} StreamState */
/** @typedef {import("./telefuser-client.js").StreamClosed} StreamClosed */
/** @typedef {import("./telefuser-client.js").StreamClientOptions} StreamClientOptions */
/** @typedef {import("./telefuser-client.js").Message} Message */
/** @typedef {Link["lines"]} Lines */

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

/** A peer that stays disconnected for longer is brought back. */
const LOST_AFTER_MS = 1_500;
/** How long the server may take to answer an offer to go on. */
const RESUME_ANSWER_MS = 6_000;
/** How long a restart, or a new peer, may take to come up before the next try. */
const COME_BACK_MS = 4_000;
/** How long the server's `closed` is awaited after its `done`. */
const CLOSED_AFTER_DONE_MS = 3_000;
/** How long the peer is watched after its channel closed: the one goes before the other. */
const CHANNEL_GRACE_MS = 500;
const CONNECT_MS = 15_000;
/** The same for an answer that has to wait for the pipeline. */
const TWO_WAY_ANSWER_MS = 35_000;
/** A timer that is later than this was held back: the page was hidden or asleep. */
const LATE_MS = 1_500;
/** Messages that wait while the connection is away; beyond that the oldest are dropped. */
const MAX_WAITING = 64;

const LEFT = { code: "page_left", reason: "The page was left." };
const COMPLETE = { code: "done", reason: "The stream is complete." };

/** It opens once and closes once. */
export class Connection {
  /** @type {string | null} The server's id, once it has answered. */
  sessionId = null;
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
  /** @type {Link | null} */
  #link = null;
  /** @type {(lines: Lines) => Promise<unknown>} */
  #prepare = () => Promise.resolve();
  /** @type {Pick<RTCConfiguration, "iceServers" | "iceTransportPolicy"> | null} */
  #ice = null;
  /** @type {Promise<import("./telefuser-signalling.js").Answer> | null} */
  #answered = null;
  #token = "";
  #holdSeconds = 0;
  #lastMessage = 0;
  /** @type {{ resolve: () => void, reject: (error: StreamError) => void } | null} */
  #opening = null;
  /** @type {number | undefined} */
  #timer;
  /** @type {StreamError | null} The last one that the server told. */
  #fault = null;
  /** @type {Message[]} */
  #waiting = [];
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

  /** @returns {RTCPeerConnection | null} The present one. */
  get peer() {
    return this.#link?.peer ?? null;
  }

  /** @returns {Lines | null} */
  get lines() {
    return this.#link?.lines ?? null;
  }

  /**
   * Opens the session; to be called once.
   *
   * @param {(lines: Lines) => Promise<unknown>} prepare Runs before each offer
   *   is made.
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
      this.#prepare = prepare;
      this.#setState("connecting");
      globalThis.addEventListener("pagehide", this.#onPageHide);
      globalThis.addEventListener("online", this.#onOnline);
      network()?.addEventListener("change", this.#onOnline);
      this.#open().catch((cause) => this.#fail(asStreamError(cause)));
    });
  }

  /**
   * @param {Message} message
   * @returns {boolean} False if nothing was sent. While the session comes back
   *   the message waits until it is.
   */
  send(message) {
    if (this.#state === "reconnecting") {
      if (this.#waiting.push(message) > MAX_WAITING) this.#waiting.shift();
      return true;
    }
    const channel = this.#link?.channel;
    if (channel?.readyState !== "open") return false;
    channel.send(JSON.stringify(message));
    return true;
  }

  async #open() {
    if (typeof RTCPeerConnection === "undefined") throw unsupported();
    const { iceServers, iceTransportPolicy } = this.#options;
    const ice = iceServers ? { iceServers } : await this.signalling.iceServers();
    this.#ice = iceTransportPolicy ? { ...ice, iceTransportPolicy } : ice;
    if (this.#isClosed()) return;
    const link = this.#link = this.#makeLink();
    const sdp = await this.#describe(link);
    if (this.#isClosed() || sdp === null) return;

    const { connectTimeoutMs } = this.#options;
    const answerMs = connectTimeoutMs ?? (this.#isTwoWay ? TWO_WAY_ANSWER_MS : CONNECT_MS);
    const { server } = this.signalling;
    this.#after(answerMs, () => this.#fail(silent(server, answerMs)));
    this.#answered = this.#firstOffer(sdp);
    const answer = await this.#answered;
    if (this.#isClosed()) return; // #free() awaits the late answer as well.
    this.#take(answer);
    this.#after(connectTimeoutMs ?? CONNECT_MS, () => this.#explain(this.#noMediaPath()));
    await link.accept(answer.sdp, this.#patch);
  }

  /**
   * Offers to go on with a session that was kept for this page, if there is
   * one; else to begin one.
   *
   * @param {string} sdp
   */
  async #firstOffer(sdp) {
    const { resumeKey } = this.#options;
    const kept = resumeKey ? keptSession(resumeKey, Date.now()) : null;
    if (kept) {
      try {
        const answer = await this.#offer(sdp, {
          session_id: kept.id,
          resume_token: kept.token,
          last_message: kept.lastMessage,
        });
        this.#lastMessage = kept.lastMessage;
        return answer;
      } catch (cause) {
        // It is over: a new one begins.
        if (!(cause instanceof StreamError) || cause.status === undefined || cause.status >= 500) throw cause;
      }
    }
    return await this.#offer(sdp, { session_id: this.#askedId });
  }

  /**
   * @param {string} sdp
   * @param {Record<string, unknown> & { limitMs?: number }} session Which one.
   */
  #offer(sdp, { limitMs, ...session }) {
    const { task = this.#isTwoWay ? "bidirectional" : "t2v", prompt, fps, config, extra, resumeKey } = this.#options;
    const resumable = resumeKey !== undefined;
    return this.signalling.offer({
      sdp,
      type: "offer",
      task,
      prompt,
      fps,
      config,
      ...extra,
      trickle: true,
      resumable,
      ...session,
    }, limitMs === undefined ? {} : { limitMs });
  }

  /** @param {import("./telefuser-signalling.js").Answer} answer */
  #take({ id, token, holdSeconds }) {
    this.sessionId = id;
    this.#token = token;
    this.#holdSeconds = holdSeconds;
  }

  #makeLink() {
    const { iceServers = [], iceTransportPolicy = "all" } = this.#ice ?? {};
    /** @type {Link} */
    const link = new Link({
      iceServers,
      iceTransportPolicy,
      isTwoWay: this.#isTwoWay,
      listener: {
        peerState: () => link === this.#link && this.#onPeerState(),
        channelOpen: () => link === this.#link && this.#onReady(),
        text: (data) => link === this.#link && this.#onText(data),
        channelClosed: () => link === this.#link && this.#onChannelClose(link),
        track: (track) => this.#listener.track(track),
        noCandidates: (error) => link === this.#link && this.#state === "connecting" && this.#fail(error),
      },
    });
    return link;
  }

  /**
   * @param {Link} link
   * @returns {Promise<string | null>} Null if it was closed.
   */
  async #describe(link) {
    await this.#prepare(link.lines);
    return (await link.describe(this.#options.iceGatherTimeoutMs ?? 0))?.sdp ?? null;
  }

  /** @param {string} fragment */
  #patch = (fragment) => this.signalling.patch(this.sessionId ?? "", fragment);

  #onPeerState() {
    const peerState = this.peer?.connectionState;
    if (peerState === "connected") return this.#onReady();
    if (this.#state === "live") {
      if (peerState === "disconnected") this.#after(LOST_AFTER_MS, () => this.#comeBack());
      else if (peerState === "failed") this.#comeBack();
    } else if (this.#state === "connecting" && peerState === "failed") {
      this.#explain(this.#noMediaPath());
    }
  }

  /** A part of the connection is there: live when all parts are. */
  #onReady() {
    if (!this.#link?.isUp) return;
    if (this.#state === "live") return clearTimeout(this.#timer);
    if (this.#state !== "connecting" && this.#state !== "reconnecting") return;
    clearTimeout(this.#timer);
    this.#setState("live");
    this.#opening?.resolve();
    for (const message of this.#waiting.splice(0)) this.send(message);
  }

  /**
   * Brings a lost connection back for as long as the server holds the session:
   * first the same one by other ways, then another one.
   */
  async #comeBack() {
    if (this.#state !== "live") return;
    if (!this.#token || this.#holdSeconds === 0) return void this.#explain(connectionLost());
    clearTimeout(this.#timer);
    this.#setState("reconnecting");
    const until = performance.now() + this.#holdSeconds * 1000;
    for (let attempt = 0; performance.now() < until; attempt++) {
      await delay(waitBefore(attempt));
      if (!this.#isAway()) return;
      try {
        const isGoing = await this.#restart() || await this.#replace();
        if (isGoing && await this.#isBack(COME_BACK_MS)) return;
      } catch (cause) {
        const error = asStreamError(cause);
        if (error.status === 404 || error.status === 403) return void this.#explain(connectionLost());
        console.debug("telefuser: not back yet", cause);
      }
    }
    if (this.#isAway()) this.#explain(connectionLost());
  }

  /** @returns {Promise<boolean>} Whether the present peer is back, or may come back. */
  async #restart() {
    const link = this.#link;
    if (!link || link.peer.connectionState === "closed") return false;
    try {
      if (!await link.restart(this.#patch)) return false;
    } catch (cause) {
      // 409: the server has lost the connection, not the session.
      if (cause instanceof StreamError && cause.status === 409) return false;
      throw cause;
    }
    return await this.#isBack(COME_BACK_MS / 2);
  }

  /** @returns {Promise<boolean>} Whether another peer has taken the place of the present one. */
  async #replace() {
    if (!this.#isAway()) return false;
    const link = this.#makeLink();
    try {
      const sdp = await this.#describe(link);
      if (sdp === null) return false;
      const session = {
        session_id: this.sessionId,
        resume_token: this.#token,
        last_message: this.#lastMessage,
        limitMs: RESUME_ANSWER_MS,
      };
      const answer = await this.#offer(sdp, session);
      if (this.#isClosed()) throw new StreamError("stopped", "The session was stopped meanwhile.");
      const before = this.#link;
      this.#link = link;
      before?.close();
      this.#take(answer);
      await link.accept(answer.sdp, this.#patch);
      return true;
    } catch (cause) {
      if (this.#link !== link) link.close();
      throw cause;
    }
  }

  /**
   * @param {number} limitMs
   * @returns {Promise<boolean>} Whether it is live again within the limit.
   */
  async #isBack(limitMs) {
    const until = performance.now() + limitMs;
    while (this.#isAway() && performance.now() < until) {
      if (this.#link?.isUp) this.#onReady();
      else await delay(50);
    }
    return !this.#isAway();
  }

  /** @param {unknown} data */
  #onText(data) {
    if (this.#isClosed()) return;
    const message = parseObject(data);
    if (!message) return this.#listener.error(badMessage());
    if (typeof message.sequence === "number") {
      if (message.sequence <= this.#lastMessage) return; // It came before the connection was lost.
      this.#lastMessage = message.sequence;
    }
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

  /** @param {Link} link */
  async #onChannelClose(link) {
    if (this.#isDone) return this.finish(COMPLETE);
    await delay(CHANNEL_GRACE_MS);
    if (link !== this.#link || this.#state === "reconnecting") return;
    if (link.peer.connectionState === "connected") this.#explain(closedSilently());
    else this.#comeBack();
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
    globalThis.removeEventListener("online", this.#onOnline);
    network()?.removeEventListener("change", this.#onOnline);
    const isKept = code === LEFT.code && this.#keep();
    if (!isKept && this.#options.resumeKey) forgetSession(this.#options.resumeKey);
    if (!isFreed && !isKept) this.freed = Promise.race([this.#free(), delay(REQUEST_TIMEOUT_MS)]);
    this.#setState("closed");
    if (error && error !== this.#fault) this.#listener.error(error);
    this.#listener.closed({ reason, code, error });
    this.#opening?.reject(error ?? new StreamError(code, reason));
    this.#fallSilent();
    if (isFreed || code === LEFT.code) this.#link?.close();
    else this.freed?.then(() => this.#link?.close());
  }

  /** Nothing is heard and nothing is sent any more, whenever the peer is closed. */
  #fallSilent() {
    if (!this.lines || this.peer?.signalingState === "closed") return;
    const { audio, video } = this.lines;
    audio.receiver.track.enabled = false;
    for (const { sender } of [audio, video]) if (sender.track) sender.replaceTrack(null);
  }

  /** @returns {boolean} Whether the session is kept for the next page of this tab. */
  #keep() {
    const { resumeKey } = this.#options;
    if (!resumeKey || !this.sessionId || !this.#token || this.#holdSeconds === 0) return false;
    const [id, token, lastMessage, holdSeconds] = [this.sessionId, this.#token, this.#lastMessage, this.#holdSeconds];
    keepSession(resumeKey, { id, token, lastMessage, holdSeconds, keptAt: Date.now() });
    return true;
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

  /** The device has a network again, perhaps another one. */
  #onOnline = () => {
    if (this.#state === "live" && this.peer?.connectionState !== "connected") this.#comeBack();
  };

  get #isTwoWay() {
    return this.#options.bidirectional === true;
  }

  #noMediaPath() {
    const refusedBy = this.#link?.refusedBy;
    if (refusedBy) return turnUnauthorized(refusedBy);
    const hasIceServers = (this.#ice?.iceServers ?? []).length > 0;
    return noMediaPath(this.signalling.server, { hasIceServers, unreached: this.#link?.unreached ?? null });
  }

  #isAway() {
    return this.#state === "reconnecting";
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

/**
 * Where the browser tells that the device has changed its network.
 *
 * @returns {EventTarget | null}
 */
function network() {
  return "connection" in navigator && navigator.connection instanceof EventTarget ? navigator.connection : null;
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
