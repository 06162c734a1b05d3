// Runs inside the browser page; browser_page.ts calls what it puts on `globalThis.streamBench`.

/** @typedef {{pc: RTCPeerConnection, id: string}} Session */

(() => {
  const OFFER_PATH = "/v1/stream/webrtc/offer";
  const CONNECT_MS = 15_000;
  /** @type {Session[]} */
  const sessions = [];

  /**
   * Sends the offer at once, without candidates: every contender finds the browser through its own checks.
   *
   * @param {object} fields what the offer carries beside sdp and type
   * @param {(track: MediaStreamTrack) => void} [onTrack]
   * @returns {Promise<Session>}
   */
  async function connect(fields, onTrack) {
    const pc = new RTCPeerConnection();
    if (onTrack) pc.addEventListener("track", (event) => onTrack(event.track));
    pc.addTransceiver("video", { direction: "recvonly" });
    await pc.setLocalDescription();
    const { sdp, type } = pc.localDescription;
    const response = await fetch(OFFER_PATH, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...fields, sdp, type }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`the offer was answered with ${response.status}: ${JSON.stringify(answer)}`);
    await pc.setRemoteDescription({ sdp: answer.sdp, type: answer.type });
    return { pc, id: answer.session_id };
  }

  /** @param {Session} session */
  async function close({ pc, id }) {
    await fetch(`/v1/stream/webrtc/${id}`, { method: "DELETE" });
    pc.close();
  }

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

  globalThis.streamBench = {
    /** Opens sessions one after the other; nothing is shown, so the browser only decodes. */
    async open(count, fields) {
      for (let opened = 0; opened < count; opened++) sessions.push(await inTime(connect(fields), "the answer"));
    },

    /** Sums over all open sessions, and the page's clock in ms. */
    async totals() {
      const totals = { at: performance.now(), framesReceived: 0, framesDecoded: 0, bytesReceived: 0, packetsLost: 0 };
      for (const { pc } of sessions) {
        for (const report of (await pc.getStats()).values()) {
          if (report.type !== "inbound-rtp" || report.kind !== "video") continue;
          totals.framesReceived += report.framesReceived ?? 0;
          totals.framesDecoded += report.framesDecoded ?? 0;
          totals.bytesReceived += report.bytesReceived ?? 0;
          totals.packetsLost += report.packetsLost ?? 0;
        }
      }
      return totals;
    },

    async closeAll() {
      await Promise.all(sessions.splice(0).map(close));
    },

    /** Connects once and gives the milliseconds until the first picture is presented. */
    async firstFrame(fields) {
      const video = document.createElement("video");
      video.muted = true;
      video.autoplay = true;
      document.body.append(video);
      const began = performance.now();
      const shown = new Promise((resolve) => video.requestVideoFrameCallback((now) => resolve(now - began)));
      const session = await inTime(
        connect(fields, (track) => video.srcObject = new MediaStream([track])),
        "the answer",
      );
      try {
        return await inTime(shown, "the first picture");
      } finally {
        await close(session);
        video.remove();
      }
    },
  };
})();
