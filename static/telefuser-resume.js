// @ts-check
/**
 * What is kept of a session so that a page can come back to it.
 *
 * @module
 */

/**
 * @typedef {object} KeptSession
 * @property {string} id
 * @property {string} token
 * @property {number} lastMessage `sequence` of the last message that came.
 * @property {number} holdSeconds For how long the server holds the session.
 * @property {number} keptAt Milliseconds since 1970.
 */

/** How long to wait before each try to come back, in milliseconds; the last one goes on. */
const WAITS_MS = [0, 500, 1000, 1000, 2000];

/**
 * @param {number} attempt Counted from 0.
 */
export function waitBefore(attempt) {
  return WAITS_MS[Math.min(attempt, WAITS_MS.length - 1)] ?? 0;
}

/**
 * Keeps a session for the next page of this tab.
 *
 * @param {string} key
 * @param {KeptSession} session
 */
export function keepSession(key, session) {
  attempt(() => sessionStorage.setItem(nameOf(key), JSON.stringify(session)));
}

/**
 * @param {string} key
 * @param {number} now Milliseconds since 1970.
 * @returns {KeptSession | null} Null if there is none that may still live.
 */
export function keptSession(key, now) {
  const text = attempt(() => sessionStorage.getItem(nameOf(key)));
  if (!text) return null;
  /** @type {KeptSession | null} */
  const kept = attempt(() => JSON.parse(text));
  if (!kept || typeof kept.id !== "string" || typeof kept.token !== "string") return null;
  return now - kept.keptAt < kept.holdSeconds * 1000 ? kept : null;
}

/** @param {string} key */
export function forgetSession(key) {
  attempt(() => sessionStorage.removeItem(nameOf(key)));
}

/** @param {string} key */
function nameOf(key) {
  return `telefuser:${key}`;
}

/**
 * Storage may be switched off, and what is in it may be anything.
 *
 * @template T
 * @param {() => T} act
 * @returns {T | null}
 */
function attempt(act) {
  try {
    return act();
  } catch (cause) {
    console.debug("telefuser: no storage", cause);
    return null;
  }
}
