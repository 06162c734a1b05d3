import { type LogLevel, setLogLevel, setLogSink } from "../../../src/log.ts";

/** Takes everything that is logged while it is in scope: `using log = new CapturedLog()`. */
export class CapturedLog implements Disposable {
  readonly lines: { level: LogLevel; line: string }[] = [];
  readonly #levelBefore: LogLevel;
  readonly #sinkBefore: ReturnType<typeof setLogSink>;

  constructor(level: LogLevel = "debug") {
    this.#levelBefore = setLogLevel(level);
    this.#sinkBefore = setLogSink({ write: (level, line) => void this.lines.push({ level, line }) });
  }

  /** The lines as one text. */
  get text(): string {
    return this.lines.map(({ line }) => line).join("\n");
  }

  [Symbol.dispose](): void {
    setLogLevel(this.#levelBefore);
    setLogSink(this.#sinkBefore);
  }
}
