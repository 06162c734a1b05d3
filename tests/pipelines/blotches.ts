/** A limited-range I420 picture of noise that uses up any bitrate, with a bar that moves on from picture to picture. */
export function blotches(index: number, { width, height }: { width: number; height: number }): Uint8Array {
  const data = new Uint8Array(width * height * 1.5).fill(128);
  let state = index + 1;
  for (let at = 0; at < width * height; at++) {
    state = (state * 1_103_515_245 + 12_345) >>> 0;
    const x = at % width;
    data[at] = Math.abs(x - index * 20) < 20 ? 230 : 60 + (state >>> 26);
  }
  return data;
}
