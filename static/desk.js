// @ts-check
/**
 * The desk of a demo page: it connects, says in words how things are, and
 * stops. What a page does with its session is told by its hooks.
 *
 * The page holds `#controls` with `#connect`, `#stop` and perhaps `#resume`,
 * `#state` and `#status`, and a stage; `data-state` on the body is the state.
 *
 * @module
 */

import { readBaseOptions } from "./demo-config.js";
import { askMode, misfit } from "./demos.js";
import { byId } from "./dom.js";
import { holdPicture, openStage, showStream, writeSlate } from "./stage.js";
import { StreamClient, StreamError } from "./telefuser-client.js";

/** @typedef {import("./demo-config.js").BaseOptions} BaseOptions */
/** @typedef {import("./telefuser-client.js").StreamClientOptions} StreamClientOptions */
/** @typedef {import("./telefuser-client.js").StreamClosed} StreamClosed */
/** @typedef {import("./telefuser-client.js").StreamStats} StreamStats */

/**
 * @typedef {object} DeskPage
 * @property {(base: BaseOptions) => StreamClientOptions} options What the page
 *   asks for, read from its form when the user connects.
 * @property {(base: BaseOptions) => void} [begin] Fills the form in; once.
 * @property {(client: StreamClient) => void} [opened] A session begins: the
 *   moment for listeners.
 * @property {(client: StreamClient) => void} [live]
 * @property {(client: StreamClient) => void} [resumed] It is live again, or an
 *   earlier page's session goes on: the moment to say again how things are.
 * @property {(stats: StreamStats, client: StreamClient, elapsedMs: number) => void} [stats] Once
 *   a second while it is live.
 * @property {() => void} [ended] Also when the next session takes its place.
 * @property {HTMLElement} [steering] Gets the focus from the connect key once it
 *   is live, so that no key of the keyboard stops what it means to steer.
 */

const STATS_EVERY_MS = 1000;
/** A page that is loaded again goes on with the session it had. */
const RESUME_KEY = location.pathname;
const LAMPS = {
  idle: "Standby",
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  closed: "Ended",
  fault: "Fault",
};

/**
 * Wires the desk and the stage; once for a page. With the query parameter
 * `autoconnect=1` it connects by itself.
 *
 * @param {DeskPage} page
 */
export function openDesk(page) {
  const desk = new Desk(page);
  desk.open();
  return desk;
}

class Desk {
  /** @type {StreamClient | null} The session that is open, or the last one. */
  client = null;

  #page;
  #base = readBaseOptions();
  #connectKey = byId("connect", HTMLButtonElement);
  #stopKey = byId("stop", HTMLButtonElement);
  #resumeKey = document.querySelector("button#resume");
  #lamp = byId("state", HTMLElement);
  #status = byId("status", HTMLElement);
  /** @type {StreamClientOptions | null} */
  #lastOptions = null;
  /** A fault that the server told without ending the stream. */
  #notice = "";
  /** Whether the stop key has the focus because the connect key fell asleep. */
  #isFocusLent = false;
  /** Counts what the user asked for, so that only the last wish is carried out. */
  #wish = 0;

  /** @param {DeskPage} page */
  constructor(page) {
    this.#page = page;
  }

