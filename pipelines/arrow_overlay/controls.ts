/**
 * What a viewer has pressed and said, and which of it the next picture shows first.
 *
 * Messages, all of `type: "control"`:
 *
 * - `{ key: "ArrowUp", action: "press" }` and `{ …, action: "release" }`; `w`, `a`, `s` and `d` mean the same keys
 * - `{ keys: ["ArrowUp", "ArrowLeft"] }`: these are held now and no others; `[]` lets go of all
 * - `{ hud: false }` hides the D-pad, `{ hud: true }` shows it
 * - `{ prompt: "…" }`
 *
 * @module
 */

import type { ControlMessage } from "telefuser";

/** The keys, clockwise. A set of them is a number from 0 to 15: bit 0 is the first key, and so on. */
export const ARROWS = ["ArrowUp", "ArrowRight", "ArrowDown", "ArrowLeft"] as const;

const BITS = new Map<unknown, number>([
  ...ARROWS.map((arrow, place) => [arrow, 1 << place] as const),
  ...[..."wdsa"].map((letter, place) => [letter, 1 << place] as const),
  ...[..."WDSA"].map((letter, place) => [letter, 1 << place] as const),
]);

/** Names of the keys in a set. */
export function arrowsOf(arrows: number): string[] {
  return ARROWS.filter((_, place) => (arrows >> place & 1) === 1);
}

/** What one picture shows. */
export interface View {
  /** Set of keys. */
  arrows: number;
  /** Whether the D-pad is visible. */
  hud: boolean;
  prompt: string | null;
  /** Ids of the messages that this picture shows first. */
  applied: (string | number)[];
}

/** The controls of one viewer. */
export class Controls {
  #held = 0;
  /** Keys pressed since the last picture: even one that was let go again at once is shown in the next picture. */
  #pressed = 0;
  #hud = true;
  #prompt: string | null;
  /** Ids of messages that the next picture shows. */
  #applied: (string | number)[] = [];
  /** Ids of messages that only the one after it shows: a key was let go that has not been shown yet. */
  #later: (string | number)[] = [];

  constructor(prompt: string | null) {
    this.#prompt = prompt;
  }

  /** Takes a message; what it does not know it ignores. */
  take(message: ControlMessage): void {
    if (message.type !== "control") return;
    const before = { picture: this.#nextPicture(), held: this.#held };
    const bit = BITS.get(message.key) ?? 0;
    if (message.action === "press") this.#hold(this.#held | bit);
    if (message.action === "release") this.#hold(this.#held & ~bit);
    if (Array.isArray(message.keys)) this.#hold(message.keys.reduce((set, key) => set | (BITS.get(key) ?? 0), 0));
    if (typeof message.hud === "boolean") this.#hud = message.hud;
    if (typeof message.prompt === "string") this.#prompt = message.prompt;
    const { id } = message;
    if (typeof id !== "string" && typeof id !== "number") return;
    if (this.#nextPicture() !== before.picture) this.#applied.push(id);
    else if (this.#held !== before.held) this.#later.push(id);
  }

  /** What the picture that is drawn now has to show. */
  next(): View {
    const arrows = this.#held | this.#pressed;
    const view = { arrows, hud: this.#hud, prompt: this.#prompt, applied: this.#applied };
    this.#pressed = 0;
    this.#applied = this.#later;
    this.#later = [];
    return view;
  }

  #hold(arrows: number): void {
    this.#pressed |= arrows & ~this.#held;
    this.#held = arrows;
  }

  /** What the next picture shows and says, to be compared. */
  #nextPicture(): string {
    return `${this.#held | this.#pressed} ${this.#hud} ${this.#prompt}`;
  }
}
