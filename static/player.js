// @ts-check
/**
 * The player page: a prompt, a duration, and the stream that comes of them.
 *
 * Query parameters fill the form in: `server`, `prompt`, `duration` (seconds,
 * or `none`), `fps`, `turn` (URLs, separated by commas), `turn_username`,
 * `turn_credential`, `relay=1` (TURN only), `autoconnect=1`.
 *
 * @module
 */

import { byId } from "./dom.js";
import { holdPicture, openStage, showStream, writeSlate } from "./stage.js";
import { StreamClient, StreamError } from "./telefuser-client.js";

/** @typedef {import("./telefuser-client.js").StreamClientOptions} StreamClientOptions */
/** @typedef {import("./telefuser-client.js").StreamClosed} StreamClosed */
/** @typedef {import("./telefuser-client.js").StreamStats} StreamStats */

const STATS_EVERY_MS = 1000;
const LAMPS = { idle: "Standby", connecting: "Connecting", live: "Live", closed: "Ended", fault: "Fault" };

const form = byId("controls", HTMLFormElement);
const prompt = byId("prompt", HTMLTextAreaElement);
const duration = byId("duration", HTMLInputElement);
const durationText = byId("duration-text", HTMLOutputElement);
const connectKey = byId("connect", HTMLButtonElement);
const stopKey = byId("stop", HTMLButtonElement);
const resumeKey = byId("resume", HTMLButtonElement);
const lamp = byId("state", HTMLElement);
const status = byId("status", HTMLElement);

const query = new URLSearchParams(location.search);
/** The slider's last position sends no limit. */
const noLimit = Number(duration.max);

/** @type {StreamClient | null} */
let client = null;
/** @type {StreamClientOptions | null} */
let lastOptions = null;
/** A fault that the server told without ending the stream. */
let notice = "";
/** Counts what the user asked for, so that only the last wish is carried out. */
let wish = 0;

openStage();
fillForm();
form.addEventListener("submit", (event) => {
  event.preventDefault();
  start(readForm());
});
prompt.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  start(readForm());
});
duration.addEventListener("input", showDuration);
stopKey.addEventListener("click", stop);
resumeKey.addEventListener("click", () => start(lastOptions ?? readForm()));
// A media element without data holds the page's load event back, so connecting waits for it.
if (query.get("autoconnect") === "1") addEventListener("load", () => start(readForm()));

/** @param {StreamClientOptions} options */
async function start(options) {
  const mine = ++wish;
  lastOptions = options;
  showState("connecting");
  say("Connecting to the server …");
  writeSlate("Connecting");
  holdPicture();
  notice = "";
  await client?.stop(); // Its place is free before the next one is asked for.
  if (mine !== wish) return;

  const session = new StreamClient(options);
  client = session;
  session.addEventListener("state", () => {
    if (session === client && session.state === "live") showLive(session);
  });
  session.addEventListener("error", (event) => {
    if (session !== client) return;
    notice = /** @type {CustomEvent<StreamError>} */ (event).detail.message;
    say(notice);
  });
  session.addEventListener("closed", (event) => {
    const end = /** @type {CustomEvent<StreamClosed>} */ (event).detail;
    if (mine === wish) showEnd(end);
  });
  showStream(session.stream, () => {
    writeSlate("");
    say("Playing.");
  });
  try {
    await session.connect();
  } catch (cause) {
    if (!(cause instanceof StreamError)) throw cause; // Told by `closed`.
  }
}

function stop() {
  wish++;
  showEnd({ reason: "You stopped the stream.", code: "stopped", error: null });
  client?.stop();
}

/** @param {StreamClient} session */
function showLive(session) {
  const since = performance.now();
  showState("live");
  say("Connected. Waiting for the first picture …");
  writeSlate("Waiting for the picture");
  const timer = setInterval(async () => {
    const stats = await session.stats();
    if (session !== client || session.state !== "live") return clearInterval(timer);
    showStats(stats, performance.now() - since);
  }, STATS_EVERY_MS);
}

/** @param {StreamClosed} end */
function showEnd({ reason, error }) {
  holdPicture();
  showState(error ? "fault" : "closed");
  say(reason);
  writeSlate(error ? "No signal" : "Ended");
}

