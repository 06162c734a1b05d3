// @ts-check
/**
 * What is kept of a session so that a page can come back to it: the next page
 * of the same tab, also after a crash, but not a copy of the tab while the first
 * one still shows the session.
 *
 * @module
 */

import { hasLocks, takeLock } from "./telefuser-lock.js";
import { drop, store, stored } from "./telefuser-storage.js";

/**
 * @typedef {object} KeptSession
 * @property {string} id
 * @property {string} token
 * @property {number} lastMessage `sequence` of the last message that came.
 * @property {number} holdSeconds For how long the server holds the session.
 * @property {number} keptAt Milliseconds since 1970.
 */

/** How often what is kept is brought up to date. */
const KEEP_EVERY_MS = 1_000;
/** How long a page that goes away may take to let go of its session. */
const LET_GO_MS = 2_000;

/**
 * Keeps the session of one page by a key. While it does, the page has a lock by
 * the session's id, as what is kept goes along when a tab is duplicated. Without
 * locks the session is kept only at the moment when the page is left.
 */
export class SessionKeeper {
  #key;
  /** @type {string | null} Of the session whose lock is had. */
  #lockedId = null;
  #letGo = () => {};
  #isOver = false;
  /** @type {number | undefined} */
  #timer;

  /** @param {string} key */
  constructor(key) {
    this.#key = key;
  }

  /**
   * Whether there is a session to go on with.
   *
   * @param {string} key
   */
  static async hasSession(key) {
    const kept = keptSession(key, Date.now());
    if (!kept || !hasLocks()) return kept !== null;
    const letGo = await takeLock(nameOf(kept.id), LET_GO_MS);
    letGo?.();
    return letGo !== null;
  }

  /**
   * Takes the session that the page before has kept.
   *
   * @returns {Promise<KeptSession | null>} Null if there is none, or if another
   *   page shows it.
   */
  async claim() {
    const kept = keptSession(this.#key, Date.now());
    if (!kept) return null;
    if (!hasLocks()) forgetSession(this.#key); // It is for one page only.
    else if (!await this.#lock(kept.id)) return null;
    return kept;
  }

  /**
   * Keeps the session from now on.
   *
   * @param {() => KeptSession} read What there is to keep.
   */
  async begin(read) {
    const { id } = read();
    if (!hasLocks() || !await this.#lock(id) || this.#isOver) return;
    const keep = () => keepSession(this.#key, read());
    keep();
    this.#timer = setInterval(keep, KEEP_EVERY_MS);
  }

  /**
   * The page is left: the next one may have it.
   *
   * @param {KeptSession} session
   */
  leave(session) {
    this.#end();
    keepSession(this.#key, session);
  }

  /** The session is over. */
  forget() {
    this.#end();
    forgetSession(this.#key);
  }

  #end() {
    this.#isOver = true;
    clearInterval(this.#timer);
    this.#letGo();
  }

  /**
   * @param {string} id
   * @returns {Promise<boolean>} Whether this page has the lock of that session.
   */
  async #lock(id) {
    if (this.#lockedId === id) return true;
    const letGo = await takeLock(nameOf(id), LET_GO_MS);
    if (!letGo) return false;
    this.#letGo();
    this.#letGo = letGo;
    this.#lockedId = id;
    if (this.#isOver) letGo();
    return true;
  }
}

/**
 * Keeps a session for the next page of this tab.
 *
 * @param {string} key
 * @param {KeptSession} session
 */
export function keepSession(key, session) {
  store(nameOf(key), session);
}

/**
 * @param {string} key
 * @param {number} now Milliseconds since 1970.
 * @returns {KeptSession | null} Null if there is none that may still live.
 */
export function keptSession(key, now) {
  /** @type {KeptSession | null} */
  const session = stored(nameOf(key));
  if (!session || typeof session.id !== "string" || typeof session.token !== "string") return null;
  return now - session.keptAt < session.holdSeconds * 1000 ? session : null;
}

/** @param {string} key */
export function forgetSession(key) {
  drop(nameOf(key));
}

/** @param {string} key */
function nameOf(key) {
  return `telefuser:${key}`;
}
