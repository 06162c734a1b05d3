// @ts-check
/**
 * A TeleFuser stream in the browser, without dependencies and without a build
 * step. It needs its neighbours `telefuser-*.js`.
 *
 * One {@link StreamClient} is one session: it connects once and closes once,
 * with a reason in words. For the next session make the next client.
 *
 * ```js
 * import { StreamClient } from "/static/telefuser-client.js";
 *
 * const client = new StreamClient({ prompt: "A lighthouse in a storm" });
 * client.addEventListener("closed", (event) => alert(event.detail.reason));
 * document.querySelector("video").srcObject = client.stream;
 * await client.connect();
 * ```
 *
 * A two-way session takes messages, camera and microphone as well:
 *
 * ```js
 * const client = new StreamClient({ bidirectional: true });
 * video.srcObject = client.stream;
 * client.watch(video);
 * await client.connect();
 * const latencyMs = await client.control({ type: "control", key: "ArrowUp", action: "press" });
 * const camera = await navigator.mediaDevices.getUserMedia({ video: true });
 * await client.setCamera(camera.getVideoTracks()[0]);
 * ```
 *
 * Events. All are `CustomEvent`s with their payload in `event.detail`:
 *
 * | event     | detail                   | when                               |
 * | --------- | ------------------------ | ---------------------------------- |
 * | `state`   | {@link StreamState}      | at each change of `client.state`   |
 * | `resumed` | null                     | when a session is live again       |
 * | `message` | the server's JSON object | at each message of the DataChannel |
 * | `sent`    | the client's JSON object | at each message that was sent      |
 * | `latency` | {@link MeasuredControl}  | when a control's effect is seen    |
 * | `error`   | {@link StreamError}      | at each fault, fatal or not        |
 * | `closed`  | {@link StreamClosed}     | once, as the last event            |
 *
 * A session is live again, and `resumed` told after `state`, when its connection
 * was lost and has come back, and when it was kept for this page (`resumeKey`).
 * What was sent in the moment of the loss may be gone: it is the moment to say
 * again how things are, such as which keys are held. What was sent while it was
 * coming back has been sent just before.
 *
 * @module
 */

import { Connection } from "./telefuser-connection.js";
import { oneWay, StreamError } from "./telefuser-errors.js";
import { ControlTrace } from "./telefuser-latency.js";
import { watchFrames } from "./telefuser-media.js";
import { SessionKeeper } from "./telefuser-resume.js";
import { noStats, readSample, statsBetween } from "./telefuser-stats.js";

export { StreamError };

/** @typedef {import("./telefuser-latency.js").ControlLatency} ControlLatency */
/** @typedef {import("./telefuser-stats.js").StreamStats} StreamStats */

/**
 * `reconnecting`: the network was lost, and the session is held by the server
 * until it is back.
 *
 * @typedef {"idle" | "connecting" | "live" | "reconnecting" | "closed"} StreamState
 */

/**
 * @typedef {object} StreamClientOptions
 * @property {string} [serverUrl] Where the server is, `https://host[:port]`,
 *   with a path if it sits behind one. Empty: the origin of the page.
 * @property {string} [task] What the pipeline shall do; `"t2v"` by default,
 *   `"bidirectional"` in a two-way session.
 * @property {string} [prompt]
 * @property {number} [fps] Frames per second to ask for.
 * @property {unknown} [config] For the pipeline, passed on as it is.
 * @property {Record<string, unknown>} [extra] More fields of the offer, for
 *   the pipeline: `{ duration_s: 30 }`.
 * @property {string} [sessionId] Ask for this id; else a random one is made.
 * @property {boolean} [bidirectional] A two-way session: camera and microphone
 *   can be sent at any time, and pictures are shown without delay.
 * @property {MediaStreamTrack | null} [camera] What to send from the start, in a
 *   two-way session. It stays the caller's, to be stopped by it.
 * @property {MediaStreamTrack | null} [microphone] The same for sound.
 * @property {RTCIceServer[]} [iceServers] STUN and TURN; by default those that
 *   the server names.
 * @property {RTCIceTransportPolicy} [iceTransportPolicy] `"relay"`: TURN only;
 *   with `iceServers`.
 * @property {string} [resumeKey] Keeps the session when the page is loaded again,
 *   or has crashed: the next client of this tab with the same key goes on with it,
 *   if the server still holds it.
 * @property {number} [iceGatherTimeoutMs] How long to gather candidates before
 *   the offer is sent. 0, the default, sends it at once: the server learns the
 *   browser's address from its first packet.
 * @property {number} [connectTimeoutMs] Limit for the server's answer, and then
 *   again for the media path; 15 000 by default. In a two-way session the
 *   answer may take 35 000, as the pipeline makes its session before it.
 */

