// @ts-check
/**
 * The arrow page: a picture that is steered, and how long each press takes
 * until it is seen.
 *
 * Query parameters are those of every demo page (`demo-config.js`, `desk.js`).
 *
 * @module
 */

import { openDesk } from "./desk.js";
import { byId } from "./dom.js";
import { openDpad } from "./dpad.js";
import { pairText, pathLine } from "./path.js";
import { bitrateText, fpsText, msText, sizeText, write } from "./readout.js";

/** @typedef {import("./telefuser-client.js").StreamClient} StreamClient */
/** @typedef {import("./telefuser-client.js").MeasuredControl} MeasuredControl */
/** @typedef {import("./telefuser-client.js").StreamStats} StreamStats */

/** Presses that the strip shows. */
const STRIP = 40;
/** Milliseconds at the top of the strip: the first that is enough. */
const TOPS = [100, 200, 500, 1000, 2000, 5000, 10_000];

const strip = byId("gauge-strip", HTMLOListElement);
/** @type {number[]} Latencies in the strip. */
let shown = [];

const dpad = openDpad((key, action) => desk.client?.control({ type: "control", key, action }));
const desk = openDesk({
  options: (base) => ({ ...base, bidirectional: true }),
  opened: (client) => {
    showLatency(client);
    drawStrip([]);
    client.addEventListener("latency", (event) => {
      const { latencyMs } = /** @type {CustomEvent<MeasuredControl>} */ (event).detail;
      showLatency(client);
      drawStrip([...shown, latencyMs].slice(-STRIP));
    });
  },
  live: () => dpad.switchOn(true),
  // Not as a change that is measured: a key may have been held all the time.
  resumed: (client) => client.send({ type: "control", keys: dpad.held() }),
  steering: byId("dpad", HTMLElement),
  stats: showStats,
  ended: () => dpad.switchOn(false),
});

/** @param {StreamStats} stats */
function showStats(stats) {
  write("path", pathLine(stats) ?? "");
  write("pair", pairText(stats) ?? "");
  write("fps", fpsText(stats.fps));
  write("bitrate", bitrateText(stats.bitrateKbps));
  write("size", sizeText(stats));
}

/** @param {StreamClient} client */
function showLatency(client) {
  const { count, p50, p95, last } = client.controlLatency();
  write("p50", msText(p50));
  write("p95", msText(p95));
  write("count", String(count));
  byId("gauge-last", HTMLElement).textContent = msText(last) ?? "–";
}

/** @param {number[]} latencies */
function drawStrip(latencies) {
  shown = latencies;
  const most = Math.max(0, ...latencies);
  const top = TOPS.find((top) => top >= most) ?? most;
  byId("gauge-top", HTMLElement).textContent = `${top} ms`;
  const bars = latencies.map((latency) => {
    const bar = document.createElement("li");
    bar.style.setProperty("--share", String(latency / top));
    return bar;
  });
  strip.replaceChildren(...bars);
}
