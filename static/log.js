// @ts-check
/**
 * The message log of a demo page. Messages are drawn in batches, and the list
 * holds on to its end by itself (`column-reverse`), so nothing is measured
 * while they come in.
 *
 * The page holds `#log` with a list `#log-lines`, and the keys `#log-text`,
 * `#log-type`, `#log-pause`, `#log-copy`, `#log-clear` and `#log-note`.
 *
 * @module
 */

import { copyText } from "./copy.js";
import { byId } from "./dom.js";
import { lineOf, LogBook, passes } from "./log-book.js";

/** @typedef {import("./log-book.js").LogEntry} LogEntry */
/** @typedef {import("./log-book.js").Way} Way */

const MAX_LINES = 500;
const COPIED_MS = 2000;
/** How long messages are gathered before they are drawn. */
const GATHER_MS = 120;

/** Wires the log of the page; once for a page. */
export function openLog() {
  const list = byId("log-lines", HTMLElement);
  const text = byId("log-text", HTMLInputElement);
  const type = byId("log-type", HTMLSelectElement);
  const pauseKey = byId("log-pause", HTMLButtonElement);
  const copyKey = byId("log-copy", HTMLButtonElement);
  const note = byId("log-note", HTMLElement);

  const book = new LogBook(MAX_LINES);
  /** @type {Map<LogEntry, HTMLElement>} Those that are drawn. */
  const rows = new Map();
  /** @type {LogEntry[]} To be drawn with the next batch. */
  let fresh = [];
  /** @type {LogEntry[]} To be removed with it. */
  let stale = [];
  let isDue = false;
  let isPaused = false;
  let heldCount = 0;

  const filter = () => ({ text: text.value.trim(), type: type.value });

  function draw() {
    const wanted = filter();
    const drawn = fresh.filter((entry) => !entry.isGone && passes(entry, wanted)).map((entry) => {
      const row = rowOf(entry);
      rows.set(entry, row);
      return row;
    });
    fresh = [];
    for (const entry of stale) {
      rows.get(entry)?.remove();
      rows.delete(entry);
    }
    stale = [];
    list.append(...drawn);
  }

  function later() {
    if (isDue) return;
    isDue = true;
    setTimeout(() =>
      requestAnimationFrame(() => {
        isDue = false;
        if (isPaused) showPause();
        else draw();
      }), GATHER_MS);
  }

  function drawAll() {
    rows.clear();
    list.replaceChildren();
    fresh = [...book.entries];
    draw();
  }

  function showPause() {
    pauseKey.setAttribute("aria-pressed", String(isPaused));
    note.textContent = isPaused ? `Paused, ${heldCount} since` : "";
  }

  text.addEventListener("input", drawAll);
  type.addEventListener("change", drawAll);
  pauseKey.addEventListener("click", () => {
    draw(); // What is gathered still belongs to the time before.
    isPaused = !isPaused;
    heldCount = 0;
    showPause();
    if (!isPaused) drawAll();
  });
  copyKey.addEventListener("click", async () => {
    const lines = [...rows.keys()].map(lineOf).join("\n");
    copyKey.textContent = await copyText(lines) ? "Copied" : "Not allowed";
    setTimeout(() => copyKey.textContent = "Copy", COPIED_MS);
  });
  byId("log-clear", HTMLButtonElement).addEventListener("click", () => {
    book.clear();
    heldCount = 0;
    showPause();
    drawAll();
  });

  return {
    /**
     * @param {Way} way
     * @param {Record<string, any>} message
     */
    add(way, message) {
      const { entry, gone } = book.add(way, message, new Date());
      if (isPaused) {
        heldCount++;
        return later();
      }
      if (gone && rows.has(gone)) stale.push(gone);
      fresh.push(entry);
      if (fresh.length > MAX_LINES) fresh.shift(); // Nothing is drawn while the page is hidden.
      later();
    },
  };
}

/** @param {LogEntry} entry */
function rowOf({ way, type, time, text }) {
  const row = document.createElement("li");
  row.dataset.way = way;
  row.dataset.type = type;
  for (const [name, content] of Object.entries({ time, type: `${way === "in" ? "←" : "→"} ${type}`, text })) {
    const part = document.createElement("span");
    part.className = name;
    part.textContent = content;
    row.append(part);
  }
  return row;
}
