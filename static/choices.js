// @ts-check
/**
 * What is chosen on a page, kept for the next page of the same tab: a session
 * that goes on there looks as it is shown.
 *
 * @module
 */

import { store, stored } from "./telefuser-storage.js";

/**
 * @typedef {object} Choices
 * @property {string} effect
 * @property {boolean} hud Whether the overlay is on.
 */

/**
 * @param {string} page Its path.
 * @param {Choices} choices
 */
export function keepChoices(page, choices) {
  store(nameOf(page), choices);
}

/**
 * @param {string} page
 * @param {{ defaults: Choices, effects: readonly string[] }} options The effects
 *   that there are.
 * @returns {Choices} The defaults in place of what is not kept, or makes no sense.
 */
export function keptChoices(page, { defaults, effects }) {
  const { effect, hud } = stored(nameOf(page)) ?? {};
  return {
    effect: effects.includes(effect) ? effect : defaults.effect,
    hud: typeof hud === "boolean" ? hud : defaults.hud,
  };
}

/** @param {string} page */
function nameOf(page) {
  return `telefuser:choices:${page}`;
}
