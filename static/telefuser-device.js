// @ts-check
/**
 * What a page learns of itself and of its device's network.
 *
 * @module
 */

/**
 * @param {object} listener
 * @param {() => void} listener.left The page is left, perhaps for good.
 * @param {() => void} listener.network There is a network again, or another one.
 * @returns {() => void} Ends it.
 */
export function watchDevice({ left, network }) {
  const ending = new AbortController();
  const { signal } = ending;
  globalThis.addEventListener("pagehide", left, { signal });
  globalThis.addEventListener("online", network, { signal });
  if ("connection" in navigator && navigator.connection instanceof EventTarget) {
    navigator.connection.addEventListener("change", network, { signal });
  }
  return () => ending.abort();
}