/**
 * @typedef {object} StreamClosed
 * @property {string} reason A sentence for people. It says what to do next if
 *   the end was not meant.
 * @property {string} code For programs: the server's code, that of `error`, or
 *   one of `stopped`, `page_left`, `done`.
 * @property {StreamError | null} error The fault that ended the session.
 */

/**
 * @typedef {object} MeasuredControl
 * @property {string | number} id Of the control message.
 * @property {number} latencyMs From {@link StreamClient.control} until the first
 *   picture that shows the effect is on the screen.
 */

/** @typedef {{ type: string } & Record<string, unknown>} Message */

/** How often controls that nobody shows are looked for. */
const SWEEP_EVERY_MS = 1_000;

const STOPPED = { code: "stopped", reason: "You stopped the stream." };

/** One session with a TeleFuser stream server. */
export class StreamClient extends EventTarget {
  /** Receives the tracks: give it to a `<video>` at any time. */
  stream = new MediaStream();

  #options;
  #connection;
  /** @type {{ video: MediaStreamTrack | null, audio: MediaStreamTrack | null }} What a two-way session sends. */
  #tracks;
  /** @type {Promise<MediaStream> | null} */
  #opened = null;
  /** @type {{ peer: RTCPeerConnection, sample: ReturnType<typeof readSample> } | null} */
  #last = null;
  #trace = new ControlTrace((id, latencyMs) => this.#onLatency(id, latencyMs));
  #controlCount = 0;
  /** @type {number | undefined} */
  #sweeper;
  #unwatch = () => {};

