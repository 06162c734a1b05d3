// @ts-check
/**
 * The connection of one session: from the offer to the end, with a reason in
 * words whoever ended it. When the network is lost on the way it comes back by
 * itself. What flows over it is not its business, nor how the server is asked.
 *
 * @module
 */

import { bringBack } from "./telefuser-comeback.js";
import { watchDevice } from "./telefuser-device.js";
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
import { IceServers } from "./telefuser-ice.js";
import { Link } from "./telefuser-link.js";
import { Outbox } from "./telefuser-outbox.js";
import { ServerSession } from "./telefuser-session.js";
import { parseObject, REQUEST_TIMEOUT_MS, Signalling } from "./telefuser-signalling.js";
import { Alarm, delay, Pause } from "./telefuser-timer.js";

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
 * @property {() => void} resumed It is live again, after `state`.
 * @property {(track: MediaStreamTrack) => void} track
 * @property {(message: Record<string, any>) => void} message
 * @property {(error: StreamError) => void} error
 * @property {(end: StreamClosed) => void} closed
 */

/** A peer that stays disconnected for longer is brought back. */
const LOST_AFTER_MS = 1_500;
/** How long a peer whose ICE was restarted may take to come up before another takes its place. */
const RESTARTED_MS = 2_000;
/** The same for that other one, before the next try. */
const REPLACED_MS = 4_000;
/** How long the server's `closed` is awaited after its `done`. */
const CLOSED_AFTER_DONE_MS = 3_000;
/** How long the peer is watched after its channel closed: the one goes before the other. */
const CHANNEL_GRACE_MS = 500;
const CONNECT_MS = 15_000;
/** The same for an answer that has to wait for the pipeline. */
const TWO_WAY_ANSWER_MS = 35_000;
const LEFT = { code: "page_left", reason: "The page was left." };
const COMPLETE = { code: "done", reason: "The stream is complete." };

/** It opens once and closes once. */
export class Connection {
  /**
   * Once closed: resolves when the place is free, or after four seconds.
   *
   * @type {Promise<void> | null}
   */
  freed = null;
  signalling;

  #options;
  #listener;
  #session;
  #ice;
  /** @type {StreamState} */
  #state = "idle";
  /** @type {Link | null} */
  #link = null;
  /** @type {(lines: Lines) => Promise<unknown>} */
  #prepare = () => Promise.resolve();
  /** @type {{ resolve: () => void, reject: (error: StreamError) => void } | null} */
  #opening = null;
  #alarm = new Alarm();
  #outbox = new Outbox((error) => this.#listener.error(error));
  /** Between two tries to come back. */
  #pause = new Pause();
  /** @type {StreamError | null} The last one that the server told. */
  #fault = null;
  #unwatch = () => {};
  #isAsking = false;
  #isDone = false;

  /**
   * @param {StreamClientOptions} options
   * @param {ConnectionListener} listener
   */
  constructor(options, listener) {
    this.#options = options;
    this.#listener = listener;
    const signalling = this.signalling = new Signalling(options.serverUrl ?? "");
    this.#session = new ServerSession(signalling, options);
    const { iceServers, iceTransportPolicy } = options;
    this.#ice = new IceServers({ ask: () => signalling.iceServers(), iceServers, iceTransportPolicy });
  }

  get state() {
    return this.#state;
  }

