import { fractalTexture, sample, seededRandom, type Texture } from "./texture.ts";
import { HEIGHT, type Picture, type Scene, WIDTH } from "./picture.ts";

interface Sprite {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  readonly radius: number;
  readonly shift: number;
}

const SPRITES = 24;

/**
 * A picture that is hard to encode: gravel that turns and grows, under discs of other gravel that each fly their own
 * way. Almost no block can be predicted by a pure shift.
 */
export function detailScene(): Scene {
  const ground = fractalTexture(1024, { seed: 11, coarsest: 8, persistence: 0.78 });
  const tint = fractalTexture(512, { seed: 12, coarsest: 8, persistence: 0.6 });
  const sprites = makeSprites();
  return (picture, index) => {
    drawGround(picture, { ground, tint, index });
    for (const sprite of sprites) drawSprite(picture, { sprite, ground, index });
  };
}

function makeSprites(): Sprite[] {
  const random = seededRandom(13);
  return Array.from({ length: SPRITES }, () => ({
    x: random() * WIDTH,
    y: random() * HEIGHT,
    dx: (random() - 0.5) * 9,
    dy: (random() - 0.5) * 7,
    radius: 14 + random() * 26,
    shift: random() * 1024,
  }));
}

interface GroundJob {
  readonly ground: Texture;
  readonly tint: Texture;
  readonly index: number;
}

function drawGround(picture: Picture, job: GroundJob): void {
  const angle = job.index * 0.006;
  const zoom = 1 + 0.25 * Math.sin(job.index * 0.026);
  const cos = Math.cos(angle) * zoom;
  const sin = Math.sin(angle) * zoom;
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const cx = x - WIDTH / 2;
      const cy = y - HEIGHT / 2;
      const tx = cx * cos - cy * sin + job.index * 1.7;
      const ty = cx * sin + cy * cos;
      picture.luma[y * WIDTH + x] = (sample(job.ground, tx, ty) - 128) * 1.5 + 128;
      if (((x | y) & 1) !== 0) continue;
      const at = (y >> 1) * (WIDTH / 2) + (x >> 1);
      picture.u[at] = 128 + (sample(job.tint, tx * 0.5, ty * 0.5) - 128) * 0.5;
      picture.v[at] = 128 + (sample(job.tint, tx * 0.5 + 200, ty * 0.5 + 90) - 128) * 0.5;
    }
  }
}

function drawSprite(
  picture: Picture,
  job: { readonly sprite: Sprite; readonly ground: Texture; readonly index: number },
): void {
  const { sprite, ground, index } = job;
  const centreX = wrap(sprite.x + sprite.dx * index, WIDTH);
  const centreY = wrap(sprite.y + sprite.dy * index, HEIGHT);
  const reach = Math.ceil(sprite.radius);
  for (let y = Math.max(0, Math.floor(centreY) - reach); y < Math.min(HEIGHT, centreY + reach); y++) {
    for (let x = Math.max(0, Math.floor(centreX) - reach); x < Math.min(WIDTH, centreX + reach); x++) {
      const dx = x - centreX;
      const dy = y - centreY;
      if (dx * dx + dy * dy > sprite.radius * sprite.radius) continue;
      picture.luma[y * WIDTH + x] = 255 - sample(ground, dx + sprite.shift, dy + sprite.shift);
    }
  }
}

function wrap(value: number, length: number): number {
  return ((value % length) + length) % length;
}
