// @ts-check
/**
 * The player page: a prompt, a duration, and the stream that comes of them.
 *
 * Query parameters fill the form in: `duration` (seconds, or `none`), and those
 * of every demo page (`demo-config.js`, `desk.js`).
 *
 * @module
 */

import { openDesk } from "./desk.js";
import { byId } from "./dom.js";
import { pairText, pathLine } from "./path.js";
import { bitrateText, fpsText, msText, sizeText, timeText, write } from "./readout.js";

/** @typedef {import("./telefuser-client.js").StreamClientOptions} StreamClientOptions */
/** @typedef {import("./telefuser-client.js").StreamStats} StreamStats */

const prompt = byId("prompt", HTMLTextAreaElement);
const duration = byId("duration", HTMLInputElement);
const durationText = byId("duration-text", HTMLOutputElement);
/** The slider's last position sends no limit. */
const noLimit = Number(duration.max);

fillDuration();
duration.addEventListener("input", showDuration);
const desk = openDesk({
  begin: (base) => prompt.value ||= base.prompt ?? "",
  options: ({ prompt: _prompt, ...base }) => {
    /** @type {StreamClientOptions} */
    const options = { ...base, extra: {} };
    const text = prompt.value.trim();
    if (text) options.prompt = text;
    const seconds = duration.valueAsNumber;
    if (seconds !== noLimit) options.extra = { duration_s: seconds };
    return options;
  },
  stats: showStats,
});
prompt.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  desk.start();
});

/**
 * @param {StreamStats} stats
 * @param {unknown} _client
 * @param {number} elapsedMs
 */
function showStats(stats, _client, elapsedMs) {
  write("path", pathLine(stats) ?? "");
  write("pair", pairText(stats) ?? "");
  write("fps", fpsText(stats.fps));
  write("bitrate", bitrateText(stats.bitrateKbps));
  write("size", sizeText(stats));
  write("codec", stats.videoCodec);
  write("latency", msText(stats.latencyMs));
  write("time", timeText(elapsedMs));
}

function fillDuration() {
  const asked = new URLSearchParams(location.search).get("duration");
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