  /** @returns {string | null} The server's id, once it has answered. */
  get sessionId() {
    return this.#session.id;
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
      this.#unwatch = watchDevice({ left: () => this.finish(LEFT), network: () => this.#onNetwork() });
      this.#open().catch((cause) => this.#fail(asStreamError(cause)));
    });
  }

  /**
   * @param {Message} message
   * @returns {boolean} False if nothing was sent; if that is for its size, an
   *   error is told. While the session comes back the message waits until it is.
   * @throws {TypeError} If it cannot be written as JSON.
   */
  send(message) {
    return this.#outbox.send(message, { link: this.#link, isAway: this.#isAway() });
  }

  async #open() {
    if (typeof RTCPeerConnection === "undefined") throw unsupported();
    await this.#ice.update(Date.now());
    if (this.#isClosed()) return;
    const link = this.#link = this.#makeLink();
    const sdp = await this.#describe(link);
    if (this.#isClosed() || sdp === null) return;

    const { connectTimeoutMs } = this.#options;
    const answerMs = connectTimeoutMs ?? (this.#isTwoWay ? TWO_WAY_ANSWER_MS : CONNECT_MS);
    const { server } = this.signalling;
    this.#alarm.set(answerMs, () => this.#fail(silent(server, answerMs)));
    const answer = await this.#session.begin(sdp);
    if (this.#isClosed()) return; // To free it awaits the late answer as well.
    this.#alarm.set(connectTimeoutMs ?? CONNECT_MS, () => this.#explain(this.#noMediaPath()));
    await link.accept(answer);
  }

  #makeLink() {
    /** @type {Link} */
    const link = new Link({
      ice: this.#ice.known,
      patch: (fragment) => this.#session.patch(fragment),
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

  #onPeerState() {
    const peerState = this.peer?.connectionState;
    if (peerState === "connected") return this.#onReady();
    if (this.#state === "live") {
      if (peerState === "disconnected") this.#alarm.set(LOST_AFTER_MS, () => this.#comeBack());
      else if (peerState === "failed") this.#comeBack();
    } else if (this.#state === "connecting" && peerState === "failed") {
      this.#explain(this.#noMediaPath());
    }
  }

  /** A part of the connection is there: live when all parts are. */
  #onReady() {
    if (!this.#link?.isUp) return;
    if (this.#isClosed()) return;
    this.#alarm.clear();
    const [wasOpening, wasAway] = [this.#state === "connecting", this.#isAway()];
    // Before what listeners send. Where messages do not have to flow, the channel may open later than the rest.
    this.#outbox.flush(this.#link);
    if (!this.#isClosed() && this.#state !== "live") this.#setState("live");
    if (this.#isClosed()) return; // By a listener.
    if (wasOpening) this.#session.keep();
    if (wasAway || wasOpening && this.#session.wasKept) this.#listener.resumed();
    this.#opening?.resolve();
  }

  /**
   * Brings a lost connection back for as long as the server holds the session:
   * first the same one by other ways, then another one.
   */
  async #comeBack() {
    if (this.#state !== "live") return;
    const limitMs = this.#session.holdMs;
    if (limitMs === 0) return void this.#explain(connectionLost());
    this.#alarm.clear();
    this.#setState("reconnecting");
    const ways = [
      { go: () => this.#restart(), limitMs: RESTARTED_MS },
      { go: () => this.#replace(), limitMs: REPLACED_MS },
    ];
    const isAway = () => {
      if (this.#isAway()) this.#onReady();
      return this.#isAway();
    };
    const pause = (/** @type {number} */ ms) => this.#pause.wait(ms);
    if (!await bringBack(ways, { limitMs, isAway, pause })) this.#explain(connectionLost());
  }

  /** @returns {Promise<boolean>} Whether the present peer may come back. */
  async #restart() {
    const link = this.#link;
    if (!link || link.peer.connectionState === "closed") return false;
    const ice = await this.#ice.update(Date.now());
    if (!this.#isAway()) return false;
    try {
      return await link.restart(ice);
    } catch (cause) {
      // 409: the server has lost the connection, not the session.
      if (cause instanceof StreamError && cause.status === 409) return false;
      throw cause;
    }
  }

  /** @returns {Promise<boolean>} Whether another peer has taken the place of the present one. */
  async #replace() {
    await this.#ice.update(Date.now());
    if (!this.#isAway()) return false;
    const link = this.#makeLink();
    try {
      const sdp = await this.#describe(link);
      if (sdp === null) return false;
      const answer = await this.#session.resume(sdp);
      if (this.#isClosed()) throw new StreamError("stopped", "The session was stopped meanwhile.");
      const before = this.#link;
      this.#link = link;
      before?.close();
      await link.accept(answer);
      return true;
    } catch (cause) {
      if (this.#link !== link) link.close();
      throw cause;
    }
  }

  /** @param {unknown} data */
  #onText(data) {
    if (this.#isClosed()) return;
    const message = parseObject(data);
    if (!message) return this.#listener.error(badMessage());
    if (!this.#session.isNew(message)) return;
    this.#listener.message(message);
    if (message.type === "error") {
      const text = sentence(message.detail, "The server reported a fault.");
      this.#fault = new StreamError(String(message.code), text);
      this.#listener.error(this.#fault);
    } else if (message.type === "done") {
      this.#isDone = true;
      this.#alarm.set(CLOSED_AFTER_DONE_MS, () => this.finish(COMPLETE));
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
    this.#alarm.clear();
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
    this.#alarm.clear();
    this.#unwatch();
    const isKept = code === LEFT.code && this.#session.leave();
    if (!isKept) this.#session.forget();
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

  /**
   * Frees the session on the server. The peer lives until that is done: a peer
   * that closes ends the session as well, but then the request finds none and
   * nobody knows when the place is free. If the request does not get through,
   * the channel may.
   */
  async #free() {
    if (!await this.#session.free()) this.send({ type: "stop" });
  }

  /** The device has a network again, perhaps another one. */
  #onNetwork() {
    if (this.#isAway()) this.#pause.end();
    if (this.#state === "live" && this.peer?.connectionState !== "connected") this.#comeBack();
  }

  get #isTwoWay() {
    return this.#options.bidirectional === true;
  }

  #noMediaPath() {
    const refusedBy = this.#link?.refusedBy;
    if (refusedBy) return turnUnauthorized(refusedBy);
    const hasIceServers = this.#ice.known.iceServers.length > 0;
    return noMediaPath(this.signalling.server, { hasIceServers, unreached: this.#link?.unreached ?? null });
  }

  #isAway() {
    return this.#state === "reconnecting";
  }

  #isClosed() {
    return this.#state === "closed";
  }

  /** @param {StreamState} state */
  #setState(state) {
    this.#state = state;
    this.#listener.state(state);
  }
}
