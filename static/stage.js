// @ts-check
/**
 * The monitor of a demo page: the picture, the last picture after it, the
 * slate before it, the sound key and the fullscreen key.
 *
 * The page holds `#stage` with `#video`, `#still`, `#slate`, `#unmute` and
 * `#fullscreen`, in a `.screen` that can become full; `data-picture` on the
 * body is `none`, `live` or `still`.
 *
 * @module
 */

import { byId } from "./dom.js";

const frame = byId("stage", HTMLElement);
const screen = /** @type {HTMLElement} */ (frame.closest(".screen") ?? frame);
const video = byId("video", HTMLVideoElement);
const still = byId("still", HTMLCanvasElement);
const slate = byId("slate", HTMLElement);
const soundKey = byId("unmute", HTMLButtonElement);
const soundText = byId("unmute-text", HTMLElement);
const fullscreenKey = byId("fullscreen", HTMLButtonElement);

/** How long the keys stay on the full screen after the last movement. */
const AWAKE_MS = 2500;

/** @type {(() => void) | null} */
let onPicture = null;
/** @type {number | undefined} */
let sleepTimer;

/** Wires the keys of the stage; once for a page. */
export function openStage() {
  soundKey.addEventListener("click", () => {
    video.muted = !video.muted;
    play();
  });
  fullscreenKey.addEventListener("click", toggleFullscreen);
  for (const picture of [video, still]) picture.addEventListener("dblclick", toggleFullscreen);
  frame.addEventListener("click", () => {
    if (video.srcObject && video.paused) play();
  });
  video.addEventListener("volumechange", showSound);
  document.addEventListener("fullscreenchange", showFullscreen);
  for (const sign of ["pointermove", "pointerdown", "keydown"]) screen.addEventListener(sign, wake);
  // Some browsers pause the picture of a page that is hidden.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && video.srcObject && video.paused) play();
  });
  showSound();
}

/**
 * Puts a stream on the stage. A last picture stays until the first new one.
 *
 * @param {MediaStream} stream
 * @param {() => void} whenPicture Called at the first picture of this stream.
 */
export function showStream(stream, whenPicture) {
  onPicture = whenPicture;
  video.srcObject = stream;
  const arrived = () => {
    if (video.srcObject !== stream || onPicture === null) return;
    onPicture = null;
    document.body.dataset.picture = "live";
    whenPicture();
  };
  if ("requestVideoFrameCallback" in HTMLVideoElement.prototype) video.requestVideoFrameCallback(arrived);
  else video.addEventListener("loadeddata", arrived, { once: true });
  play();
}

/** Keeps the picture that is on the stage, whatever becomes of its stream. */
export function holdPicture() {
  onPicture = null;
  if (document.body.dataset.picture !== "live") return;
  still.width = video.videoWidth;
  still.height = video.videoHeight;
  still.getContext("2d")?.drawImage(video, 0, 0);
  document.body.dataset.picture = "still";
}

/** @param {string} text What stands on the stage while it has no picture. */
export function writeSlate(text) {
  slate.textContent = text;
}

async function play() {
  try {
    await video.play();
  } catch (cause) {
    // An AbortError only says that a newer stream has come.
    if (!(cause instanceof DOMException) || cause.name !== "NotAllowedError") return;
    // Without a gesture there is no sound, and on some phones no picture.
    if (video.muted) return writeSlate("Press here to play");
    video.muted = true;
    play();
  }
}

function showSound() {
  soundText.textContent = video.muted ? "Unmute" : "Mute";
  soundKey.dataset.sound = video.muted ? "off" : "on";
}

async function toggleFullscreen() {
  try {
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (screen.requestFullscreen) await screen.requestFullscreen();
    // The iPhone lets only the video itself fill the screen.
    else if ("webkitEnterFullscreen" in video) /** @type {any} */ (video).webkitEnterFullscreen();
  } catch (cause) {
    console.debug("telefuser: no fullscreen", cause);
  }
}

function showFullscreen() {
  const isFull = document.fullscreenElement !== null;
  fullscreenKey.setAttribute("aria-label", isFull ? "Leave fullscreen" : "Fullscreen");
  screen.dataset.full = String(isFull);
  wake();
}

function wake() {
  clearTimeout(sleepTimer);
  screen.dataset.awake = "true";
  sleepTimer = setTimeout(() => screen.dataset.awake = "false", AWAKE_MS);
}
