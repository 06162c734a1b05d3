/**
 * The only place that prints.
 *
 * One event a line: time, level, scope, message, then `key=value` fields. Control characters in anything printed are
 * escaped, so that neither a prompt nor a pipeline can forge a line.
 *
 * @module
 */

/** Severity, lowest first. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Values behind a log line. */
export type LogFields = Record<string, unknown>;

const ORDER: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };
const COLOR: Record<LogLevel, string> = { debug: "\x1b[2m", info: "", warn: "\x1b[33m", error: "\x1b[31m" };
const MAX_VALUE_CHARS = 2000;

/** Where lines go; tests put their own here. */
export interface LogSink {
  write(level: LogLevel, line: string): void;
}

const encoder = new TextEncoder();

const stderrSink: LogSink = {
  write(level, line) {
    writeAll(Deno.stderr, `${colored(line, COLOR[level])}\n`);
  },
};

let threshold: LogLevel = "info";
let sink: LogSink = stderrSink;

/** Sets the lowest level that is printed; returns the one before. */
export function setLogLevel(level: LogLevel): LogLevel {
  const before = threshold;
  threshold = level;
  return before;
}

/** Sends lines elsewhere; returns the sink before. */
export function setLogSink(next: LogSink): LogSink {
  const before = sink;
  sink = next;
  return before;
}

/** Writes lines of one scope, for example `session 3f2a`. */
export class Log {
  readonly #scope: string;

  constructor(scope: string) {
    this.#scope = escapeControl(scope);
  }

  /** A log of a part of this scope. */
  child(part: string): Log {
    return new Log(`${this.#scope} ${part}`);
  }

  debug(message: string, fields?: LogFields): void {
    this.write("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.write("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.write("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.write("error", message, fields);
  }

  /** Writes one line if the level is high enough. */
  write(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (ORDER[level] < ORDER[threshold]) return;
    const time = new Date().toISOString().slice(11, 23);
    let line = `${time} ${level.toUpperCase().padEnd(5)} ${this.#scope}: ${escapeControl(redact(message))}`;
    for (const [key, value] of Object.entries(fields)) {
      if (value !== undefined) line += ` ${formatKey(key)}=${formatValue(value)}`;
    }
    sink.write(level, line);
  }
}

/** Secrets that nothing printed may contain, the longest first; one that was given twice stands twice. */
const secrets: string[] = [];
/** Shorter ones are words of everyday: starred, they would make nothing secret and every line unreadable. */
const MIN_SECRET_CHARS = 4;

/**
 * Has secrets starred in all that is printed and in all that `redact()` is given, as they are, as JSON writes them and as
 * a URL does.
 *
 * @returns what ends it
 */
export function hideSecrets(values: readonly string[]): Disposable {
  const forms = values.filter((value) => value.length >= MIN_SECRET_CHARS).flatMap((value) => [
    ...new Set([value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value.toWellFormed())]),
  ]);
  secrets.push(...forms);
  secrets.sort((a, b) => b.length - a.length);
  return {
    [Symbol.dispose]() {
      for (const form of forms.splice(0)) secrets.splice(secrets.indexOf(form), 1);
    },
  };
}

/** A text with the secrets starred that `hideSecrets()` was given. */
export function redact(text: string): string {
  let shown = text;
  for (const secret of secrets) shown = shown.replaceAll(secret, "***");
  return shown;
}

/** Whether the n-th of many alike lines is worth printing: the first twenty, then ever fewer. */
export function isWorthLogging(count: number): boolean {
  return count <= 20 || (count <= 1000 ? count % 100 === 0 : count % 1000 === 0);
}

/** Prints plain text to standard output: what a command was asked for. */
export function print(text: string): void {
  writeAll(Deno.stdout, `${redact(text)}\n`);
}

/** Prints one line to standard error: why a command failed. */
export function printError(text: string): void {
  writeAll(Deno.stderr, `${redact(text)}\n`);
}

/** Prints to standard error in red where that is a terminal and `NO_COLOR` is not set: what nobody should overlook. */
export function printAlarm(text: string): void {
  writeAll(Deno.stderr, `${colored(text, COLOR.error)}\n`);
}

function colored(text: string, color: string): string {
  return color === "" || Deno.noColor || !Deno.stderr.isTerminal() ? text : `${color}${text}\x1b[0m`;
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
}

function formatValue(value: unknown): string {
  const text = redact(typeof value === "string" ? value : safeJson(value));
  const cut = text.length > MAX_VALUE_CHARS ? `${text.slice(0, MAX_VALUE_CHARS)}…` : text;
  const isPlain = typeof value !== "string" || /^[^\s"=\\\p{Cc}]+$/u.test(cut);
  return isPlain ? escapeControl(cut) : `"${escapeControl(cut.replace(/["\\]/g, "\\$&"))}"`;
}

function formatKey(key: string): string {
  return escapeControl(key).replace(/[\s"=]/g, "_");
}

function safeJson(value: unknown): string {
  if (value instanceof Error) return value.message;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

/** Makes line breaks, terminal escapes, marks that turn the direction of writing and other control characters visible. */
export function escapeControl(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (char) => {
    if (char === "\n") return "\\n";
    if (char === "\t") return "\\t";
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
