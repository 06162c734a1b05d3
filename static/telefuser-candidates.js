// @ts-check
/**
 * Tells the server the candidates of one round of ICE, in the order in which
 * they came up. Those that a broken network has swallowed are sent again.
 *
 * @module
 */

import { StreamError } from "./telefuser-errors.js";

/** Candidates that come up within this time are sent together. */
const BATCH_MS = 50;
/** How long to wait before each further try; after the last one it gives up. */
const RETRY_MS = [250, 500, 1_000, 2_000];

/**
 * @typedef {object} CandidateSenderOptions
 * @property {(candidates: string[], isEnd: boolean) => Promise<void>} send
 *   Rejects with a {@link StreamError} with the `status` of the refusal if the
 *   server was reached and wants none.
 * @property {boolean} tellsEnd Whether the server wants to know that there are
 *   no more.
 * @property {() => boolean} isSettled Whether the connection is up or closed: then
 *   nothing is tried again.
 */

export class CandidateSender {
  #options;
  /** @type {string[]} */
  #waiting = [];
  #isOpen = false;
  #isEnd = false;
  #isSending = false;
  #isOver = false;
  #failures = 0;
  /** @type {number | undefined} */
  #timer;

  /** @param {CandidateSenderOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @param {string} candidate As `candidate:…`. */
  add(candidate) {
    this.#waiting.push(candidate);
    this.#sendSoon(BATCH_MS);
  }

  /** There are no more. */
  end() {
    this.#isEnd = true;
    this.#sendSoon(BATCH_MS);
  }

  /** The server knows the connection: it may be told from now on. */
  open() {
    this.#isOpen = true;
    this.#sendSoon(BATCH_MS);
  }

  /** Nothing is sent any more. */
  close() {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  /** @param {number} ms */
  #sendSoon(ms) {
    if (!this.#isOpen || this.#isOver || this.#isSending || this.#timer !== undefined) return;
    if (this.#waiting.length === 0 && !(this.#isEnd && this.#options.tellsEnd)) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#send();
    }, ms);
  }

  async #send() {
    const { send, isSettled } = this.#options;
    const candidates = this.#waiting.splice(0);
    const isEnd = this.#isEnd;
    this.#isSending = true;
    try {
      await send(candidates, isEnd);
      this.#failures = 0;
      if (isEnd) this.close();
    } catch (cause) {
      console.debug("telefuser: candidates were not sent", cause);
      const wait = RETRY_MS[this.#failures++];
      if (isRefusal(cause) || wait === undefined || isSettled()) return this.close();
      this.#waiting.unshift(...candidates);
      this.#isSending = false;
      return this.#sendSoon(wait);
    }
    this.#isSending = false;
    this.#sendSoon(BATCH_MS);
  }
}

/**
 * Whether the server itself said no; its proxies may say what they like.
 *
 * @param {unknown} cause
 */
function isRefusal(cause) {
  return cause instanceof StreamError && cause.status !== undefined && cause.status < 500;
}
