// @ts-check
/**
 * How a lost connection is brought back, for as long as the server holds its
 * session.
 *
 * @module
 */

import { asStreamError } from "./telefuser-errors.js";
import { delay } from "./telefuser-timer.js";

/** How long to wait before each try, in milliseconds; the last one goes on. */
const WAITS_MS = [0, 500, 1000];
/** How often a connection that is coming up is looked at. */
const LOOK_MS = 50;

/**
 * One way to bring it back.
 *
 * @typedef {object} Way
 * @property {() => Promise<boolean>} go Whether the connection may come up now.
 * @property {number} limitMs How long that may take before the next way.
 */

/**
 * Tries all ways, in their order, again and again. A way that throws ends that
 * round; one that the server refuses because the session is over ends it all.
 *
 * @param {readonly Way[]} ways
 * @param {object} options
 * @param {number} options.limitMs How long to try.
 * @param {() => boolean} options.isAway Looks after it, too: whether it has not come back.
 * @param {(ms: number) => Promise<boolean>} options.pause Waits between two tries.
 *   True if the wait ended early, as there is a network again: the waits begin
 *   anew, as it may take a moment until it leads anywhere.
 * @returns {Promise<boolean>} False if it is lost for good.
 */
export async function bringBack(ways, { limitMs, isAway, pause }) {
  const until = performance.now() + limitMs;
  for (let attempt = 0; performance.now() < until; attempt++) {
    if (await pause(Math.min(waitBefore(attempt), until - performance.now()))) attempt = 0;
    if (!isAway()) return true;
    try {
      for (const way of ways) {
        if (await way.go() && await isBack(way.limitMs, isAway)) return true;
      }
    } catch (cause) {
      const { status } = asStreamError(cause);
      if (status === 404 || status === 403) return false;
      console.debug("telefuser: not back yet", cause);
    }
  }
  return !isAway();
}

/** @param {number} attempt Counted from 0. */
export function waitBefore(attempt) {
  return WAITS_MS[Math.min(attempt, WAITS_MS.length - 1)] ?? 0;
}

/**
 * @param {number} limitMs
 * @param {() => boolean} isAway
 */
async function isBack(limitMs, isAway) {
  const until = performance.now() + limitMs;
  while (isAway() && performance.now() < until) await delay(LOOK_MS);
  return !isAway();
}