  open() {
    openStage();
    byId("controls", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.start();
    });
    this.#stopKey.addEventListener("click", () => this.stop());
    this.#resumeKey?.addEventListener("click", () => this.start(this.#lastOptions));
    this.#base.then((base) => {
      this.#page.begin?.(base);
      this.#checkServer(base);
    });
    // A media element without data holds the page's load event back, so connecting waits for it.
    const isAuto = new URLSearchParams(location.search).get("autoconnect") === "1";
    // A page that was left and comes back out of the browser's cache goes on, too.
    addEventListener("pageshow", ({ persisted }) => {
      if (persisted) this.#goOn();
    });
    addEventListener("load", () => isAuto ? this.start() : this.#goOn());
  }

  /** Goes on with the session that the page had before, unless the user is faster. */
  async #goOn() {
    const before = this.#wish;
    if (await StreamClient.canResume(RESUME_KEY) && before === this.#wish) this.start(this.#lastOptions);
  }

  /**
   * Opens a session in place of the one before.
   *
   * @param {StreamClientOptions | null} [again] What to ask for; else the form
   *   says.
   */
  async start(again = null) {
    const mine = ++this.#wish;
    this.#showState("connecting");
    this.say("Connecting to the server …");
    writeSlate("Connecting");
    holdPicture();
    this.#notice = "";
    this.#page.ended?.();
    const base = await this.#base;
    // Its place is free before the next one is asked for.
    const [mode] = await Promise.all([askMode(base.serverUrl), this.client?.stop()]);
    if (mine !== this.#wish) return;
    if (misfit(location.pathname, mode)) return this.#showMisfit(mode);
    this.#lastOptions = again ?? this.#page.options(base);
    await this.#connect(this.#lastOptions, mine);
  }

  /** Ends the session, or the attempt to open one. */
  stop() {
    this.#wish++;
    this.#showEnd({ reason: "You stopped the stream.", code: "stopped", error: null });
    this.client?.stop();
  }

  /** @param {string} text */
  say(text) {
    if (this.#status.textContent !== text) this.#status.textContent = text;
  }

  /**
   * @param {StreamClientOptions} options
   * @param {number} mine
   */
  async #connect(options, mine) {
    const client = new StreamClient({ resumeKey: RESUME_KEY, ...options });
    this.client = client;
    let wasLive = false;
    client.addEventListener("state", () => {
      if (client !== this.client) return;
      if (client.state === "reconnecting") return this.#showAway();
      if (client.state !== "live") return;
      if (wasLive) this.#showBack(client);
      else this.#showLive(client);
      wasLive = true;
    });
    client.addEventListener("resumed", () => {
      if (client === this.client) this.#page.resumed?.(client);
    });
    client.addEventListener("error", (event) => {
      if (client !== this.client) return;
      this.#notice = /** @type {CustomEvent<StreamError>} */ (event).detail.message;
      this.say(this.#notice);
    });
    client.addEventListener("closed", (event) => {
      if (mine === this.#wish) this.#showEnd(/** @type {CustomEvent<StreamClosed>} */ (event).detail);
    });
    showStream(client.stream, () => {
      writeSlate("");
      this.say("Playing.");
    });
    if (options.bidirectional) client.watch(byId("video", HTMLVideoElement));
    this.#page.opened?.(client);
    try {
      await client.connect();
    } catch (cause) {
      if (!(cause instanceof StreamError)) throw cause; // Told by `closed`.
    }
  }

  /** The connection is lost, and the client is bringing it back. */
  #showAway() {
    holdPicture();
    this.#showState("reconnecting");
    this.say("The connection was lost. Coming back …");
    writeSlate("Reconnecting");
  }

  /** @param {StreamClient} client */
  #showBack(client) {
    this.#showState("live");
    showStream(client.stream, () => {
      writeSlate("");
      this.say("Playing.");
    });
  }

  /** @param {StreamClient} client */
  #showLive(client) {
    const since = performance.now();
    this.#showState("live");
    this.say("Connected. Waiting for the first picture …");
    writeSlate("Waiting for the picture");
    this.#page.live?.(client);
    const timer = setInterval(async () => {
      const stats = await client.stats();
      if (client !== this.client || client.state === "closed") return clearInterval(timer);
      if (client.state !== "live") return;
      this.#page.stats?.(stats, client, performance.now() - since);
      this.#sayHowItPlays(stats);
    }, STATS_EVERY_MS);
  }

  /** @param {StreamStats} stats */
  #sayHowItPlays({ fps, candidateType, protocol }) {
    if (document.body.dataset.picture !== "live" || this.#notice || document.hidden) return;
    if (fps === 0) return this.say("Connected. Waiting for the next picture …");
    if (!candidateType || !protocol) return this.say("Playing.");
    const way = candidateType === "relay" ? "through a TURN relay" : "directly";
    this.say(`Playing, ${way} over ${protocol.toUpperCase()}.`);
  }

  /** @param {StreamClosed} end */
  #showEnd({ reason, error }) {
    holdPicture();
    this.#showState(error ? "fault" : "closed");
    this.say(reason);
    writeSlate(error ? "No signal" : "Ended");
    this.#page.ended?.();
  }

  /**
   * Says at once if this page is for another kind of server.
   *
   * @param {BaseOptions} base
   */
  async #checkServer({ serverUrl }) {
    const wish = this.#wish;
    const mode = await askMode(serverUrl);
    if (wish === this.#wish && misfit(location.pathname, mode)) this.#showMisfit(mode);
  }

  /** @param {unknown} mode */
  #showMisfit(mode) {
    const found = misfit(location.pathname, mode);
    if (!found) return;
    this.#showState("idle");
    writeSlate("Another page fits");
    const links = found.others.flatMap(({ path, title }, index) => {
      const link = document.createElement("a");
      link.href = path + location.search;
      link.textContent = title;
      return [index === 0 ? " " : " or ", link];
    });
    this.#status.replaceChildren(found.text, ...links, ".");
  }

  /** @param {keyof typeof LAMPS} state */
  #showState(state) {
    const isOpen = state === "connecting" || state === "live" || state === "reconnecting";
    const focused = document.activeElement;
    const resumeKey = this.#resumeKey instanceof HTMLButtonElement ? this.#resumeKey : null;
    document.body.dataset.state = state;
    this.#lamp.textContent = LAMPS[state];
    this.#connectKey.disabled = isOpen;
    this.#stopKey.disabled = !isOpen;
    if (resumeKey) resumeKey.disabled = isOpen || this.#lastOptions === null;
    // A key that falls asleep hands the focus to its successor.
    const isLost = focused instanceof HTMLButtonElement && (focused.disabled || focused.id === "unmute");
    const next = resumeKey && !resumeKey.disabled ? resumeKey : this.#connectKey;
    if (isLost) (isOpen ? this.#stopKey : next).focus();
    const { steering } = this.#page;
    if (state === "live" && this.#isFocusLent && document.activeElement === this.#stopKey) {
      steering?.focus({ preventScroll: true });
    }
    this.#isFocusLent = isLost && isOpen;
  }
}
