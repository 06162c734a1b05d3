// @ts-check
/**
 * Camera and microphone of the viewer, each behind a switch.
 *
 * @module
 */

/**
 * Why a camera or a microphone cannot be had, and what to do.
 *
 * @param {"camera" | "microphone"} device
 * @param {unknown} cause What `getUserMedia` threw.
 */
export function captureProblem(device, cause) {
  const name = cause instanceof Error ? cause.name : "";
  if (name === "NotAllowedError") {
    return `This page may not use the ${device}. Allow it in the address bar, then switch it on again.`;
  }
  if (name === "NotFoundError") return `There is no ${device}. Connect one, then switch it on again.`;
  if (name === "NotReadableError" || name === "AbortError") {
    return `The ${device} does not start: another program may be using it. Close that, then switch it on again.`;
  }
  if (name === "InsecureContextError") {
    return `Browsers give a ${device} to pages over https and on localhost only. Open this page under such an address.`;
  }
  const why = cause instanceof Error && cause.message ? ` (${cause.message})` : "";
  return `The ${device} cannot be used${why}.`;
}

/** What is asked of the devices. */
const CONSTRAINTS = {
  camera: { video: { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 30 } } },
  microphone: { audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } },
};

/**
 * @param {"camera" | "microphone"} device
 * @returns {Promise<MediaStreamTrack>}
 */
async function openDevice(device) {
  if (!navigator.mediaDevices) {
    throw Object.assign(new Error("not a secure context"), { name: "InsecureContextError" });
  }
  const stream = await navigator.mediaDevices.getUserMedia(CONSTRAINTS[device]);
  const [track] = stream.getTracks();
  if (!track) throw new Error("the browser gave none");
  return track;
}

/**
 * Wires a switch to a device. The device is open as long as the switch is on.
 *
 * @param {HTMLButtonElement} key With `role="switch"`.
 * @param {object} options
 * @param {"camera" | "microphone"} options.device
 * @param {(track: MediaStreamTrack | null) => void} options.onTrack It is on, or
 *   off again.
 * @param {(problem: string) => void} options.onProblem In words.
 */
export function openCaptureSwitch(key, { device, onTrack, onProblem }) {
  /** @type {MediaStreamTrack | null} */
  let track = null;
  let isWanted = false;

  const show = () => {
    key.setAttribute("aria-checked", String(isWanted));
    key.dataset.busy = String(isWanted && track === null);
  };

  function switchOff() {
    isWanted = false;
    if (track) {
      track.stop();
      track = null;
      onTrack(null);
    }
    show();
  }

  async function switchOn() {
    isWanted = true;
    show();
    try {
      const opened = await openDevice(device);
      // It was switched off meanwhile, or off and on again.
      if (!isWanted || track) return opened.stop();
      track = opened;
      opened.addEventListener("ended", () => {
        if (opened !== track) return;
        switchOff();
        onProblem(`The ${device} was taken away. Switch it on again when it is back.`);
      });
      show();
      onTrack(opened);
    } catch (cause) {
      if (!isWanted) return;
      switchOff();
      onProblem(captureProblem(device, cause));
    }
  }

  key.addEventListener("click", () => {
    if (isWanted) switchOff();
    else switchOn();
  });
  // A page that is left and comes back from the cache shall not film unseen.
  addEventListener("pagehide", switchOff);
  show();
}
