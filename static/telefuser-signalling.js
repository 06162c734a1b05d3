// @ts-check
/**
 * The requests of a session to its server.
 *
 * @module
 */

import { notAStreamServer, refused, sentence, StreamError, unreachable } from "./telefuser-errors.js";

/** Limit for the small requests: to free a session, to ask for its status. */
export const REQUEST_TIMEOUT_MS = 4_000;

const ICE_SERVERS_TIMEOUT_MS = 3_000;

/**
 * @typedef {object} Answer
 * @property {string} id
 * @property {string} sdp
 * @property {string} token With it the session can be taken over; empty if it
 *   cannot.
 * @property {number} holdSeconds For how long it can after the connection was
 *   lost.
 */

/** One server, by its address. */
export class Signalling {
  #url;

  /** @param {string} serverUrl Empty: the origin of the page. */
  constructor(serverUrl) {
    this.#url = serverUrl.replace(/\/+$/, "");
  }

  /** How sentences call the server. */
  get server() {
    return this.#url ? `The server ${this.#url}` : "The server";
  }

  /**
   * Opens a session.
   *
   * @param {Record<string, unknown>} fields What is undefined is left out.
   * @param {{ limitMs?: number }} [options] How long the server may take; by
   *   default as long as it likes.
   * @returns {Promise<Answer>}
   * @throws {StreamError} If the server refuses, or is none.
   */
  async offer(fields, { limitMs } = {}) {
    const response = await this.#request("/v1/stream/webrtc/offer", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(fields),
      ...(limitMs === undefined ? {} : { signal: AbortSignal.timeout(limitMs) }),
    });
    const answer = await readJson(response);
    if (!response.ok) throw refused(response.status, answer);
    const { session_id: id, sdp, resume_token: token, hold_seconds: holdSeconds } = answer;
    if (typeof id !== "string" || typeof sdp !== "string") {
      throw notAStreamServer(this.server, response.status);
    }
    const canResume = typeof token === "string" && typeof holdSeconds === "number";
    return { id, sdp, token: canResume ? token : "", holdSeconds: canResume ? holdSeconds : 0 };
  }

  /**
   * Sends an SDP fragment.
   *
   * @param {string} id
   * @param {string} fragment
   * @returns {Promise<string | null>} The server's fragment; null if it has
   *   nothing to tell, or is too old to know of fragments.
   * @throws {StreamError} If the server is not reached, or has no such session.
   */
  async patch(id, fragment) {
    const response = await this.#request(`/v1/stream/webrtc/${encodeURIComponent(id)}`, {
      method: "PATCH",
      headers: { "content-type": "application/trickle-ice-sdpfrag" },
      body: fragment,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const text = await response.text();
    if (response.ok) return response.status === 204 ? null : text;
    const { code } = parseObject(text) ?? {};
    if (code === "route_not_found" || [405, 501].includes(response.status)) return null;
    throw refused(response.status, parseObject(text) ?? {});
  }

  /**
   * The STUN and TURN servers that this server's viewers should use.
   *
   * @returns {Promise<import("./telefuser-ice.js").GivenIceServers | null>} Null
   *   if the server does not say.
   */
  async iceServers() {
    try {
      const signal = AbortSignal.timeout(ICE_SERVERS_TIMEOUT_MS);
      const response = await this.#request("/v1/stream/ice-servers", { signal, cache: "no-store" });
      if (!response.ok) return null;
      const { ice_servers: iceServers, ice_transport_policy: policy, ttl_seconds: ttl } = await readJson(response);
      if (!Array.isArray(iceServers)) return null;
      const ttlSeconds = typeof ttl === "number" ? ttl : null;
      return { iceServers, iceTransportPolicy: policy === "relay" ? "relay" : "all", ttlSeconds };
    } catch (cause) {
      console.debug("telefuser: the server names no ICE servers", cause);
      return null;
    }
  }

  /**
   * Asks for the state of a session.
   *
   * @param {string} id
   * @returns {Promise<{ isOpen: boolean, body: Record<string, unknown> }>} The
   *   body of a closed one has `detail` and `code`.
   * @throws {StreamError} If the server does not answer.
   */
  async status(id) {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const path = `/v1/stream/sessions/${encodeURIComponent(id)}/status`;
    const response = await this.#request(path, { signal, cache: "no-store" });
    return { isOpen: response.status !== 404, body: await readJson(response) };
  }

  /**
   * Why a session that ended without a word has ended.
   *
   * @param {string} id
   * @param {StreamError} guess
   * @returns {Promise<{ error: StreamError, isFreed: boolean }>} The server's
   *   words, or the guess if it has none.
   * @throws {StreamError} If the server does not answer.
   */
  async reason(id, guess) {
    const { isOpen, body: { detail, code } } = await this.status(id);
    if (isOpen || !detail) return { error: guess, isFreed: false };
    const text = sentence(detail, guess.message);
    return { error: new StreamError(String(code ?? guess.code), text), isFreed: true };
  }

  /**
   * Frees a session; never rejects. The request outlives the page.
   *
   * @param {string} id
   * @returns {Promise<boolean>} False if the server was not reached.
   */
  async free(id) {
    try {
      await this.#request(`/v1/stream/webrtc/${encodeURIComponent(id)}`, {
        method: "DELETE",
        keepalive: true,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      return true;
    } catch (cause) {
      console.debug("telefuser: the server could not be told to stop", cause);
      return false;
    }
  }

  /**
   * @param {string} path
   * @param {RequestInit} options
   */
  async #request(path, options) {
    try {
      return await fetch(this.#url + path, options);
    } catch (cause) {
      throw unreachable(this.server, cause);
    }
  }
}

/**
 * @param {unknown} text
 * @returns {Record<string, unknown> | null} Null if it is no JSON object.
 */
export function parseObject(text) {
  if (typeof text !== "string") return null;
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/**
 * @param {Response} response
 * @returns {Promise<Record<string, unknown>>} Empty if the body is no object.
 */
async function readJson(response) {
  return parseObject(await response.text()) ?? {};
}
