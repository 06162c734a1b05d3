// @ts-check
/**
 * The two-way page: everything a viewer can send, and every message both ways.
 *
 * Query parameters are those of every demo page (`demo-config.js`, `desk.js`).
 *
 * @module
 */

import { openCaptureSwitch } from "./capture.js";
import { keepChoices, keptChoices } from "./choices.js";
import { openDesk } from "./desk.js";
import { byId } from "./dom.js";
import { openDpad } from "./dpad.js";
import { openLog } from "./log.js";
import { pairText, pathLine } from "./path.js";
import { bitrateText, fpsText, msText, write } from "./readout.js";

/** @typedef {import("./telefuser-client.js").StreamClient} StreamClient */
/** @typedef {import("./telefuser-client.js").StreamClientOptions} StreamClientOptions */
/** @typedef {import("./telefuser-client.js").StreamStats} StreamStats */

/** The server's own figures are asked for at every second reading. */
const ASK_SERVER_EVERY = 2;

const prompt = byId("prompt", HTMLInputElement);
const sendPromptKey = byId("send-prompt", HTMLButtonElement);
const hudKey = byId("hud", HTMLButtonElement);
const problem = byId("capture-problem", HTMLElement);
const preview = byId("preview", HTMLVideoElement);
const effectKeys = [...byId("effects", HTMLElement).querySelectorAll("button")];

/** @type {{ camera: MediaStreamTrack | null, microphone: MediaStreamTrack | null }} */
const tracks = { camera: null, microphone: null };
let choices = keptChoices(location.pathname, {
  defaults: { effect: "mirror", hud: true },
  effects: effectKeys.map(effectOf),
});
let chunkCount = 0;
let readings = 0;

const log = openLog();
const dpad = openDpad((key, action) => control({ key, action }));
const desk = openDesk({
  begin: (base) => prompt.value ||= base.prompt ?? "",
  options: ({ prompt: _prompt, ...base }) => {
    const text = prompt.value.trim();
    return {
      ...base,
      ...tracks,
      ...(text ? { prompt: text } : {}),
      bidirectional: true,
      extra: { effect: choices.effect },
    };
  },
  opened: listen,
  live: showLive,
  resumed: (client) => client.send({ type: "control", ...choices, keys: dpad.held() }),
  stats: showStats,
  steering: byId("dpad", HTMLElement),
  ended: () => {
    dpad.switchOn(false);
    sendPromptKey.disabled = true;
  },
});

openCaptureSwitch(byId("camera", HTMLButtonElement), {
  device: "camera",
  onTrack: (track) => {
    tracks.camera = track;
    preview.srcObject = track && new MediaStream([track]);
    byId("preview-frame", HTMLElement).dataset.on = String(track !== null);
    desk.client?.setCamera(track);
    showProblem("");
    checkTaken();
  },
  onProblem: showProblem,
});
openCaptureSwitch(byId("microphone", HTMLButtonElement), {
  device: "microphone",
  onTrack: (track) => {
    tracks.microphone = track;
    desk.client?.setMicrophone(track);
    showProblem("");
    checkTaken();
  },
  onProblem: showProblem,
});
for (const key of effectKeys) {
  key.addEventListener("click", () => {
    choose({ effect: effectOf(key) });
    control({ effect: choices.effect });
  });
}
hudKey.addEventListener("click", () => {
  choose({ hud: !choices.hud });
  control({ hud: choices.hud });
});
sendPromptKey.addEventListener("click", sendPrompt);
prompt.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || desk.client?.state !== "live") return;
  event.preventDefault(); // Without a session, Enter connects.
  sendPrompt();
});

choose({}); // Shows what was kept.

/** @param {HTMLButtonElement} key */
function effectOf(key) {
  return key.dataset.effect ?? "none";
}

/** @param {Partial<import("./choices.js").Choices>} change */
function choose(change) {
  choices = { ...choices, ...change };
  for (const key of effectKeys) key.setAttribute("aria-pressed", String(effectOf(key) === choices.effect));
  hudKey.setAttribute("aria-checked", String(choices.hud));
  keepChoices(location.pathname, choices);
}

/** @param {Record<string, unknown>} fields */
function control(fields) {
  desk.client?.control({ type: "control", ...fields });
}

function sendPrompt() {
  control({ prompt: prompt.value.trim() });
}

/** @param {StreamClient} client */
function listen(client) {
  chunkCount = 0;
  readings = 0;
  client.addEventListener("message", (event) => {
    const message = /** @type {CustomEvent<Record<string, any>>} */ (event).detail;
    if (message.type === "chunk") chunkCount++;
    log.add("in", message);
  });
  client.addEventListener("sent", (event) => log.add("out", /** @type {CustomEvent} */ (event).detail));
  client.addEventListener("latency", () => showLatency(client));
  showLatency(client);
}

function showLive() {
  dpad.switchOn(true);
  sendPromptKey.disabled = false;
  if (!choices.hud) control({ hud: false }); // The offer has no word for it.
  checkTaken();
}

/** Says so if the pipeline has no use for what is switched on. */
function checkTaken() {
  const { takes } = desk.client ?? {};
  if (desk.client?.state !== "live" || !takes) return;
  const isCameraIdle = tracks.camera !== null && takes.camera === false;
  const isMicrophoneIdle = tracks.microphone !== null && takes.microphone === false;
  if (isCameraIdle && isMicrophoneIdle) showProblem("This pipeline uses neither camera nor microphone.");
  else if (isCameraIdle) showProblem("This pipeline does not use the camera.");
  else if (isMicrophoneIdle) showProblem("This pipeline does not use the microphone.");
}

/** @param {string} text */
function showProblem(text) {
  problem.textContent = text;
}

/**
 * @param {StreamStats} stats
 * @param {StreamClient} client
 */
async function showStats(stats, client) {
  write("path", pathLine(stats) ?? "");
  write("pair", pairText(stats) ?? "");
  write("fps", fpsText(stats.fps));
  write("chunks", String(chunkCount));
  write("received", bitrateText(stats.bitrateKbps));
  write("sent", bitrateText(stats.sendKbps));
  if (readings++ % ASK_SERVER_EVERY !== 0) return;
  const server = await client.serverStats();
  if (!server || client !== desk.client) return;
  const { controls_waiting: waiting, frames_dropped: frames = 0, controls_dropped: controls = 0 } = server;
  write("waiting", typeof waiting === "number" ? String(waiting) : null);
  write("dropped", String(frames + controls));
}

/** @param {StreamClient} client */
function showLatency(client) {
  const { p50, p95 } = client.controlLatency();
  write("p50", msText(p50));
  write("p95", msText(p95));
}