  /** @param {StreamClientOptions} [options] */
  constructor(options = {}) {
    super();
    this.#options = options;
    this.#tracks = { video: options.camera ?? null, audio: options.microphone ?? null };
    this.#connection = new Connection(options, {
      state: (state) => this.#emit("state", state),
      resumed: () => this.#emit("resumed", null),
      track: (track) => this.#onTrack(track),
      message: (message) => this.#onMessage(message),
      error: (error) => this.#emit("error", error),
      closed: (end) => this.#onClosed(end),
    });
  }

  /**
   * Whether a client with that `resumeKey` would go on with a session.
   *
   * @param {string} resumeKey
   * @returns {Promise<boolean>} False if another page shows that session, as after
   *   a tab was duplicated; that page may take two seconds to let go of it.
   */
  static canResume(resumeKey) {
    return SessionKeeper.hasSession(resumeKey);
  }

  /** @returns {StreamState} */
  get state() {
    return this.#connection.state;
  }

  /** @returns {string | null} The server's id, once it has answered. */
  get sessionId() {
    return this.#connection.sessionId;
  }

  /**
   * Whether the server takes camera and microphone; null while it is unknown.
   *
   * @returns {{ camera: boolean | null, microphone: boolean | null }}
   */
  get takes() {
    const camera = this.#connection.lines?.video.currentDirection;
    const microphone = this.#connection.lines?.audio.currentDirection;
    return { camera: camera ? sends(camera) : null, microphone: microphone ? sends(microphone) : null };
  }

  /**
   * Opens the session. Further calls return the same promise.
   *
   * @returns {Promise<MediaStream>} Resolves when media can flow, and in a
   *   two-way session messages too; rejects with a {@link StreamError} if the
   *   session ends before that.
   */
  connect() {
    this.#opened ??= this.#connect();
    return this.#opened;
  }

  /**
   * Ends the session and frees its place on the server. It may be called at
   * any moment, and more than once.
   *
   * @returns {Promise<void>} Resolves when the place is free, or after four
   *   seconds; never rejects.
   */
  async stop() {
    this.#connection.finish(STOPPED);
    await this.#connection.freed;
  }

  /**
   * Sends a message to the pipeline.
   *
   * @param {Message} message
   * @returns {boolean} False if nothing was sent: the channel is not open, or the
   *   message is too large, and `error` says so. True as well if it waits for a
   *   connection that is coming back.
   * @throws {TypeError} If it cannot be written as JSON.
   */
  send(message) {
    if (!this.#connection.send(message)) return false;
    this.#emit("sent", message);
    return true;
  }

  /**
   * Sends a message with an `id` and measures how long it takes until its
   * effect is seen, given that a video is watched. The server is told.
   *
   * @param {Message} message Its own `id`, a text or a number, is kept.
   * @returns {Promise<number | null>} Milliseconds; null if nothing was sent, if
   *   no effect was seen for ten seconds, or if the page was hidden meanwhile.
   *   Rejects only with what {@link send} throws.
   */
  async control(message) {
    const { id } = message;
    const known = typeof id === "string" || typeof id === "number" ? id : `c${++this.#controlCount}`;
    const sentAt = performance.now();
    if (!this.send({ ...message, id: known })) return null;
    if (document.hidden) return null;
    this.#sweep();
    return await this.#trace.follow(known, sentAt);
  }

  /** @returns {ControlLatency} What {@link control} has measured. */
  controlLatency() {
    return this.#trace.summary;
  }

  /**
   * Names the video element whose pictures tell when a control is seen.
   *
   * @param {HTMLVideoElement | null} video It shows {@link stream}. Null: none.
   */
  watch(video) {
    this.#unwatch();
    this.#unwatch = () => {};
    if (!video || this.state === "closed") return;
    this.#unwatch = watchFrames(video, (frame) => this.#trace.presented(frame));
  }

  /**
   * Sends a camera, before or while the session is open. Nothing is negotiated
   * again, so it takes effect at once.
   *
   * @param {MediaStreamTrack | null} track It stays the caller's. Null: none.
   * @returns {Promise<void>}
   * @throws {StreamError} If the session is not two-way.
   */
  async setCamera(track) {
    await this.#setTrack("video", track);
  }

  /**
   * Sends a microphone, as {@link setCamera} does.
   *
   * @param {MediaStreamTrack | null} track
   * @returns {Promise<void>}
   * @throws {StreamError} If the session is not two-way.
   */
  async setMicrophone(track) {
    await this.#setTrack("audio", track);
  }

  /**
   * Measures the stream. Rates and means cover the time since the last call:
   * call it in a steady rhythm and from one place. Counts begin anew with another
   * connection.
   *
   * @returns {Promise<StreamStats>}
   */
  async stats() {
    const { peer } = this.#connection;
    if (!peer || this.state !== "live") return noStats();
    const sample = readSample(await peer.getStats());
    const before = this.#last?.peer === peer ? this.#last.sample : null;
    this.#last = { peer, sample };
    return statsBetween(sample, before);
  }

  /**
   * Asks the server for its own figures of this session.
   *
   * @returns {Promise<Record<string, any> | null>} `stats` of the session's
   *   status; null if the session is not live or the server does not answer.
   */
  async serverStats() {
    const { sessionId, signalling } = this.#connection;
    if (!sessionId || this.state !== "live") return null;
    try {
      const { isOpen, body } = await signalling.status(sessionId);
      return isOpen && typeof body.stats === "object" ? body.stats : null;
    } catch (cause) {
      console.debug("telefuser: no status", cause);
      return null;
    }
  }

  async #connect() {
    if (this.state === "idle") document.addEventListener("visibilitychange", this.#onVisibility);
    await this.#connection.open(async ({ video, audio }) => {
      if (!this.#options.bidirectional) return;
      await video.sender.replaceTrack(this.#tracks.video);
      await audio.sender.replaceTrack(this.#tracks.audio);
    });
    return this.stream;
  }

  /**
   * @param {"video" | "audio"} kind
   * @param {MediaStreamTrack | null} track
   */
  async #setTrack(kind, track) {
    if (!this.#options.bidirectional) throw oneWay();
    this.#tracks[kind] = track;
    if (this.state !== "closed") await this.#connection.lines?.[kind].sender.replaceTrack(track);
  }

  /**
   * Takes a track in the place of the one that an earlier connection brought.
   *
   * @param {MediaStreamTrack} track
   */
  #onTrack(track) {
    this.stream.addTrack(track);
    for (const old of this.stream.getTracks()) {
      if (old.kind !== track.kind || old === track) continue;
      this.stream.removeTrack(old);
      if (track.kind === "video") this.#trace.forgetTimestamps();
    }
  }

  /** @param {Record<string, any>} message */
  #onMessage(message) {
    const { type, data, rtp_timestamp: rtpTimestamp } = message;
    const now = performance.now();
    this.#emit("message", message);
    if (type === "chunk") this.#trace.applied(data?.applied_controls, rtpTimestamp, now);
  }

  /**
   * @param {string | number} id
   * @param {number} latencyMs
   */
  #onLatency(id, latencyMs) {
    this.send({ type: "control_trace", id, latency_ms: latencyMs });
    this.#emit("latency", { id, latencyMs });
  }

  /** Forgets controls in time, as long as there are any. */
  #sweep() {
    this.#sweeper ??= setInterval(() => {
      this.#trace.expire(performance.now());
      if (this.#trace.size > 0) return;
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }, SWEEP_EVERY_MS);
  }

  /** Nothing is presented while the page is hidden, so nothing can be measured. */
  #onVisibility = () => {
    if (document.hidden) this.#trace.forgetAll();
  };

  /** @param {StreamClosed} end */
  #onClosed(end) {
    clearInterval(this.#sweeper);
    this.#unwatch();
    this.#trace.forgetAll();
    document.removeEventListener("visibilitychange", this.#onVisibility);
    this.#emit("closed", end);
  }

  /**
   * @param {string} type
   * @param {unknown} detail
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** @param {RTCRtpTransceiverDirection} direction */
function sends(direction) {
  return direction === "sendrecv" || direction === "sendonly";
}
