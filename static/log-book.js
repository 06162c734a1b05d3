// @ts-check
/**
 * The latest messages of a session, both ways. Plain bookkeeping.
 *
 * @module
 */

/** @typedef {"in" | "out"} Way Seen from the page. */

/**
 * @typedef {object} LogEntry
 * @property {Way} way
 * @property {string} type Of the message.
 * @property {string} time `12:03:04.123`
 * @property {string} text The message without what every message has.
 * @property {boolean} isPlain A chunk that shows no control, as most are.
 * @property {boolean} isGone It has left the book.
 */

/**
 * @typedef {object} LogFilter
 * @property {string} text In any case of letters; empty: everything.
 * @property {string} type `all`, `notable` (all but plain chunks), or a type.
 */

/** Longest text of an entry. */
const MAX_TEXT = 2000;

/** A bounded list: plain chunks make room first, but keep half of the book. */
export class LogBook {
  /** @type {LogEntry[]} Oldest first. */
  entries = [];
  #limit;
  #plainCount = 0;

  /** @param {number} limit How many entries there may be. */
  constructor(limit) {
    this.#limit = limit;
  }

  /**
   * @param {Way} way
   * @param {Record<string, any>} message
   * @param {Date} at
   * @returns {{ entry: LogEntry, gone: LogEntry | null }} The new entry, and the
   *   one that it replaces.
   */
  add(way, message, at) {
    const { type, session_id: _id, timestamp: _timestamp, ...rest } = message;
    const json = JSON.stringify(rest);
    const entry = {
      way,
      type: String(type),
      time: timeOf(at),
      text: json.length > MAX_TEXT ? `${json.slice(0, MAX_TEXT)}…` : json,
      isPlain: type === "chunk" && !message.data?.applied_controls,
      isGone: false,
    };
    this.entries.push(entry);
    if (entry.isPlain) this.#plainCount++;
    return { entry, gone: this.entries.length > this.#limit ? this.#removeOne() : null };
  }

  clear() {
    for (const entry of this.entries) entry.isGone = true;
    this.entries = [];
    this.#plainCount = 0;
  }

  /** @returns {LogEntry | null} */
  #removeOne() {
    const isCrowded = this.#plainCount > this.#limit / 2;
    const [gone] = this.entries.splice(isCrowded ? this.entries.findIndex(({ isPlain }) => isPlain) : 0, 1);
    if (!gone) return null;
    if (gone.isPlain) this.#plainCount--;
    gone.isGone = true;
    return gone;
  }
}

/**
 * Whether an entry is to be shown.
 *
 * @param {LogEntry} entry
 * @param {LogFilter} filter
 */
export function passes(entry, { text, type }) {
  if (type === "notable" ? entry.isPlain : type !== "all" && entry.type !== type) return false;
  return text === "" || lineOf(entry).toLowerCase().includes(text.toLowerCase());
}

/** @param {LogEntry} entry */
export function lineOf({ way, type, time, text }) {
  return `${time} ${way === "in" ? "←" : "→"} ${type} ${text}`;
}

/** @param {Date} at */
function timeOf(at) {
  const pad = (/** @type {number} */ part, length = 2) => String(part).padStart(length, "0");
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => pad(part)).join(":");
  return `${time}.${pad(at.getMilliseconds(), 3)}`;
}