/**
 * @param {StreamStats} stats
 * @param {number} elapsedMs
 */
function showStats(stats, elapsedMs) {
  const { fps, bitrateKbps, width, height, latencyMs } = stats;
  write("fps", fps === null ? null : `${fps.toFixed(1)} fps`);
  write("bitrate", bitrateKbps === null ? null : bitrateText(bitrateKbps));
  write("size", width && height ? `${width} × ${height}` : null);
  write("codec", stats.videoCodec);
  write("latency", latencyMs === null ? null : `${Math.round(latencyMs)} ms`);
  write("time", timeText(elapsedMs));
  if (document.body.dataset.picture !== "live" || notice) return;
  if (fps === 0) return say("Connected. Waiting for the next picture …");
  const { candidateType, protocol } = stats;
  if (!candidateType || !protocol) return say("Playing.");
  const way = candidateType === "relay" ? "through a TURN relay" : "directly";
  say(`Playing, ${way} over ${protocol.toUpperCase()}.`);
}

/**
 * @param {string} name
 * @param {string | null} text
 */
function write(name, text) {
  byId(`stats-${name}`, HTMLElement).textContent = text ?? "–";
}

/** @param {string} text */
function say(text) {
  if (status.textContent !== text) status.textContent = text;
}

/** @param {keyof typeof LAMPS} state */
function showState(state) {
  const isOpen = state === "connecting" || state === "live";
  const focused = document.activeElement;
  document.body.dataset.state = state;
  lamp.textContent = LAMPS[state];
  connectKey.disabled = isOpen;
  stopKey.disabled = !isOpen;
  resumeKey.disabled = isOpen || lastOptions === null;
  // A key that falls asleep hands the focus to its successor.
  const isLost = focused instanceof HTMLButtonElement && (focused.disabled || focused.id === "unmute");
  if (isLost) (isOpen ? stopKey : resumeKey).focus();
}

function fillForm() {
  prompt.value = query.get("prompt") ?? "";
  const asked = query.get("duration");
  if (asked !== null) duration.value = asked === "none" ? duration.max : asked;
  showDuration();
}

function showDuration() {
  const seconds = duration.valueAsNumber;
  const text = seconds === noLimit ? "No limit" : `${seconds} s`;
  durationText.textContent = text;
  duration.setAttribute("aria-valuetext", text.replace(/ s$/, " seconds"));
  const share = (seconds - Number(duration.min)) / (noLimit - Number(duration.min));
  duration.style.setProperty("--share", String(share));
}

/** @returns {StreamClientOptions} */
function readForm() {
  /** @type {StreamClientOptions} */
  const options = { serverUrl: serverUrl(query.get("server") ?? ""), extra: {} };
  const text = prompt.value.trim();
  if (text) options.prompt = text;
  const fps = Number(query.get("fps"));
  if (fps > 0) options.fps = fps;
  const seconds = duration.valueAsNumber;
  if (seconds !== noLimit) options.extra = { duration_s: seconds };
  const turn = query.get("turn");
  if (turn) {
    const username = query.get("turn_username") ?? "";
    const credential = query.get("turn_credential") ?? "";
    options.iceServers = [{ urls: turn.split(","), username, credential }];
  }
  if (query.get("relay") === "1") options.iceTransportPolicy = "relay";
  return options;
}

/** @param {string} text An origin, or a bare host such as `10.0.0.7:8000`. */
function serverUrl(text) {
  return text === "" || /^https?:\/\//.test(text) ? text : `${location.protocol}//${text}`;
}

/** @param {number} kbps */
function bitrateText(kbps) {
  return kbps < 1000 ? `${Math.round(kbps)} kbit/s` : `${(kbps / 1000).toFixed(2)} Mbit/s`;
}

/** @param {number} ms */
function timeText(ms) {
  const seconds = Math.floor(ms / 1000);
  const pad = (/** @type {number} */ part) => String(part).padStart(2, "0");
  return `${pad(Math.floor(seconds / 60))}:${pad(seconds % 60)}`;
}
