/** Width of every bench clip in pixels. */
export const WIDTH = 640;
/** Height of every bench clip in pixels. */
export const HEIGHT = 360;
/** Frames per second of every bench clip. */
export const FPS = 24;
/** Frames in every bench clip: ten seconds. */
export const FRAME_COUNT = 240;

/** One full-range 4:2:0 picture of {@link WIDTH} × {@link HEIGHT}. */
export class Picture {
  readonly luma = new Uint8ClampedArray(WIDTH * HEIGHT);
  readonly u = new Uint8ClampedArray((WIDTH / 2) * (HEIGHT / 2));
  readonly v = new Uint8ClampedArray((WIDTH / 2) * (HEIGHT / 2));

  /** The three planes in I420 order, without padding. */
  toI420(): Uint8Array {
    const packed = new Uint8Array(this.luma.length + this.u.length + this.v.length);
    packed.set(this.luma, 0);
    packed.set(this.u, this.luma.length);
    packed.set(this.v, this.luma.length + this.u.length);
    return packed;
  }
}

/** Draws frame `index` of a clip into `picture`. Called with 0, 1, 2 … in order. */
export type Scene = (picture: Picture, index: number) => void;

// 3 × 5 dots for each digit, rows from the top, bit 2 is the left dot.
const DIGITS = [
  [7, 5, 5, 5, 7],
  [2, 6, 2, 2, 7],
  [7, 1, 7, 4, 7],
  [7, 1, 7, 1, 7],
  [5, 5, 7, 1, 1],
  [7, 4, 7, 1, 7],
  [7, 4, 7, 5, 7],
  [7, 1, 2, 2, 2],
  [7, 5, 7, 5, 7],
  [7, 5, 7, 1, 7],
] as const;
const DOT = 6;
const MARGIN = 10;

/** Writes the frame number, white on black, into the upper left corner. */
export function drawFrameNumber(picture: Picture, index: number): void {
  const text = String(index).padStart(3, "0");
  fillBox(picture, { x: MARGIN, y: MARGIN, width: (text.length * 4 + 1) * DOT, height: 7 * DOT, luma: 0 });
  [...text].forEach((letter, position) => {
    DIGITS[Number(letter)]!.forEach((row, line) => {
      for (let dot = 0; dot < 3; dot++) {
        if ((row & (4 >> dot)) === 0) continue;
        const x = MARGIN + (position * 4 + 1 + dot) * DOT;
        fillBox(picture, { x, y: MARGIN + (line + 1) * DOT, width: DOT, height: DOT, luma: 255 });
      }
    });
  });
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly luma: number;
}

function fillBox(picture: Picture, box: Box): void {
  for (let y = box.y; y < box.y + box.height; y++) {
    picture.luma.fill(box.luma, y * WIDTH + box.x, y * WIDTH + box.x + box.width);
  }
  for (let y = box.y >> 1; y < (box.y + box.height) >> 1; y++) {
    const start = y * (WIDTH / 2) + (box.x >> 1);
    picture.u.fill(128, start, start + (box.width >> 1));
    picture.v.fill(128, start, start + (box.width >> 1));
  }
}
