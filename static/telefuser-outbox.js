// @ts-check
/**
 * Messages to the server: they are sent at once, or wait for a connection that
 * is coming back.
 *
 * @module
 */

import { asStreamError } from "./telefuser-errors.js";

/** @typedef {import("./telefuser-client.js").Message} Message */
/** @typedef {import("./telefuser-errors.js").StreamError} StreamError */
/** @typedef {Pick<import("./telefuser-link.js").Link, "send" | "checkSize">} Way What messages are sent over. */

/** How many wait at most. */
export const MAX_WAITING = 64;

/**
 * First in, first out. Of more than {@link MAX_WAITING} messages the oldest are
 * dropped: what the user did last is what counts.
 */
export class Outbox {
  /** @type {string[]} */
  #waiting = [];
  #onError;

  /** @param {(error: StreamError) => void} onError Is told of messages that can never be sent. */
  constructor(onError) {
    this.#onError = onError;
  }

  /**
   * @param {Message} message
   * @param {{ link: Way | null, isAway: boolean }} options `isAway`: it waits for
   *   {@link flush}.
   * @returns {boolean} False if it was not sent and does not wait.
   * @throws {TypeError} If it cannot be written as JSON.
   */
  send(message, { link, isAway }) {
    const text = JSON.stringify(message);
    try {
      if (!isAway) return link?.send(text) ?? false;
      link?.checkSize(text);
    } catch (cause) {
      this.#onError(asStreamError(cause));
      return false;
    }
    this.#waiting.push(text);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    return true;
  }

  /**
   * Sends what waits, the oldest first, until the way takes no more: the rest
   * goes on waiting.
   *
   * @param {Way} link
   */
  flush(link) {
    for (const text of [...this.#waiting]) {
      try {
        if (!link.send(text)) return;
      } catch (cause) {
        this.#onError(asStreamError(cause));
      }
      this.#waiting.shift();
    }
  }
}
