// @ts-check
/**
 * The media side of a session: what the peer receives and sends, and when a
 * received picture is on the screen.
 *
 * @module
 */

import { withStereo } from "./telefuser-sdp.js";

/** @typedef {import("./telefuser-latency.js").PresentedFrame} PresentedFrame */

/** @typedef {{ video: MediaStreamTrack | null, audio: MediaStreamTrack | null }} SentTracks */

/** An expected display time further ahead than this is not believed. */
const MAX_AHEAD_MS = 250;

/**
 * Adds one line for the picture and one for the sound.
 *
 * @param {RTCPeerConnection} peer
 * @param {boolean} isTwoWay Whether something may go the other way on the same
 *   lines. Then every picture is shown at once, too: a quick answer matters
 *   more than smoothness.
 */
export function addMedia(peer, isTwoWay) {
  /** @type {RTCRtpTransceiverDirection} */
  const direction = isTwoWay ? "sendrecv" : "recvonly";
  const video = peer.addTransceiver("video", { direction });
  const audio = peer.addTransceiver("audio", { direction });
  for (const { receiver } of isTwoWay ? [video, audio] : []) {
    if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
  }
  return { video, audio };
}

/**
 * Makes the offer and sets it, with stereo sound where the browser lets it be
 * asked for.
 *
 * @param {RTCPeerConnection} peer
 * @param {number} gatherLimitMs How long to wait for ICE candidates.
 * @returns {Promise<RTCSessionDescription | null>} Null if the peer is closed.
 */
export async function describe(peer, gatherLimitMs) {
  const offer = await peer.createOffer();
  try {
    await peer.setLocalDescription({ type: "offer", sdp: withStereo(offer.sdp ?? "") });
  } catch (cause) {
    console.debug("telefuser: no stereo", cause);
    await peer.setLocalDescription(offer);
  }
  if (gatherLimitMs > 0) await gathered(peer, gatherLimitMs);
  return peer.signalingState === "closed" ? null : peer.localDescription;
}

/**
 * Calls back for every picture that a video element presents.
 *
 * @param {HTMLVideoElement} video
 * @param {(frame: PresentedFrame) => void} onFrame
 * @returns {() => void} Ends it. Browsers without `requestVideoFrameCallback`
 *   never call.
 */
export function watchFrames(video, onFrame) {
  if (!("requestVideoFrameCallback" in video)) return () => {};
  /** @type {VideoFrameRequestCallback} */
  const presented = (_now, metadata) => {
    handle = video.requestVideoFrameCallback(presented);
    onFrame({ rtpTimestamp: metadata.rtpTimestamp, presentedAt: presentedAt(metadata) });
  };
  let handle = video.requestVideoFrameCallback(presented);
  return () => video.cancelVideoFrameCallback(handle);
}

/**
 * When the picture is visible. `presentationTime` is only when it was handed
 * to the compositor, so the display's own time counts where it makes sense.
 *
 * @param {VideoFrameCallbackMetadata} metadata
 */
function presentedAt({ presentationTime, expectedDisplayTime }) {
  const ahead = expectedDisplayTime - presentationTime;
  return ahead >= 0 && ahead <= MAX_AHEAD_MS ? expectedDisplayTime : presentationTime;
}

/**
 * Resolves when all ICE candidates are gathered, or after the limit.
 *
 * @param {RTCPeerConnection} peer
 * @param {number} limitMs
 */
async function gathered(peer, limitMs) {
  if (peer.iceGatheringState === "complete") return;
  const complete = new Promise((resolve) => {
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState === "complete") resolve(undefined);
    });
  });
  await Promise.race([complete, new Promise((resolve) => setTimeout(resolve, limitMs))]);
}
