// @ts-check
/**
 * What is kept for the next page of the same tab. Storage may be switched off,
 * and what is in it may be anything: then nothing is kept.
 *
 * @module
 */

/**
 * @param {string} name
 * @param {unknown} value
 */
export function store(name, value) {
  attempt(() => sessionStorage.setItem(name, JSON.stringify(value)));
}

/**
 * @param {string} name
 * @returns {any} Null if nothing is kept, or no JSON.
 */
export function stored(name) {
  return attempt(() => JSON.parse(sessionStorage.getItem(name) ?? "null"));
}

/** @param {string} name */
export function drop(name) {
  attempt(() => sessionStorage.removeItem(name));
}

/**
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
