// @ts-check
/**
 * The front page: the server's state, the demos and a snippet to copy.
 *
 * @module
 */

import { copyText } from "./copy.js";
import { DEMOS, fitOf } from "./demos.js";
import { byId } from "./dom.js";

const POLL_EVERY_MS = 2000;
const POLL_TIMEOUT_MS = 4000;
/** More places than this are told in figures only. */
const MOST_PLACES = 16;
const MODES = new Map([["server_push", "Server push"], ["bidirectional", "Bidirectional"]]);
/** @type {Map<string, HTMLElement>} Where each demo's card says what it is for, by path. */
const fits = new Map();

/** What the snippet has for each mode: more options, and what comes at the end. */
const PUSH = [
  `    prompt: "A lighthouse in a storm",
    extra: { duration_s: 30 },`,
  "  await client.connect();",
];
const TWO_WAY = [
  "    bidirectional: true,",
  `  client.watch(video);
  await client.connect();

  const latencyMs = await client.control({
    type: "control", key: "ArrowUp", action: "press",
  });
  console.log("on screen after", latencyMs, "ms");`,
];

/** @typedef {Record<string, any>} Body */

showDemos();
openSnippet();
poll();

async function poll() {
  if (!document.hidden) {
    const [health, metadata] = await Promise.all([ask("health"), ask("metadata")]);
    showHealth(health);
    showFacts({ ...health, ...metadata });
  }
  setTimeout(poll, POLL_EVERY_MS);
}

/**
 * @param {string} name
 * @returns {Promise<Body | null>} Null if the server does not answer in JSON.
 */
async function ask(name) {
  try {
    const signal = AbortSignal.timeout(POLL_TIMEOUT_MS);
    const response = await fetch(`/v1/service/${name}`, { signal, cache: "no-store" });
    return await response.json();
  } catch (cause) {
    console.debug(`telefuser: no ${name}`, cause);
    return null;
  }
}

/** @param {Body | null} health */
function showHealth(health) {
  const isHealthy = health?.status === "healthy";
  byId("lamp", HTMLElement).dataset.state = isHealthy ? "healthy" : "unhealthy";
  write("lamp", isHealthy ? "Ready" : health ? "Not ready" : "No answer");
  write("why", isHealthy ? "" : whyNot(health));
}

/** @param {Body | null} health */
function whyNot(health) {
  if (health === null) return "The server does not answer. Check that it is running; this page keeps asking.";
  if (health.detail) return health.detail;
  if (!health.pipeline_ready) return "The pipeline is not ready yet.";
  return "The stream service is not ready yet.";
}

/** @param {Body} facts What is known; empty if the server does not answer. */
function showFacts(facts) {
  const file = facts.pipeline_file ?? "";
  const pipeline = file.split(/[\\/]/).pop();
  write("pipeline", pipeline);
  byId("pipeline", HTMLElement).title = file;
  showFits({ mode: facts.stream_mode, pipeline });
  showSnippet(facts.stream_mode);
  write("mode", MODES.get(facts.stream_mode) ?? facts.stream_mode);
  write("security", titleCase(facts.security_level));
  write("video", videoText(facts));
  write("version", facts.version);
  const [active, most] = [facts.webrtc_active_sessions, facts.webrtc_max_sessions];
  write("sessions", active === undefined ? null : `${active} of ${most}`);
  showPlaces(active ?? 0, most ?? 0);
}

/** @param {string | undefined} text */
function titleCase(text) {
  return text && text.charAt(0) + text.slice(1).toLowerCase();
}

/** @param {Body} facts */
function videoText({ webrtc_video_codec: codec, webrtc_video_bitrate: bitrate, default_fps: fps }) {
  const parts = [codec];
  if (bitrate > 0) parts.push(`${Number((bitrate / 1e6).toFixed(2))} Mbit/s`);
  if (fps > 0) parts.push(`${Number(fps.toFixed(2))} fps`);
  return parts.filter(Boolean).join(", ");
}

/**
 * @param {number} active
 * @param {number} most
 */
function showPlaces(active, most) {
  const places = Array.from({ length: most > MOST_PLACES ? 0 : most }, (_, index) => {
    const place = document.createElement("span");
    place.classList.toggle("taken", index < active);
    return place;
  });
  byId("places", HTMLElement).replaceChildren(...places);
}

/**
 * @param {string} id
 * @param {string | null | undefined} text
 */
function write(id, text) {
  const element = byId(id, HTMLElement);
  const shown = text ?? "–";
  if (element.textContent !== shown) element.textContent = shown;
}

function showDemos() {
  byId("demos", HTMLElement).append(...DEMOS.map(({ path, title, text, pipelines }) => {
    const card = document.createElement("a");
    card.className = "card";
    card.href = path;
    const screen = document.createElement("div");
    screen.className = `card-screen ${path.split("/").pop()}`;
    screen.append(...Array.from({ length: 5 }, () => document.createElement("span")));
    const heading = part("h3", title);
    const fit = part("p", "");
    fit.className = "card-fit";
    fits.set(path, fit);
    card.append(screen, heading, part("p", text), part("p", `For ${pipelines.join(" and ")}`), fit);
    return card;
  }));
}

/**
 * @param {string} name
 * @param {string} text
 */
function part(name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

/** @param {{ mode: unknown, pipeline: string }} server */
function showFits(server) {
  for (const demo of DEMOS) {
    const element = fits.get(demo.path);
    const fit = fitOf(demo, server);
    if (!element) continue;
    element.dataset.fits = String(fit?.fits ?? "");
    if (element.textContent !== (fit?.text ?? "")) element.textContent = fit?.text ?? "";
  }
}

function openSnippet() {
  const snippet = byId("snippet", HTMLElement);
  const key = byId("copy", HTMLButtonElement);
  key.addEventListener("click", async () => {
    const isCopied = await copyText(snippet.textContent ?? "");
    if (!isCopied) getSelection()?.selectAllChildren(snippet);
    key.textContent = isCopied ? "Copied" : "Selected";
    setTimeout(() => key.textContent = "Copy", 2000);
  });
  showSnippet(null);
}

/** @param {unknown} mode The server's, if it is known. */
function showSnippet(mode) {
  const [options, then] = mode === "bidirectional" ? TWO_WAY : PUSH;
  const text = `<video id="stream" autoplay muted playsinline></video>
<script type="module">
  import { StreamClient }
    from "${location.origin}/static/telefuser-client.js";

  const client = new StreamClient({
    serverUrl: "${location.origin}",
${options}
  });
  client.addEventListener("closed", (event) => {
    console.log(event.detail.reason);
  });
  const video = document.querySelector("#stream");
  video.srcObject = client.stream;
${then}
</script>`;
  write("snippet", text);
}
