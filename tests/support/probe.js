// A small viewer of the tests' own, put into a page as window.probe: no part of the product is between the test and the
// browser. Its functions are typed in browser.ts.
const video = document.createElement("video");
video.autoplay = true;
video.playsInline = true;
document.body.append(video);
const canvas = document.createElement("canvas");
let peer;
let session = { url: "", id: "" };

function draw() {
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  return context;
}

function average(context, { x, y, w, h }) {
  const { data } = context.getImageData(x, y, w, h);
  const sum = [0, 0, 0];
  for (let at = 0; at < data.length; at += 4) {
    for (let channel = 0; channel < 3; channel++) sum[channel] += data[at + channel];
  }
  return sum.map((value) => Math.round(value / (w * h)));
}

globalThis.probe = {
  async connect(url, fields) {
    const began = performance.now();
    peer = new RTCPeerConnection();
    const pc = peer;
    pc.addTransceiver("video", { direction: "recvonly" });
    pc.addTransceiver("audio", { direction: "recvonly" });
    const first = new Promise((resolve, reject) => {
      video.requestVideoFrameCallback(() => resolve(performance.now() - began));
      setTimeout(() => reject(new Error(`no frame within 15 s; connection ${pc.connectionState}`)), 15_000);
    });
    pc.ontrack = (event) => video.srcObject = event.streams[0];
    await pc.setLocalDescription(await pc.createOffer());
    const response = await fetch(`${url}/v1/stream/webrtc/offer`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ sdp: pc.localDescription.sdp, type: "offer", task: "t2v", ...fields }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.detail);
    session = { url, id: answer.session_id };
    await pc.setRemoteDescription(answer);
    return { sessionId: session.id, firstFrameMs: await first };
  },

  async stats() {
    const all = [...(await peer.getStats()).values()];
    const inbound = all.find((stat) => stat.type === "inbound-rtp" && stat.kind === "video");
    const audio = all.find((stat) => stat.type === "inbound-rtp" && stat.kind === "audio");
    return {
      frames: inbound?.framesDecoded ?? 0,
      audioEnergy: audio?.totalAudioEnergy ?? 0,
      codec: all.find((stat) => stat.id === inbound?.codecId)?.mimeType ?? "",
      state: peer.connectionState,
      width: inbound?.frameWidth ?? 0,
    };
  },

  pixel(x, y) {
    return average(draw(), { x: x - 2, y: y - 2, w: 4, h: 4 });
  },

  /** The binary strip of the clip that ships with the examples; see pipelines/assets/README.md. */
  frameNumber() {
    const context = draw();
    let number = 0;
    for (let cell = 0; cell < 16; cell++) {
      const [r, g, b] = average(context, { x: 372 + 16 * cell, y: 347, w: 8, h: 6 });
      number = number * 2 + ((r + g + b) / 3 > 128 ? 1 : 0);
    }
    return number;
  },

  async close() {
    await fetch(`${session.url}/v1/stream/webrtc/${session.id}`, { method: "DELETE" });
    peer.close();
    video.srcObject = null;
  },
};
