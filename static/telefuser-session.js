// @ts-check
/**
 * A session as its server has it: how it is asked for, taken up again by another
 * connection, kept for the next page and freed. Peers are not its business.
 *
 * @module
 */

import { StreamError } from "./telefuser-errors.js";
import { SessionKeeper } from "./telefuser-resume.js";

/** @typedef {import("./telefuser-client.js").StreamClientOptions} StreamClientOptions */
/** @typedef {import("./telefuser-signalling.js").Signalling} Signalling */
/** @typedef {import("./telefuser-signalling.js").Answer} Answer */

/** How long the server may take to answer an offer to go on. */
const RESUME_ANSWER_MS = 6_000;

/** It begins once and ends once. */
export class ServerSession {
  /** @type {string | null} The server's id, once it has answered. */
  id = null;
  /** Whether it was an earlier page's. */
  wasKept = false;

  #signalling;
  #options;
  #keeper;
  /** @type {string} The id that the offer asks for. */
  #askedId;
  /** @type {Promise<Answer> | null} */
  #answered = null;
  #token = "";
  #holdSeconds = 0;
  #lastMessage = 0;
  #isOver = false;

  /**
   * @param {Signalling} signalling
   * @param {StreamClientOptions} options
   */
  constructor(signalling, options) {
    this.#signalling = signalling;
    this.#options = options;
    this.#askedId = options.sessionId ?? randomId();
    this.#keeper = options.resumeKey ? new SessionKeeper(options.resumeKey) : null;
  }

  /** For how long the server holds it once its connection is lost; 0 if it does not. */
  get holdMs() {
    return this.#token ? this.#holdSeconds * 1000 : 0;
  }

  /**
   * Offers to go on with a session that was kept for this page, if there is
   * one; else to begin one.
   *
   * @param {string} sdp
   * @returns {Promise<string>} The answer's SDP.
   * @throws {StreamError} If the server refuses, or is none.
   */
  async begin(sdp) {
    this.#answered = this.#begin(sdp);
    return this.#take(await this.#answered);
  }

  /**
   * Offers to go on with this session over another connection.
   *
   * @param {string} sdp
   * @returns {Promise<string>} The answer's SDP.
   * @throws {StreamError} With status 404 if it is over.
   */
  async resume(sdp) {
    const session = { session_id: this.id, resume_token: this.#token, last_message: this.#lastMessage };
    return this.#take(await this.#offer(sdp, { ...session, limitMs: RESUME_ANSWER_MS }));
  }

  /**
   * Sends an SDP fragment; null if the server has nothing to tell.
   *
   * @param {string} fragment
   */
  async patch(fragment) {
    return await this.#signalling.patch(this.id ?? "", fragment);
  }

  /**
   * Whether a message has not come before: what was underway when a connection
   * was lost is sent again.
   *
   * @param {Record<string, unknown>} message
   */
  isNew({ sequence }) {
    if (typeof sequence !== "number") return true;
    if (sequence <= this.#lastMessage) return false;
    this.#lastMessage = sequence;
    return true;
  }

  /** It is up: from now on it is kept for the next page. */
  keep() {
    if (this.holdMs > 0) this.#keeper?.begin(() => this.#toKeep());
  }

  /** @returns {boolean} Whether it stays for the next page, as this one is left. */
  leave() {
    if (!this.#keeper || !this.id || this.holdMs === 0) return false;
    this.#isOver = true;
    this.#keeper.leave(this.#toKeep());
    return true;
  }

  /** It is over: the next page begins another. */
  forget() {
    this.#isOver = true;
    this.#keeper?.forget();
  }

  /**
   * Frees it on the server. While the answer is still to come, the id that was
   * asked for is freed at once, as the page may be gone before; unless it was the
   * caller's choice, for then it may be another's session.
   *
   * @returns {Promise<boolean>} False if the server does not know that it is free.
   */
  async free() {
    if (!this.#answered) return true; // Nothing was offered.
    if (!this.id) {
      if (!this.#options.sessionId) await this.#signalling.free(this.#askedId);
      const late = await this.#answered.catch(() => null);
      if (!late) return true; // It was refused.
      this.#take(late);
    }
    return await this.#signalling.free(this.id ?? "");
  }

  /** @param {string} sdp */
  async #begin(sdp) {
    const kept = await this.#keeper?.claim();
    if (this.#isOver) throw stoppedMeanwhile();
    if (kept) {
      const session = { session_id: kept.id, resume_token: kept.token, last_message: kept.lastMessage };
      try {
        const answer = await this.#offer(sdp, session);
        this.#lastMessage = kept.lastMessage;
        this.wasKept = true;
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
    const { bidirectional, prompt, fps, config, extra, resumeKey } = this.#options;
    const { task = bidirectional ? "bidirectional" : "t2v" } = this.#options;
    const fields = { sdp, type: "offer", task, prompt, fps, config, ...extra, trickle: true };
    const resumable = resumeKey !== undefined;
    return this.#signalling.offer({ ...fields, resumable, ...session }, limitMs === undefined ? {} : { limitMs });
  }

  /** @param {Answer} answer */
  #take({ id, sdp, token, holdSeconds }) {
    this.id = id;
    this.#token = token;
    this.#holdSeconds = holdSeconds;
    return sdp;
  }

  #toKeep() {
    const [id, token, lastMessage, holdSeconds] = [this.id ?? "", this.#token, this.#lastMessage, this.#holdSeconds];
    return { id, token, lastMessage, holdSeconds, keptAt: Date.now() };
  }
}

function stoppedMeanwhile() {
  return new StreamError("stopped", "The session was stopped meanwhile.");
}

/** 128 random bits; `crypto.randomUUID` is missing on pages without TLS. */
function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
