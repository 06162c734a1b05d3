// Runs inside the browser page; control_page.ts calls what it puts on `globalThis.controlBench`.

/** @typedef {{x: number, y: number, width: number, height: number, inside: number[]}} Place where an arrow lies */

(() => {
  const OFFER_PATH = "/v1/stream/webrtc/offer";
  const CHANNEL = "telefuser";
  const CONNECT_MS = 15_000;
  const SETTLE_MS = 500;
  /** What counts as strongly green, of 255. */
  const LEAST_GREEN = 96;
  const LEAST_LEAD = 64;
  /** An arrow smaller than this, or larger than this part of the picture, is none. */
  const LEAST_PIXELS = 64;
  const LARGEST_PART = 0.25;
  /** Display refreshes that are timed to know how far apart they are. */
  const REFRESHES = 60;

  const video = document.createElement("video");
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  /** @type {Map<string, Place>} */
  const places = new Map();
  /** @type {RTCPeerConnection} */
  let pc;
  /** @type {RTCDataChannel} */
  let channel;
  /** Milliseconds between two refreshes of the display. */
  let refreshMs = 0;
  let sessionId = "";
  let sent = 0;

  /**
   * @template T
   * @param {Promise<T>} promise
   * @param {string} what
   * @returns {Promise<T>}
   */
  function inTime(promise, what) {
    const late = new Promise((_, reject) =>
      setTimeout(() => reject(new Error(`${what} did not come within ${CONNECT_MS / 1000} s`)), CONNECT_MS)
    );
    return Promise.race([promise, late]);
  }

  /** @param {number} ms */
  function pause(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  /**
   * Sends a control message. Only a press has an id: a release comes right after a frame, and would tell a server that
   * traces messages with ids of the longest wait there is.
   *
   * @param {string} key
   * @param {"press" | "release"} action
   * @returns {number} the page's clock right before
   */
  function send(key, action) {
    const id = action === "press" ? { id: `bench-${++sent}` } : {};
    const text = JSON.stringify({ type: "control", ...id, key, action });
    const at = performance.now();
    channel.send(text);
    return at;
  }

  /**
   * The presented picture's pixels in an area of it, as RGBA.
   *
   * @param {{x: number, y: number, width: number, height: number}} area
   */
  function pixels({ x, y, width, height }) {
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.drawImage(video, x, y, width, height, 0, 0, width, height);
    return context.getImageData(0, 0, width, height).data;
  }

  /**
   * @param {Uint8ClampedArray} rgba
   * @param {number} index of the pixel
   */
  function isGreen(rgba, index) {
    const at = index * 4;
    const green = rgba[at + 1];
    return green >= LEAST_GREEN && green - Math.max(rgba[at], rgba[at + 2]) >= LEAST_LEAD;
  }

  /** @param {Place} place */
  function isLit(place) {
    const rgba = pixels(place);
    const green = place.inside.filter((index) => isGreen(rgba, index)).length;
    return green * 2 >= place.inside.length;
  }

  /**
   * The first picture presented from now on of which `holds` is true, or undefined when none came in time.
   *
   * @param {() => boolean} holds
   * @param {number} limitMs
   */
  function pictureWhere(holds, limitMs) {
    const { promise, resolve } = Promise.withResolvers();
    const timer = setTimeout(() => {
      video.cancelVideoFrameCallback(handle);
      resolve(undefined);
    }, limitMs);
    let handle = video.requestVideoFrameCallback(look);
    return promise;

    function look(refresh, { presentationTime, expectedDisplayTime }) {
      if (holds()) {
        clearTimeout(timer);
        const displayTime = refreshAfter(presentationTime, refresh);
        resolve({ displayTime, expectedDisplayTime, presentationTime, readTime: performance.now() });
      } else {
        handle = video.requestVideoFrameCallback(look);
      }
    }
  }

  /**
   * The first refresh of the display after a time.
   *
   * @param {number} time
   * @param {number} refresh any refresh near it
   */
  function refreshAfter(time, refresh) {
    return refresh + (Math.floor((time - refresh) / refreshMs) + 1) * refreshMs;
  }

  /** Milliseconds between two refreshes of the display, some of which the page may miss. */
  async function measureRefresh() {
    const times = [];
    while (times.length < REFRESHES) times.push(await new Promise(requestAnimationFrame));
    const gaps = times.slice(1).map((time, index) => time - times[index]).sort((a, b) => a - b);
    const span = times.at(-1) - times[0];
    return span / Math.round(span / gaps[gaps.length >> 1]);
  }

  /**
   * Where pixels are green now that were not in `before`.
   *
   * @param {Uint8ClampedArray} before
   * @param {{x: number, y: number, width: number, height: number}} whole
   * @returns {Place | undefined}
   */
  function newlyGreen(before, whole) {
    const now = pixels(whole);
    const found = [];
    for (let index = 0; index < whole.width * whole.height; index++) {
      if (isGreen(now, index) && !isGreen(before, index)) {
        found.push({ x: index % whole.width, y: Math.floor(index / whole.width) });
      }
    }
    if (found.length < LEAST_PIXELS || found.length > whole.width * whole.height * LARGEST_PART) return undefined;
    const x = Math.min(...found.map((at) => at.x));
    const y = Math.min(...found.map((at) => at.y));
    const width = Math.max(...found.map((at) => at.x)) - x + 1;
    const height = Math.max(...found.map((at) => at.y)) - y + 1;
    return { x, y, width, height, inside: found.map((at) => (at.y - y) * width + at.x - x) };
  }

  globalThis.controlBench = {
    /** Opens the one session; resolves when a picture is shown and the channel is open. */
    async open(fields) {
      video.muted = true;
      video.autoplay = true;
      document.body.append(video);
      pc = new RTCPeerConnection();
      channel = pc.createDataChannel(CHANNEL);
      const { receiver } = pc.addTransceiver("video", { direction: "recvonly" });
      receiver.jitterBufferTarget = 0;
      video.srcObject = new MediaStream([receiver.track]);
      const opened = new Promise((resolve) => channel.addEventListener("open", resolve));
      const shown = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
      await pc.setLocalDescription();
      const { sdp, type } = pc.localDescription;
      const response = await fetch(OFFER_PATH, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ ...fields, sdp, type }),
      });
      const answer = await response.json();
      if (!response.ok) throw new Error(`the offer was answered with ${response.status}: ${JSON.stringify(answer)}`);
      sessionId = answer.session_id;
      await pc.setRemoteDescription({ sdp: answer.sdp, type: answer.type });
      await inTime(opened, "the DataChannel");
      await inTime(shown, "the first picture");
      refreshMs = await measureRefresh();
    },

    /** Finds out where a key's arrow lies by pressing it once. */
    async calibrate(key, { limitMs }) {
      const whole = { x: 0, y: 0, width: video.videoWidth, height: video.videoHeight };
      const before = pixels(whole);
      send(key, "press");
      const turned = await pictureWhere(() => newlyGreen(before, whole) !== undefined, limitMs);
      await pause(SETTLE_MS);
      const place = newlyGreen(before, whole);
      send(key, "release");
      if (turned === undefined || place === undefined) throw new Error(`nothing turned green when ${key} was pressed`);
      const gone = await pictureWhere(() => !isLit(place), limitMs);
      if (gone === undefined) throw new Error(`the arrow stayed green when ${key} was released`);
      places.set(key, place);
      const { x, y, width, height, inside } = place;
      return { x, y, width, height, pixels: inside.length };
    },

    /**
     * Waits, presses a key and releases it when its arrow is green. Gives milliseconds from right before the message
     * was sent to the picture that shows it, or null when there was none in time.
     */
    async press(key, { pauseMs, limitMs }) {
      const place = places.get(key);
      await pause(pauseMs);
      const began = send(key, "press");
      const picture = await pictureWhere(() => isLit(place), limitMs);
      send(key, "release");
      await pictureWhere(() => !isLit(place), limitMs);
      if (picture === undefined) return null;
      return {
        displayMs: picture.displayTime - began,
        expectedDisplayMs: picture.expectedDisplayTime - began,
        presentedMs: picture.presentationTime - began,
        readMs: picture.readTime - began,
      };
    },

    /** What the browser counted of the received video. */
    async stats() {
      const reports = [...(await pc.getStats()).values()];
      const video = reports.find((report) => report.type === "inbound-rtp" && report.kind === "video");
      const codec = reports.find((report) => report.id === video.codecId);
      return {
        codec: codec.mimeType,
        framesReceived: video.framesReceived,
        framesDecoded: video.framesDecoded,
        framesDropped: video.framesDropped,
        bytesReceived: video.bytesReceived,
        packetsLost: video.packetsLost,
        jitterBufferDelay: video.jitterBufferDelay,
        jitterBufferEmittedCount: video.jitterBufferEmittedCount,
        totalDecodeTime: video.totalDecodeTime,
        totalAssemblyTime: video.totalAssemblyTime,
        totalProcessingDelay: video.totalProcessingDelay,
      };
    },

    sessionId: () => sessionId,

    refreshMs: () => refreshMs,
  };
})();
