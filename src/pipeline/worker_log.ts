import type { LogLevel } from "../log.ts";
import type { PipelineLog } from "./contract.ts";
import { asFields } from "./log_fields.ts";
import type { WorkerMessage } from "./protocol.ts";
import { toPlain } from "./thrown.ts";

/** Lines a second that are passed on, and as many at once; more are counted and left out. */
const RATE = 200;
/** Characters of a line; and of its fields as JSON. */
const MAX_LINE = 4096;

/** The pipeline's log lines on their way to the host. A pipeline that logs without end costs nothing but its lines. */
export class WorkerLog {
  readonly #send: (message: WorkerMessage) => void;
  readonly #now: () => number;
  #left = RATE;
  #filledAt: number;
  #dropped = 0;

  /** @param now milliseconds that only grow */
  constructor(send: (message: WorkerMessage) => void, now: () => number = () => performance.now()) {
    this.#send = send;
    this.#now = now;
    this.#filledAt = now();
  }

  /** The log of a session, or of the service. */
  of(session: string | null): PipelineLog {
    const write = (level: LogLevel) => (message: string, fields?: object) => {
      this.write({ level, message: String(message), fields, session });
    };
    return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  }

  /** Passes a line on, or counts it. */
  write(
    { level, message, fields, session }: {
      level: LogLevel;
      message: string;
      fields?: object | undefined;
      session: string | null;
    },
  ): void {
    const now = this.#now();
    this.#left = Math.min(RATE, this.#left + (now - this.#filledAt) * RATE / 1000);
    this.#filledAt = now;
    if (this.#left < 1) return void this.#dropped++;
    this.#left--;
    if (this.#dropped > 0) {
      const left_out = this.#dropped;
      this.#dropped = 0;
      this.#put({
        level: "warn",
        message: "the pipeline logs too much; lines were left out",
        fields: { left_out },
        session,
      });
    }
    this.#put({ level, message: cut(message), fields: short(toPlain(fields)), session });
  }

  #put(line: { level: LogLevel; message: string; fields: Record<string, unknown>; session: string | null }): void {
    this.#send({ t: "log", ...line });
  }
}

function cut(text: string): string {
  return text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text;
}

function short(plain: unknown): Record<string, unknown> {
  const text = JSON.stringify(plain);
  return text.length > MAX_LINE ? { fields: cut(text) } : asFields(plain);
}
