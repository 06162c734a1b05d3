// @ts-check
/**
 * The front page: the server's state, the demos and a snippet to copy.
 *
 * @module
 */

import { byId } from "./dom.js";

/** The demos that the server has, as their cards show them. */
const DEMOS = [
  {
    path: "/demo/player",
    title: "Player",
    text: "Write a prompt and watch it become a stream, with frame rate, bitrate and latency measured live.",
  },
];

const POLL_EVERY_MS = 2000;
const POLL_TIMEOUT_MS = 4000;
/** More places than this are told in figures only. */
const MOST_PLACES = 16;
const MODES = new Map([["server_push", "Server push"], ["bidirectional", "Bidirectional"]]);

/** @typedef {Record<string, any>} Body */

showDemos();
showSnippet();
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
  write("pipeline", file.split(/[\\/]/).pop());
  byId("pipeline", HTMLElement).title = file;
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
  byId("demos", HTMLElement).append(...DEMOS.map(({ path, title, text }) => {
    const card = document.createElement("a");
    card.className = "card";
    card.href = path;
    const screen = document.createElement("div");
    screen.className = "card-screen";
    const bars = document.createElement("span");
    bars.className = "bars";
    screen.append(bars);
    const heading = document.createElement("h3");
    heading.textContent = title;
    const paragraph = document.createElement("p");
    paragraph.textContent = text;
    card.append(screen, heading, paragraph);
    return card;
  }));
}

function showSnippet() {
  const snippet = byId("snippet", HTMLElement);
  const key = byId("copy", HTMLButtonElement);
  snippet.textContent = snippetFor(location.origin);
  key.addEventListener("click", async () => {
    key.textContent = await copy(snippet) ? "Copied" : "Selected";
    setTimeout(() => key.textContent = "Copy", 2000);
  });
}

/** @param {string} origin */
function snippetFor(origin) {
  return `<video id="stream" autoplay muted playsinline></video>
<script type="module">
  import { StreamClient }
    from "${origin}/static/telefuser-client.js";

  const client = new StreamClient({
    serverUrl: "${origin}",
    prompt: "A lighthouse in a storm",
    extra: { duration_s: 30 },
  });
  client.addEventListener("closed", (event) => {
    console.log(event.detail.reason);
  });
  document.querySelector("#stream").srcObject = client.stream;
  await client.connect();
</script>`;
}

/**
 * @param {HTMLElement} element
 * @returns {Promise<boolean>} False if the text could only be selected, as on
 *   pages without https.
 */
async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent ?? "");
    return true;
  } catch (cause) {
    console.debug("telefuser: no clipboard", cause);
    getSelection()?.selectAllChildren(element);
    return document.execCommand("copy");
  }
}
