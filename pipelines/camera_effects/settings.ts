/**
 * What a viewer may choose, in the offer and later in messages of `type: "control"`:
 *
 * - `effect`: `none`, `mirror` (default), `tint` or `outline`
 * - `color` of the tint, for example `#ff8800`
 * - `echo_ms`: after how many milliseconds the microphone is heard, 0 to 2000; 400 when absent
 * - `work_ms`, only in the offer: how many milliseconds a picture takes, 0 to 1000; 0 when absent. Stands for a model
 *
 * @module
 */

import type { ControlMessage, SessionConfig } from "telefuser";
import { MOST_ECHO_MS } from "./echo.ts";

const EFFECTS = ["none", "mirror", "tint", "outline"] as const;
const MOST_WORK_MS = 1000;

/** What is done to a picture. */
export type Effect = typeof EFFECTS[number];

/** What one viewer has chosen. */
export interface Settings {
  effect: Effect;
  /** `#rrggbb` */
  color: string;
  echo_ms: number;
  work_ms: number;
}

/** Reads the offer. */
export function readSettings(config: SessionConfig): Settings {
  const { effect = "mirror", color = "#ff8800", echo_ms = 400, work_ms = 0 } = config;
  if (!isEffect(effect)) {
    throw new Error(`effect is ${show(effect)}: give none, mirror, tint or outline, or leave it out for mirror.`);
  }
  if (!isColor(color)) {
    throw new Error(`color is ${show(color)}: give a text such as "#ff8800", or leave it out.`);
  }
  if (!isTime(echo_ms, MOST_ECHO_MS)) {
    throw new Error(`echo_ms is ${show(echo_ms)}: give a number from 0 to ${MOST_ECHO_MS}, or leave it out for 400.`);
  }
  if (!isTime(work_ms, MOST_WORK_MS)) {
    throw new Error(`work_ms is ${show(work_ms)}: give a number from 0 to ${MOST_WORK_MS}, or leave it out for 0.`);
  }
  return { effect, color, echo_ms, work_ms };
}

/** Changes what a message says; values that are none are ignored. Tells whether anything is different now. */
export function changeSettings(settings: Settings, { effect, color, echo_ms }: ControlMessage): boolean {
  const before = { ...settings };
  if (isEffect(effect)) settings.effect = effect;
  if (isColor(color)) settings.color = color;
  if (isTime(echo_ms, MOST_ECHO_MS)) settings.echo_ms = echo_ms;
  return show(settings) !== show(before);
}

function isEffect(value: unknown): value is Effect {
  return (EFFECTS as readonly unknown[]).includes(value);
}

function isColor(value: unknown): value is string {
  return typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value);
}

function isTime(value: unknown, most: number): value is number {
  return typeof value === "number" && value >= 0 && value <= most;
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
