/** Debian's Chromium. */
export const CHROMIUM = "/usr/bin/chromium";

/** Flags for a headless Chromium that stays off the network; the sandbox needs a user other than root. */
export const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
] as const;

/** Flags for a camera with a moving picture and a microphone that beeps, granted without a question. */
export const FAKE_CAMERA_FLAGS = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"] as const;
