// @ts-check
/**
 * Readings of a stream, out of what `RTCPeerConnection.getStats()`
 * reports. Pure functions: no browser reports everything, and what is absent
 * stays null. Field names: https://www.w3.org/TR/webrtc-stats/
 *
 * @module
 */

/**
 * Every value is null while it is unknown.
 *
 * @typedef {object} StreamStats
 * @property {number | null} fps Frames decoded per second since the last call.
 * @property {number | null} bitrateKbps Video and audio, since the last call.
 * @property {number | null} width
 * @property {number | null} height
 * @property {string | null} videoCodec `"H264"`, `"VP8"`, …
 * @property {string | null} audioCodec
 * @property {number | null} latencyMs From the server's socket to the screen:
 *   half the round trip + jitter buffer + decoding, as far as they are known.
 *   Null while no frame comes.
 * @property {number | null} roundTripMs
 * @property {number | null} jitterBufferMs Mean per frame since the last call.
 * @property {number | null} framesDecoded Video frames since the start.
 * @property {number | null} framesDropped
 * @property {number | null} freezeCount
 * @property {number | null} packetsLost Video and audio.
 * @property {number | null} sendKbps Camera and microphone, since the last call.
 * @property {number | null} sendFps Camera pictures encoded per second.
 * @property {number | null} sendWidth
 * @property {number | null} sendHeight
 * @property {string | null} candidateType The browser's end of the path:
 *   `"host"`, `"srflx"`, `"prflx"` or `"relay"`.
 * @property {string | null} protocol `"udp"` or `"tcp"`.
 * @property {string | null} relayProtocol How the browser reaches its TURN
 *   server: `"udp"`, `"tcp"` or `"tls"`. Null without one.
 * @property {string | null} remoteCandidateType The server's end of the path.
 * @property {string | null} remoteAddress Its IP address; null where the browser
 *   hides it.
 * @property {number | null} remotePort
 * @property {number | null} availableKbps What the browser thinks that it can
 *   send.
 * @property {number | null} lossRate 0 to 1: the part of the packets since the
 *   last call that did not come, video and audio.
 */

/** @typedef {Record<string, any>} Stat One entry of a report. */

/**
 * The entries of one report that belong to the stream.
 *
 * @typedef {object} StatsSample
 * @property {Stat} video Received.
 * @property {Stat} audio
 * @property {Stat} sentVideo Empty unless a camera is or was sent.
 * @property {Stat} sentAudio
 * @property {Stat} pair The candidate pair in use.
 * @property {Stat} local Its candidate on this side.
 * @property {Stat} remote Its candidate on the server's side.
 * @property {string | null} videoCodec
 * @property {string | null} audioCodec
 */

/**
 * Picks the entries of the stream out of a report.
 *
 * @param {RTCStatsReport} report
 * @returns {StatsSample}
 */
export function readSample(report) {
  /** @type {Map<string, Stat>} */
  const stats = new Map();
  report.forEach((stat, id) => stats.set(id, stat));
  const all = [...stats.values()];
  const rtp = (/** @type {string} */ direction, /** @type {string} */ medium) =>
    all.find(({ type, kind }) => type === direction && kind === medium) ?? {};
  const video = rtp("inbound-rtp", "video");
  const audio = rtp("inbound-rtp", "audio");

  const transport = all.find(({ type }) => type === "transport");
  const pairs = all.filter(({ type }) => type === "candidate-pair");
  const pair = stats.get(transport?.selectedCandidatePairId) ??
    pairs.find(({ selected }) => selected) ?? // Firefox
    pairs.find(({ nominated, state }) => nominated && state === "succeeded") ??
    {};
  return {
    video,
    audio,
    sentVideo: rtp("outbound-rtp", "video"),
    sentAudio: rtp("outbound-rtp", "audio"),
    pair,
    local: stats.get(pair.localCandidateId) ?? {},
    remote: stats.get(pair.remoteCandidateId) ?? {},
    videoCodec: codecName(stats.get(video.codecId)),
    audioCodec: codecName(stats.get(audio.codecId)),
  };
}

/**
 * Computes the readings of the time between two samples.
 *
 * @param {StatsSample} now
 * @param {StatsSample | null} before The sample of the last call, if any.
 * @returns {StreamStats}
 */
