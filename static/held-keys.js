// @ts-check
/**
 * Which keys are held, by whom, and what changes. Plain bookkeeping.
 *
 * @module
 */

/** The keys of the D-pad, as `KeyboardEvent.key` calls them. */
export const ARROWS = /** @type {const} */ (["ArrowUp", "ArrowRight", "ArrowDown", "ArrowLeft"]);

/** @typedef {typeof ARROWS[number]} Arrow */
/** @typedef {"press" | "release"} Action */

/** How far the stick has to be tilted to press a key, and to let go of it again. */
const STICK_PRESS = 0.5;
const STICK_RELEASE = 0.35;
/** Share of the pad's half that belongs to its middle. */
const MIDDLE = 1 / 3;

/** By `KeyboardEvent.code`: letters by their place on the keyboard, whatever is printed on them. */
const ARROW_OF_CODE = new Map(
  /** @type {[string, Arrow][]} */ ([
    ...ARROWS.map((arrow) => [arrow, arrow]),
    ["KeyW", "ArrowUp"],
    ["KeyD", "ArrowRight"],
    ["KeyS", "ArrowDown"],
    ["KeyA", "ArrowLeft"],
  ]),
);

/**
 * Keys that several sources can hold at once: a key is pressed when the first
 * source holds it and released when the last one lets go.
 */
export class HeldKeys {
  /** @type {Map<string, ReadonlySet<Arrow>>} */
  #sources = new Map();
  #onChange;

  /** @param {(key: Arrow, action: Action) => void} onChange Called once for each change. */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** @returns {Arrow[]} Those that are held, clockwise. */
  get held() {
    return ARROWS.filter((key) => this.isHeld(key));
  }

  /** @param {Arrow} key */
  isHeld(key) {
    return [...this.#sources.values()].some((keys) => keys.has(key));
  }

  /**
   * A source holds exactly these keys now. What it lets go is told before what
   * it presses.
   *
   * @param {string} source
   * @param {Iterable<Arrow>} keys
   */
  hold(source, keys) {
    const before = this.held;
    const held = new Set(keys);
    if (held.size > 0) this.#sources.set(source, held);
    else this.#sources.delete(source);
    this.#tell(before);
  }

  /** @param {string} source It holds nothing any more. */
  release(source) {
    this.hold(source, []);
  }

  /** Nobody holds anything any more. */
  releaseAll() {
    const before = this.held;
    this.#sources.clear();
    this.#tell(before);
  }

  /** @param {readonly Arrow[]} before */
  #tell(before) {
    const now = this.held;
    for (const key of before) if (!now.includes(key)) this.#onChange(key, "release");
    for (const key of now) if (!before.includes(key)) this.#onChange(key, "press");
  }
}

/**
 * The key of a keyboard event.
 *
 * @param {{ key: string, code: string }} event
 * @returns {Arrow | null}
 */
export function arrowOf({ key, code }) {
  return ARROWS.find((arrow) => arrow === key) ?? ARROW_OF_CODE.get(code) ?? null;
}

/**
 * The keys under a finger: one in the middle of a side, two in a corner, none
 * in the middle.
 *
 * @param {number} x From the pad's middle, -1 at its left edge to 1 at its
 *   right one; a finger that has slid off is further out.
 * @param {number} y Downwards, likewise.
 * @returns {Arrow[]}
 */
export function arrowsAt(x, y) {
  /** @type {Arrow[]} */
  const arrows = [];
  if (y < -MIDDLE) arrows.push("ArrowUp");
  if (x > MIDDLE) arrows.push("ArrowRight");
  if (y > MIDDLE) arrows.push("ArrowDown");
  if (x < -MIDDLE) arrows.push("ArrowLeft");
  return arrows;
}

/**
 * What is held on a gamepad of the standard layout: its D-pad and left stick.
 * Of another layout only the first stick is read.
 *
 * @param {{ mapping: string, buttons: readonly { pressed: boolean }[], axes: readonly number[] }} gamepad
 * @param {readonly Arrow[]} before What was held at the last look: a stick near
 *   its threshold does not flutter.
 * @returns {Arrow[]}
 */
export function arrowsOn({ mapping, buttons, axes }, before) {
  const isPressed = (/** @type {number} */ button) => mapping === "standard" && buttons[button]?.pressed === true;
  const [x = 0, y = 0] = axes;
  const tilt = { ArrowUp: -y, ArrowRight: x, ArrowDown: y, ArrowLeft: -x };
  const button = { ArrowUp: 12, ArrowDown: 13, ArrowLeft: 14, ArrowRight: 15 };
  return ARROWS.filter((arrow) => {
    const threshold = before.includes(arrow) ? STICK_RELEASE : STICK_PRESS;
    return isPressed(button[arrow]) || tilt[arrow] > threshold;
  });
}
