// @ts-check
/**
 * The STUN and TURN servers of a connection. Credentials of TURN may hold for a
 * limited time only, so they are asked for again while they are still good.
 *
 * @module
 */

/** @typedef {Pick<RTCConfiguration, "iceServers" | "iceTransportPolicy">} IceConfiguration */

/**
 * @typedef {object} GivenIceServers
 * @property {RTCIceServer[]} iceServers
 * @property {RTCIceTransportPolicy} iceTransportPolicy
 * @property {number | null} ttlSeconds For how long they are good; null: always.
 */

/** From this share of their time on, they are asked for again. */
const RENEW_AT = 0.5;

export class IceServers {
  #ask;
  #iceServers;
  #iceTransportPolicy;
  /** @type {GivenIceServers | null} */
  #given = null;
  #givenAt = 0;

  /**
   * @param {object} options
   * @param {() => Promise<GivenIceServers | null>} options.ask Asks the server;
   *   null if it does not say.
   * @param {RTCIceServer[] | undefined} options.iceServers The caller's own: then
   *   the server is never asked.
   * @param {RTCIceTransportPolicy | undefined} options.iceTransportPolicy Goes
   *   before that of the server.
   */
  constructor({ ask, iceServers, iceTransportPolicy }) {
    this.#ask = ask;
    this.#iceServers = iceServers;
    this.#iceTransportPolicy = iceTransportPolicy;
  }

  /** What is known now. */
  get known() {
    return {
      iceServers: this.#iceServers ?? this.#given?.iceServers ?? [],
      iceTransportPolicy: this.#iceTransportPolicy ??
        (this.#iceServers ? "all" : this.#given?.iceTransportPolicy ?? "all"),
    };
  }

  /**
   * Brings them up to date. If the server does not say, those that are known
   * stay; never rejects.
   *
   * @param {number} now Milliseconds since 1970: they grow old while the device
   *   is asleep, too.
   */
  async update(now) {
    if (!this.#iceServers && this.#isOld(now)) {
      const given = await this.#ask();
      if (given) {
        this.#given = given;
        this.#givenAt = now;
      }
    }
    return this.known;
  }

  /** @param {number} now */
  #isOld(now) {
    if (!this.#given) return true;
    const { ttlSeconds } = this.#given;
    return ttlSeconds !== null && now - this.#givenAt >= ttlSeconds * 1000 * RENEW_AT;
  }
}
