// @ts-check
/**
 * Figures on a demo page, and how they are written.
 *
 * @module
 */

import { byId } from "./dom.js";

/**
 * Shows a figure in `#stats-<name>`.
 *
 * @param {string} name
 * @param {string | null} text Null: unknown.
 */
export function write(name, text) {
  const element = byId(`stats-${name}`, HTMLElement);
  const shown = text ?? "–";
  if (element.textContent !== shown) element.textContent = shown;
}

/** @param {number | null} fps */
export function fpsText(fps) {
  return fps === null ? null : `${fps.toFixed(1)} fps`;
}

/** @param {number | null} kbps */
export function bitrateText(kbps) {
  if (kbps === null) return null;
  return kbps < 1000 ? `${Math.round(kbps)} kbit/s` : `${(kbps / 1000).toFixed(2)} Mbit/s`;
}

/** @param {number | null} ms */
export function msText(ms) {
  return ms === null ? null : `${Math.round(ms)} ms`;
}

/** @param {{ width: number | null, height: number | null }} picture */
export function sizeText({ width, height }) {
  return width && height ? `${width} × ${height}` : null;
}

/** @param {number} ms */
export function timeText(ms) {
  const seconds = Math.floor(ms / 1000);
  const pad = (/** @type {number} */ part) => String(part).padStart(2, "0");
  return `${pad(Math.floor(seconds / 60))}:${pad(seconds % 60)}`;
}