export function statsBetween(now, before) {
  const { video, audio, sentVideo, sentAudio, pair, local, remote } = now;
  const last = before?.video ?? {};
  const seconds = difference(video.timestamp, last.timestamp, 0.001);
  const bits = sum(
    difference(video.bytesReceived, last.bytesReceived, 8),
    difference(audio.bytesReceived, before?.audio.bytesReceived ?? 0, 8),
  );
  const sentSeconds = difference(sentVideo.timestamp ?? sentAudio.timestamp, sentTime(before), 0.001);
  const sentBits = sum(
    difference(sentVideo.bytesSent, before?.sentVideo.bytesSent ?? 0, 8),
    difference(sentAudio.bytesSent, before?.sentAudio.bytesSent ?? 0, 8),
  );
  const frames = difference(video.framesDecoded, last.framesDecoded);
  const jitterBufferMs = ratio(
    difference(video.jitterBufferDelay, last.jitterBufferDelay ?? 0, 1000),
    difference(video.jitterBufferEmittedCount, last.jitterBufferEmittedCount ?? 0),
  );
  const decodeMs = ratio(
    difference(video.totalDecodeTime, last.totalDecodeTime ?? 0, 1000),
    difference(video.framesDecoded, last.framesDecoded ?? 0),
  );
  const roundTripMs = scaled(pair.currentRoundTripTime, 1000);
  const isTimed = frames !== 0 && (roundTripMs !== null || jitterBufferMs !== null);
  return {
    fps: ratio(frames, seconds) ?? number(video.framesPerSecond),
    bitrateKbps: scaled(ratio(before && bits, seconds), 0.001),
    width: number(video.frameWidth),
    height: number(video.frameHeight),
    videoCodec: now.videoCodec,
    audioCodec: now.audioCodec,
    latencyMs: isTimed ? sum(scaled(roundTripMs, 0.5), jitterBufferMs, decodeMs) : null,
    roundTripMs,
    jitterBufferMs,
    framesDecoded: number(video.framesDecoded),
    framesDropped: number(video.framesDropped),
    freezeCount: number(video.freezeCount),
    packetsLost: sum(video.packetsLost, audio.packetsLost),
    sendKbps: scaled(ratio(before && sentBits, sentSeconds), 0.001),
    sendFps: number(sentVideo.framesPerSecond),
    sendWidth: number(sentVideo.frameWidth),
    sendHeight: number(sentVideo.frameHeight),
    candidateType: local.candidateType ?? null,
    protocol: local.protocol ?? null,
    relayProtocol: local.relayProtocol ?? null,
    remoteCandidateType: remote.candidateType ?? null,
    remoteAddress: remote.address || remote.ip || null, // `ip`: as older browsers call it.
    remotePort: number(remote.port),
    availableKbps: scaled(pair.availableOutgoingBitrate, 0.001),
    lossRate: before && lossRate(now, before),
  };
}

/** @returns {StreamStats} What is known of a stream that is not there. */
export function noStats() {
  /** @type {Stat} */
  const none = {};
  const sample = { video: none, audio: none, sentVideo: none, sentAudio: none, pair: none, local: none, remote: none };
  return statsBetween({ ...sample, videoCodec: null, audioCodec: null }, null);
}

/**
 * What is repaired counts as lost and as received, and a packet that comes late
 * is taken off the lost ones, so the rate is kept between 0 and 1.
 *
 * @param {StatsSample} now
 * @param {StatsSample} before
 */
function lossRate(now, before) {
  const since = (/** @type {string} */ field) =>
    sum(
      difference(now.video[field], before.video[field] ?? 0),
      difference(now.audio[field], before.audio[field] ?? 0),
    );
  const lost = Math.max(0, since("packetsLost") ?? 0);
  return ratio(lost, sum(lost, since("packetsReceived")));
}

/** @param {StatsSample | null} sample */
function sentTime(sample) {
  return sample?.sentVideo.timestamp ?? sample?.sentAudio.timestamp;
}

/** @param {Stat | undefined} codec */
function codecName(codec) {
  return codec?.mimeType?.split("/")[1] ?? null;
}

/**
 * @param {unknown} value
 * @returns {number | null}
 */
function number(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/**
 * @param {unknown} value
 * @param {number} factor
 */
function scaled(value, factor) {
  const known = number(value);
  return known === null ? null : known * factor;
}

/**
 * @param {unknown} now
 * @param {unknown} before
 * @param {number} [factor]
 */
function difference(now, before, factor = 1) {
  const [to, from] = [number(now), number(before)];
  return to === null || from === null ? null : (to - from) * factor;
}

/**
 * @param {number | null} part
 * @param {number | null} whole
 * @returns {number | null} Null as well if nothing was counted.
 */
function ratio(part, whole) {
  return part === null || !whole || whole < 0 ? null : part / whole;
}

/**
 * @param {unknown[]} values
 * @returns {number | null} Of those that are known; null if none is.
 */
function sum(...values) {
  const known = values.map(number).filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((a, b) => a + b);
}
