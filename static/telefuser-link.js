// @ts-check
/**
 * One peer connection of a session. A session that comes back after its
 * connection was lost gets another one.
 *
 * @module
 */

import { turnUnauthorized } from "./telefuser-errors.js";
import { addMedia, describe } from "./telefuser-media.js";
import { answerAfterRestart, iceParameters, isUsable, readFragment, writeFragment } from "./telefuser-trickle.js";

/** Candidates that come up within this time are sent together. */
const BATCH_MS = 50;
/** What the browser calls refused credentials (RFC 8489, section 9.2.5). */
const UNAUTHORIZED = 401;
/** What it calls a server that does not answer (https://www.w3.org/TR/webrtc/#rtcpeerconnectioniceerrorevent). */
const UNREACHED = 701;

/**
 * Whom it tells.
 *
 * @typedef {object} LinkListener
 * @property {() => void} peerState
 * @property {() => void} channelOpen
 * @property {(data: unknown) => void} text
 * @property {() => void} channelClosed
 * @property {(track: MediaStreamTrack) => void} track
 * @property {(error: import("./telefuser-errors.js").StreamError) => void} noCandidates
 *   ICE may use nothing but relays, and there is none.
 */

/**
 * @typedef {object} LinkOptions
 * @property {RTCIceServer[]} iceServers
 * @property {RTCIceTransportPolicy} iceTransportPolicy
 * @property {boolean} isTwoWay
 * @property {LinkListener} listener
 */

export class Link {
  peer;
  lines;
  channel;
  /** @type {string | null} A TURN server that refused the credentials. */
  refusedBy = null;
  /** @type {string | null} A STUN or TURN server that did not answer. */
  unreached = null;

  #options;
  /** @type {((fragment: string) => Promise<string | null>) | null} */
  #patch = null;
  /** @type {string[]} Candidates that the server was not told of. */
  #untold = [];
  #isGathered = false;
  #hasCandidates = false;
  /** @type {number | undefined} */
  #timer;

  /** @param {LinkOptions} options */
  constructor(options) {
    this.#options = options;
    const { iceServers, iceTransportPolicy, isTwoWay, listener } = options;
    const peer = this.peer = new RTCPeerConnection({ iceServers, iceTransportPolicy });
    peer.addEventListener("connectionstatechange", () => listener.peerState());
    peer.addEventListener("track", ({ track }) => listener.track(track));
    peer.addEventListener("icecandidate", ({ candidate }) => this.#onCandidate(candidate));
    peer.addEventListener("icecandidateerror", (event) => this.#onCandidateError(event));
    const channel = this.channel = peer.createDataChannel("telefuser");
    channel.addEventListener("open", () => listener.channelOpen());
    channel.addEventListener("message", ({ data }) => listener.text(data));
    channel.addEventListener("close", () => listener.channelClosed());
    this.lines = addMedia(peer, isTwoWay);
  }

  /** Whether media can flow, and messages where they have to. */
  get isUp() {
    const hasChannel = !this.#options.isTwoWay || this.channel.readyState === "open";
    return this.peer.connectionState === "connected" && hasChannel;
  }

  /**
   * @param {number} gatherLimitMs
   * @returns {Promise<RTCSessionDescription | null>} Null if it was closed.
   */
  async describe(gatherLimitMs) {
    return await describe(this.peer, gatherLimitMs);
  }

  /**
   * Takes the server's answer; from now on candidates are sent to it.
   *
   * @param {string} sdp
   * @param {(fragment: string) => Promise<string | null>} patch Sends a
   *   fragment; null if the server has nothing to tell, or knows no fragments.
   */
  async accept(sdp, patch) {
    await this.peer.setRemoteDescription({ type: "answer", sdp });
    this.#patch = patch;
    this.#tellSoon();
  }

  /**
   * Begins ICE anew with the same server.
   *
   * @param {(fragment: string) => Promise<string | null>} patch
   * @returns {Promise<boolean>} False if the server knows no restart.
   */
  async restart(patch) {
    const { peer } = this;
    this.#patch = null;
    this.#untold = [];
    this.#isGathered = false;
    await peer.setLocalDescription(await peer.createOffer({ iceRestart: true }));
    const { ufrag, pwd, mid } = iceParameters(peer.localDescription?.sdp ?? "");
    const told = await patch(writeFragment({ ufrag, pwd, mid, candidates: [] }));
    if (told === null || !peer.remoteDescription) return false;
    const sdp = answerAfterRestart(peer.remoteDescription.sdp, readFragment(told));
    await this.accept(sdp, patch);
    return true;
  }

  close() {
    clearTimeout(this.#timer);
    this.#patch = null;
    this.peer.close();
  }

  /** @param {RTCIceCandidate | null} candidate Null: there are no more. */
  #onCandidate(candidate) {
    if (!candidate) this.#isGathered = true;
    else if (candidate.candidate !== "") this.#hasCandidates = true;
    if (candidate && isUsable(candidate.candidate)) this.#untold.push(candidate.candidate);
    this.#tellSoon();
    const { iceTransportPolicy, listener } = this.#options;
    if (this.#isGathered && !this.#hasCandidates && iceTransportPolicy === "relay" && this.refusedBy) {
      listener.noCandidates(turnUnauthorized(this.refusedBy));
    }
  }

  /** @param {RTCPeerConnectionIceErrorEvent} event */
  #onCandidateError({ errorCode, errorText, url }) {
    console.debug(`telefuser: ${url} gives no candidate`, errorCode, errorText);
    if (errorCode === UNAUTHORIZED) this.refusedBy = url;
    else if (errorCode === UNREACHED) this.unreached ??= url;
  }

  #tellSoon() {
    if (!this.#patch || this.#timer !== undefined) return;
    // Without servers there is nothing that either side could find later.
    if (this.#untold.length === 0 && !(this.#isGathered && this.#options.iceServers.length > 0)) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#tell().catch((cause) => console.debug("telefuser: candidates were not sent", cause));
    }, BATCH_MS);
  }

  async #tell() {
    const { peer } = this;
    const patch = this.#patch;
    if (!patch || peer.signalingState === "closed") return;
    const isEnd = this.#isGathered;
    if (isEnd) this.#patch = null;
    const { ufrag, pwd, mid } = iceParameters(peer.localDescription?.sdp ?? "");
    const candidates = this.#untold.splice(0);
    const told = await patch(writeFragment({ ufrag, pwd, mid, candidates, isEnd }));
    if (told === null || peer.connectionState === "closed") return;
    for (const candidate of readFragment(told).candidates) await peer.addIceCandidate({ candidate, sdpMid: mid });
  }
}
