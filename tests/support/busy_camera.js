// Puts globalThis.busyCamera() into a page: a camera whose pictures are hard to code, so that it uses as many bits as it may.
globalThis.busyCamera = () => {
  const canvas = document.createElement("canvas");
  canvas.width = 640;
  canvas.height = 360;
  const pen = canvas.getContext("2d");
  setInterval(() => {
    for (let n = 0; n < 60; n++) {
      pen.fillStyle = `hsl(${360 * Math.random()} 90% 50%)`;
      pen.fillRect(640 * Math.random(), 360 * Math.random(), 8 + 40 * Math.random(), 8 + 40 * Math.random());
    }
  }, 33);
  return canvas.captureStream(30).getVideoTracks()[0];
};
