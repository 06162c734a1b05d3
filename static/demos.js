// @ts-check
/**
 * The demo pages, and which server each of them is for.
 *
 * @module
 */

/** @typedef {"server_push" | "bidirectional"} StreamMode */

/**
 * @typedef {object} Demo
 * @property {string} path
 * @property {string} title
 * @property {string} text
 * @property {StreamMode} mode What the server's pipeline has to be.
 * @property {string[]} pipelines Those that it is made for.
 */

/** @type {Demo[]} As the front page shows them. */
export const DEMOS = [
  {
    path: "/demo/player",
    title: "Player",
    text: "Write a prompt and watch it become a stream, with frame rate, bitrate and latency measured live.",
    mode: "server_push",
    pipelines: ["video_replay.ts", "prompt_motion.ts"],
  },
  {
    path: "/demo/arrow",
    title: "Arrow keys",
    text: "Steer the picture with keyboard, fingers or gamepad, and see how long each press takes to reach the screen.",
    mode: "bidirectional",
    pipelines: ["arrow_overlay.ts"],
  },
  {
    path: "/demo/bidirectional",
    title: "Two-way",
    text: "Send camera, microphone, prompts and keys while the stream plays, and read every message both ways.",
    mode: "bidirectional",
    pipelines: ["camera_effects.ts", "arrow_overlay.ts"],
  },
];

/** How sentences call the modes. */
const MODE_TEXTS = { server_push: "a push pipeline, which takes no input", bidirectional: "a two-way pipeline" };

/**
 * Why a demo does not work with a server.
 *
 * @param {string} path Of the demo.
 * @param {unknown} mode The server's `stream_mode`.
 * @returns {{ text: string, others: Demo[] } | null} What to say and the demos
 *   that fit; null if this one does, or if the mode is unknown.
 */
export function misfit(path, mode) {
  const demo = DEMOS.find((demo) => demo.path === path);
  if (mode !== "server_push" && mode !== "bidirectional" || !demo || demo.mode === mode) return null;
  const others = DEMOS.filter((other) => other.mode === mode);
  return { text: `This server runs ${MODE_TEXTS[mode]}: open`, others };
}

/**
 * How a demo goes with a server, in words.
 *
 * @param {Demo} demo
 * @param {{ mode: unknown, pipeline: string }} server Its `stream_mode` and the
 *   name of its pipeline's file.
 * @returns {{ fits: boolean, text: string } | null} Null if the mode is unknown.
 */
export function fitOf({ mode, pipelines }, server) {
  if (server.mode !== "server_push" && server.mode !== "bidirectional") return null;
  if (mode !== server.mode) {
    return { fits: false, text: mode === "bidirectional" ? "Needs a two-way pipeline" : "Needs a push pipeline" };
  }
  const isExample = DEMOS.some((demo) => demo.pipelines.includes(server.pipeline));
  if (!isExample || pipelines.includes(server.pipeline)) return { fits: true, text: "Fits this server" };
  return { fits: false, text: `Connects, but ${server.pipeline} is for another demo` };
}

/**
 * Asks a server for its mode.
 *
 * @param {string} serverUrl Empty: the page's origin.
 * @returns {Promise<unknown>} Null if it does not say.
 */
export async function askMode(serverUrl) {
  try {
    const signal = AbortSignal.timeout(3000);
    const response = await fetch(`${serverUrl.replace(/\/+$/, "")}/v1/service/health`, { signal, cache: "no-store" });
    return (await response.json()).stream_mode ?? null;
  } catch (cause) {
    console.debug("telefuser: no health", cause);
    return null;
  }
}
