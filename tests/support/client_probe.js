// A viewer made of the player page's own client library, put into a page of the server as globalThis.viewer. Its
// functions are typed in client_page.ts.
const video = document.createElement("video");
video.autoplay = true;
video.playsInline = true;
document.body.append(video);
const canvas = document.createElement("canvas");
canvas.width = 64;
canvas.height = 36;
let client;
let peer;

class WatchedPeerConnection extends RTCPeerConnection {
  constructor(...args) {
    super(...args);
    peer = this;
  }
}
globalThis.RTCPeerConnection = WatchedPeerConnection;

/** The picture on the screen: its brightest value, and a number that another picture hardly has. */
function look() {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let brightest = 0;
  let print = 0;
  for (let at = 0; at < data.length; at += 4) {
    brightest = Math.max(brightest, data[at], data[at + 1], data[at + 2]);
    print = (print * 31 + data[at] + 3 * data[at + 1] + 7 * data[at + 2]) % 0x7fffffff;
  }
  return { brightest, print };
}

globalThis.viewer = {
  peer: () => peer,

  async connect(options) {
    const { StreamClient } = await import("/static/telefuser-client.js");
    client = new StreamClient(options);
    video.srcObject = client.stream;
    const began = performance.now();
    await client.connect();
    return { sessionId: client.sessionId, connectMs: performance.now() - began };
  },

  /** Sends a camera that uses as many bits as it may; see `busy_camera.js`. */
  async sendBusyCamera() {
    await client.setCamera(globalThis.busyCamera());
  },

  async look() {
    const all = [...(await peer.getStats()).values()];
    const inbound = (kind) => all.find((stat) => stat.type === "inbound-rtp" && stat.kind === kind);
    const transport = all.find((stat) => stat.type === "transport");
    const pair = all.find((stat) => stat.type === "candidate-pair" && stat.id === transport?.selectedCandidatePairId) ??
      all.find((stat) => stat.type === "candidate-pair" && stat.selected);
    const local = all.find((stat) => stat.id === pair?.localCandidateId);
    return {
      state: client.state,
      frames: inbound("video")?.framesDecoded ?? 0,
      audioEnergy: inbound("audio")?.totalAudioEnergy ?? 0,
      audioSamples: inbound("audio")?.totalSamplesReceived ?? 0,
      codec: all.find((stat) => stat.id === inbound("video")?.codecId)?.mimeType ?? "",
      path: { type: local?.candidateType ?? "", relayProtocol: local?.relayProtocol ?? "" },
      ...look(),
    };
  },

  async stop() {
    await client.stop();
    video.srcObject = null;
  },
};
