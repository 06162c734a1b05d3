// @ts-check
/**
 * Messages that wait for a connection that is coming back.
 *
 * @module
 */

/** @typedef {import("./telefuser-client.js").Message} Message */

/** How many wait at most. */
export const MAX_WAITING = 64;

/**
 * First in, first out. Of more than {@link MAX_WAITING} messages the oldest are
 * dropped: what the user did last is what counts.
 */
export class Outbox {
  /** @type {Message[]} */
  #waiting = [];

  /** @param {Message} message */
  add(message) {
    this.#waiting.push(message);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
  }

  /**
   * Sends what waits, the oldest first, until one cannot be sent: it goes on
   * waiting, and with it all that came after it.
   *
   * @param {(message: Message) => boolean} send False if it was not sent.
   */
  flush(send) {
    while (this.#waiting[0] && send(this.#waiting[0])) this.#waiting.shift();
  }
}
