// A viewer with a camera and a microphone of its own making, put into a page as window.camera: the camera's left half is
// red, its right half blue, with its age as a binary strip at the top; the microphone is a tone. Typed in camera_page.ts.
const WIDTH = 640;
const HEIGHT = 360;
const CELLS = 20;
const CELL = WIDTH / CELLS;
/** The strip counts this many milliseconds. */
const TICK = 10;

const drawing = document.createElement("canvas");
drawing.width = WIDTH;
drawing.height = HEIGHT;
const pen = drawing.getContext("2d");
const reading = document.createElement("canvas");
const video = document.createElement("video");
video.autoplay = true;
video.muted = true;
document.body.append(video);
const sound = new Audio();
const audio = new AudioContext({ sampleRate: 48_000 });
const analyser = audio.createAnalyser();
analyser.fftSize = 8192;
let peer;
let channel;
let session = { url: "", id: "" };
const messages = [];
const ages = [];

function drawCamera() {
  pen.fillStyle = "#d02020";
  pen.fillRect(0, 0, WIDTH / 2, HEIGHT);
  pen.fillStyle = "#2020d0";
  pen.fillRect(WIDTH / 2, 0, WIDTH / 2, HEIGHT);
  const ticks = Math.floor(performance.now() / TICK) % 2 ** CELLS;
  for (let cell = 0; cell < CELLS; cell++) {
    pen.fillStyle = (ticks >> cell) & 1 ? "#fff" : "#000";
    pen.fillRect(cell * CELL, 0, CELL, 48);
  }
}

function readAge() {
  if (video.videoWidth === 0) return;
  reading.width = video.videoWidth;
  reading.height = video.videoHeight;
  const context = reading.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  const { data } = context.getImageData(0, 20, reading.width, 1);
  let ticks = 0;
  for (let cell = 0; cell < CELLS; cell++) {
    const at = Math.floor((cell + 0.5) * reading.width / CELLS) * 4;
    if (data[at] + data[at + 1] + data[at + 2] > 384) ticks += 2 ** cell;
  }
  ages.push(performance.now() - ticks * TICK);
}

function watch() {
  video.requestVideoFrameCallback(() => {
    readAge();
    watch();
  });
}

function tone() {
  const oscillator = audio.createOscillator();
  oscillator.frequency.value = 880;
  const destination = audio.createMediaStreamDestination();
  oscillator.connect(destination);
  oscillator.start();
  return destination.stream;
}

globalThis.camera = {
  async connect(url, config, { microphone = "tone" } = {}) {
    const pc = peer = new RTCPeerConnection();
    channel = pc.createDataChannel("telefuser");
    channel.onmessage = ({ data }) => messages.push(JSON.parse(data));
    setInterval(drawCamera, 40);
    drawCamera();
    const sounds = microphone === "tone" ? tone() : await navigator.mediaDevices.getUserMedia({ audio: true });
    const stream = new MediaStream([...drawing.captureStream(25).getTracks(), ...sounds.getTracks()]);
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
    pc.addTransceiver("video", { direction: "recvonly" });
    pc.addTransceiver("audio", { direction: "recvonly" });
    pc.ontrack = ({ track }) => {
      const received = new MediaStream([track]);
      if (track.kind === "video") {
        video.srcObject = received;
        video.play();
        watch();
      } else {
        sound.srcObject = received;
        sound.play();
        audio.createMediaStreamSource(received).connect(analyser);
      }
    };
    await pc.setLocalDescription(await pc.createOffer());
    const response = await fetch(`${url}/v1/stream/webrtc/offer`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ sdp: pc.localDescription.sdp, type: "offer", task: "bidirectional", config }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.detail);
    session = { url, id: answer.session_id };
    await pc.setRemoteDescription(answer);
    return session.id;
  },

  send(message) {
    channel.send(JSON.stringify(message));
  },

  messages() {
    return messages;
  },

  /** Colours of the left and the right half, as shown. */
  halves() {
    reading.width = WIDTH;
    reading.height = HEIGHT;
    const context = reading.getContext("2d", { willReadFrequently: true });
    context.drawImage(video, 0, 0, WIDTH, HEIGHT);
    return [WIDTH / 4, 3 * WIDTH / 4].map((x) => [...context.getImageData(x, 250, 1, 1).data.slice(0, 3)]);
  },

  /** Ages in milliseconds of the pictures shown since the last call. */
  ages() {
    return ages.splice(0);
  },

  /** Frequency in Hz of the loudest sound that comes back, and how far it stands out of the rest, in dB. */
  tone() {
    const levels = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(levels);
    const loudest = levels.indexOf(Math.max(...levels));
    const sorted = [...levels].sort((a, b) => a - b);
    return { hertz: loudest * 48_000 / analyser.fftSize, above: levels[loudest] - sorted[sorted.length >> 1] };
  },

  /** Energy of the sound that has come, as the browser counts it: works without a loudspeaker. */
  async energy() {
    const all = [...(await peer.getStats()).values()];
    return all.find((stat) => stat.type === "inbound-rtp" && stat.kind === "audio")?.totalAudioEnergy ?? 0;
  },

  async close() {
    await fetch(`${session.url}/v1/stream/webrtc/${session.id}`, { method: "DELETE" });
    peer.close();
  },
};
