// @ts-check
/**
 * What only one page of an origin may have at a time.
 *
 * @module
 */

/** Whether the browser has locks: only pages with TLS, or on this machine, do. */
export function hasLocks() {
  return "locks" in navigator;
}

/**
 * Takes a lock. It goes with the page, even if that crashes.
 *
 * @param {string} name
 * @param {number} limitMs How long to wait for a page that has it.
 * @returns {Promise<(() => void) | null>} Lets go of it; null if another page
 *   has it, or if the browser has no locks.
 */
export function takeLock(name, limitMs) {
  if (!hasLocks()) return Promise.resolve(null);
  return new Promise((resolve) => {
    const held = () => new Promise((letGo) => resolve(() => letGo(undefined)));
    navigator.locks.request(name, { signal: AbortSignal.timeout(limitMs) }, held).catch((cause) => {
      console.debug(`telefuser: ${name} is another page's`, cause);
      resolve(null);
    });
  });
}
