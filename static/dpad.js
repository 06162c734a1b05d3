// @ts-check
/**
 * The D-pad of a demo page: arrow keys and WASD, fingers and mouse on the pad,
 * gamepads. What is held is released when the page loses sight of it.
 *
 * The page holds `#dpad` with one button for each key, named by `data-key`.
 *
 * @module
 */

import { byId } from "./dom.js";
import { arrowOf, ARROWS, arrowsAt, arrowsOn, HeldKeys } from "./held-keys.js";

/** @typedef {import("./held-keys.js").Arrow} Arrow */
/** @typedef {import("./held-keys.js").Action} Action */

/** How long a key is held that assistive technology only clicks. */
const CLICK_MS = 150;
/** Elements that need arrows and letters for themselves. */
const OWN_KEYS = "input, textarea, select, [contenteditable], [data-own-keys]";

/**
 * Wires the D-pad of the page, switched off; once for a page.
 *
 * @param {(key: Arrow, action: Action) => void} onChange Called once for each
 *   change while it is switched on.
 * @returns {{ switchOn: (isOn: boolean) => void, held: () => Arrow[] }} Switching
 *   it off lets go of everything without a call. `held` tells what is held now.
 */
export function openDpad(onChange) {
  const pad = byId("dpad", HTMLElement);
  const buttons = new Map(ARROWS.map((key) => {
    const button = pad.querySelector(`[data-key="${key}"]`);
    if (!(button instanceof HTMLButtonElement)) throw new TypeError(`The D-pad has no button for ${key}.`);
    return [key, button];
  }));
  let isOn = false;
  const keys = new HeldKeys((key, action) => {
    buttons.get(key)?.setAttribute("aria-pressed", String(action === "press"));
    if (isOn) onChange(key, action);
  });
  const hold = (/** @type {string} */ source, /** @type {Iterable<Arrow>} */ held) => {
    if (isOn) keys.hold(source, held);
    return isOn;
  };

  listenToKeyboard(keys, hold);
  listenToPointers(pad, keys, hold);
  for (const [key, button] of buttons) listenToButton(button, { key, keys, hold });
  const gamepads = listenToGamepads(keys, hold);
  addEventListener("blur", () => keys.releaseAll());
  addEventListener("pagehide", () => keys.releaseAll());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) keys.releaseAll();
  });

  return {
    switchOn(wanted) {
      isOn = false;
      keys.releaseAll();
      isOn = wanted;
      pad.dataset.on = String(isOn);
      for (const button of buttons.values()) button.disabled = !isOn;
      gamepads.switchOn(isOn);
    },
    held: () => keys.held,
  };
}

/** @typedef {(source: string, held: Iterable<Arrow>) => boolean} Hold Tells whether the D-pad is switched on. */

/**
 * @param {HeldKeys} keys
 * @param {Hold} hold
 */
function listenToKeyboard(keys, hold) {
  /** @type {Set<string>} Codes that are down. */
  const down = new Set();
  const letGo = (/** @type {string} */ code) => {
    if (down.delete(code)) keys.release(`keyboard ${code}`);
  };
  addEventListener("keydown", (event) => {
    const arrow = arrowOf(event);
    if (!arrow || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.target instanceof Element && event.target.closest(OWN_KEYS)) return;
    // A repetition changes nothing, unless the page had been out of sight.
    if (!hold(`keyboard ${event.code}`, [arrow])) return;
    event.preventDefault(); // The page does not scroll.
    down.add(event.code);
  });
  addEventListener("keyup", (event) => {
    letGo(event.code);
    // While this key is down, a Mac tells of no other that is let go.
    if (event.key === "Meta") { for (const code of down) letGo(code); }
  });
}

/**
 * @param {HTMLElement} pad
 * @param {HeldKeys} keys
 * @param {Hold} hold
 */
function listenToPointers(pad, keys, hold) {
  /** @type {Set<number>} */
  const down = new Set();
  const follow = (/** @type {PointerEvent} */ { pointerId, clientX, clientY }) => {
    const { left, top, width, height } = pad.getBoundingClientRect();
    const x = (clientX - left) / width * 2 - 1;
    const y = (clientY - top) / height * 2 - 1;
    hold(`pointer ${pointerId}`, arrowsAt(x, y));
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault(); // The focus stays where it is.
    pad.setPointerCapture(event.pointerId);
    down.add(event.pointerId);
    follow(event);
  });
  pad.addEventListener("pointermove", (event) => {
    if (down.has(event.pointerId)) follow(event);
  });
  for (const end of /** @type {const} */ (["pointerup", "pointercancel", "lostpointercapture"])) {
    pad.addEventListener(end, ({ pointerId }) => {
      if (down.delete(pointerId)) keys.release(`pointer ${pointerId}`);
    });
  }
  // A long press is a long press.
  pad.addEventListener("contextmenu", (event) => event.preventDefault());
}

/**
 * A key of the pad that has the focus is held by Space and Enter. A click
 * without pointer or keyboard comes from assistive technology.
 *
 * @param {HTMLButtonElement} button
 * @param {{ key: Arrow, keys: HeldKeys, hold: Hold }} options
 */
function listenToButton(button, { key, keys, hold }) {
  const source = `button ${key}`;
  button.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault(); // No click follows.
    hold(source, [key]);
  });
  button.addEventListener("keyup", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    keys.release(source);
  });
  button.addEventListener("blur", () => keys.release(source));
  button.addEventListener("click", ({ detail }) => {
    if (detail !== 0) return;
    hold(source, [key]);
    setTimeout(() => keys.release(source), CLICK_MS);
  });
}

/**
 * Looks at the gamepads once a frame, while there are any.
 *
 * @param {HeldKeys} keys
 * @param {Hold} hold
 */
function listenToGamepads(keys, hold) {
  /** @type {Map<number, Arrow[]>} What each one holds. */
  const held = new Map();
  let isOn = false;
  let frame = 0;

  function look() {
    const connected = navigator.getGamepads().filter((gamepad) => gamepad?.connected);
    const there = document.hasFocus() ? connected : [];
    for (const index of held.keys()) {
      if (there.some((gamepad) => gamepad?.index === index)) continue;
      held.delete(index);
      keys.release(`gamepad ${index}`);
    }
    for (const gamepad of there) {
      if (!gamepad) continue;
      const arrows = arrowsOn(gamepad, held.get(gamepad.index) ?? []);
      if (String(arrows) !== String(held.get(gamepad.index) ?? [])) hold(`gamepad ${gamepad.index}`, arrows);
      held.set(gamepad.index, arrows);
    }
    frame = isOn && connected.length > 0 ? requestAnimationFrame(look) : 0;
  }

  function begin() {
    if (isOn && frame === 0 && "getGamepads" in navigator) frame = requestAnimationFrame(look);
  }

  addEventListener("gamepadconnected", begin);
  addEventListener("gamepaddisconnected", begin);
  return {
    /** @param {boolean} wanted */
    switchOn(wanted) {
      isOn = wanted;
      held.clear();
      begin();
    },
  };
}
