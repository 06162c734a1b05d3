// @ts-check
/**
 * One peer connection of a session. A session that comes back after its
 * connection was lost gets another one.
 *
 * @module
 */

import { CandidateSender } from "./telefuser-candidates.js";
import { messageTooLarge, turnUnauthorized } from "./telefuser-errors.js";
import { addMedia, describe } from "./telefuser-media.js";
import { answerAfterRestart, iceParameters, isUsable, readFragment, writeFragment } from "./telefuser-trickle.js";

/** What the browser calls refused credentials (RFC 8489, section 9.2.5). */
const UNAUTHORIZED = 401;
/** What it calls a server that does not answer (https://www.w3.org/TR/webrtc/#rtcpeerconnectioniceerrorevent). */
const UNREACHED = 701;
/** What a unit of a text's length has at most in UTF-8. */
const MOST_BYTES_A_UNIT = 3;

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

/** @typedef {{ iceServers: RTCIceServer[], iceTransportPolicy: RTCIceTransportPolicy }} IceConfiguration */

/**
 * @typedef {(fragment: string) => Promise<string | null>} Patch Sends a fragment
 *   to the server and returns its own; null if it has nothing to tell, or knows
 *   no fragments.
 */

/**
 * @typedef {object} LinkOptions
 * @property {IceConfiguration} ice
 * @property {Patch} patch
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
  #ice;
  #sender;
  #hasCandidates = false;

  /** @param {LinkOptions} options */
  constructor(options) {
    this.#options = options;
    const { ice, isTwoWay, listener } = options;
    this.#ice = ice;
    this.#sender = this.#makeSender();
    const peer = this.peer = new RTCPeerConnection(ice);
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
   */
  async accept(sdp) {
    await this.peer.setRemoteDescription({ type: "answer", sdp });
    this.#sender.open();
  }

  /**
   * Begins ICE anew with the same server.
   *
   * @param {IceConfiguration} ice
   * @returns {Promise<boolean>} False if the server knows no restart.
   */
  async restart(ice) {
    const { peer } = this;
    this.#sender.close();
    this.#ice = ice;
    const sender = this.#sender = this.#makeSender();
    peer.setConfiguration({ ...peer.getConfiguration(), ...ice });
    await peer.setLocalDescription(await peer.createOffer({ iceRestart: true }));
    const told = await this.#tell([], false);
    if (told === null || !peer.remoteDescription || sender !== this.#sender) return false;
    await this.accept(answerAfterRestart(peer.remoteDescription.sdp, readFragment(told)));
    return true;
  }

  /**
   * @param {string} text
   * @throws {import("./telefuser-errors.js").StreamError} If it is larger than the
   *   server takes, as far as that is known.
   */
  checkSize(text) {
    const limit = this.#mostBytes;
    if (limit === null || text.length * MOST_BYTES_A_UNIT <= limit) return;
    const bytes = byteLength(text);
    if (bytes > limit) throw messageTooLarge(bytes, limit);
  }

  /**
   * @param {string} text
   * @returns {boolean} False if the channel takes nothing now.
   * @throws {import("./telefuser-errors.js").StreamError} If the text is too large
   *   to be sent ever.
   */
  send(text) {
    if (this.channel.readyState !== "open") return false;
    this.checkSize(text);
    try {
      this.channel.send(text);
      return true;
    } catch (cause) {
      // https://www.w3.org/TR/webrtc/#datachannel-send: the one for its size, others for a full buffer.
      if (cause instanceof TypeError) throw messageTooLarge(byteLength(text), this.#mostBytes);
      console.debug("telefuser: the channel takes no more", cause);
      return false;
    }
  }

  close() {
    this.#sender.close();
    this.peer.close();
  }

  /** @returns {number | null} Of one message; null while it is unknown. */
  get #mostBytes() {
    return this.peer.sctp?.maxMessageSize ?? null;
  }

  #makeSender() {
    return new CandidateSender({
      send: (candidates, isEnd) => this.#exchange(candidates, isEnd),
      // Without servers there is nothing that either side could find later.
      tellsEnd: this.#ice.iceServers.length > 0,
      isSettled: () => ["connected", "closed"].includes(this.peer.connectionState),
    });
  }

  /** @param {RTCIceCandidate | null} candidate Null: there are no more. */
  #onCandidate(candidate) {
    if (candidate && candidate.candidate !== "") this.#hasCandidates = true;
    if (candidate && isUsable(candidate.candidate)) this.#sender.add(candidate.candidate);
    if (candidate) return;
    this.#sender.end();
    if (!this.#hasCandidates && this.#ice.iceTransportPolicy === "relay" && this.refusedBy) {
      this.#options.listener.noCandidates(turnUnauthorized(this.refusedBy));
    }
  }

  /** @param {RTCPeerConnectionIceErrorEvent} event */
  #onCandidateError({ errorCode, errorText, url }) {
    console.debug(`telefuser: ${url} gives no candidate`, errorCode, errorText);
    if (errorCode === UNAUTHORIZED) this.refusedBy = url;
    else if (errorCode === UNREACHED) this.unreached ??= url;
  }

  /**
   * Tells the server of candidates, and takes those that it has found since.
   *
   * @param {string[]} candidates
   * @param {boolean} isEnd
   */
  async #exchange(candidates, isEnd) {
    const { peer } = this;
    const told = await this.#tell(candidates, isEnd);
    const { mid } = iceParameters(peer.localDescription?.sdp ?? "");
    for (const candidate of told === null ? [] : readFragment(told).candidates) {
      if (peer.signalingState === "closed") return;
      await peer.addIceCandidate({ candidate, sdpMid: mid }).catch((cause) => {
        console.debug("telefuser: the server's candidate is of no use", candidate, cause);
      });
    }
  }

  /**
   * @param {string[]} candidates
   * @param {boolean} isEnd
   */
  async #tell(candidates, isEnd) {
    const { ufrag, pwd, mid } = iceParameters(this.peer.localDescription?.sdp ?? "");
    return await this.#options.patch(writeFragment({ ufrag, pwd, mid, candidates, isEnd }));
  }
}

/** @param {string} text */
function byteLength(text) {
  return new TextEncoder().encode(text).byteLength;
}
