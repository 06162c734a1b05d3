import { OpusDecoder, type PcmShape } from "../codec/mod.ts";
import { messageOf } from "../errors.ts";
import { isWorthLogging, type Log } from "../log.ts";
import type { ReceivedAudio, ViewerMediaSink } from "../media/mod.ts";

/** Packets that may wait for the decoder: a second. */
const MAX_WAITING = 50;

/** Decodes the viewer's microphone and hands it to the pipeline; what was lost is silent and keeps its length. */
export class MicrophoneFeed {
  readonly counters = { packets: 0, lost: 0, invalid: 0 };
  readonly #sink: ViewerMediaSink;
  readonly #log: Log;
  readonly #decoder: OpusDecoder;
  readonly #waiting: ReceivedAudio[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  constructor({ shape, sink, log }: { shape: PcmShape; sink: ViewerMediaSink; log: Log }) {
    this.#sink = sink;
    this.#log = log;
    this.#decoder = new OpusDecoder(shape);
  }

  /** Takes a packet, or the gap where one was lost. */
  push(packet: ReceivedAudio): void {
    if (this.#closed) return;
    this.counters.packets++;
    if (packet.data === null) this.counters.lost++;
    this.#waiting.push(packet);
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift();
      this.counters.lost++;
    }
    this.#running ??= this.#work().finally(() => this.#running = undefined);
  }

  /** Stops and frees the decoder. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.length = 0;
    await this.#running;
    await this.#decoder.close();
  }

  async #work(): Promise<void> {
    for (let packet = this.#waiting.shift(); packet !== undefined; packet = this.#waiting.shift()) {
      try {
        const samples = await this.#decoder.decode(packet.data);
        if (!this.#closed && samples.length > 0) this.#sink.sound({ samples, ...this.#decoder.output });
      } catch (error) {
        const invalid_packets = ++this.counters.invalid;
        if (isWorthLogging(invalid_packets)) {
          this.#log.warn(`sound left out: ${messageOf(error)}`, { invalid_packets });
        }
      }
    }
  }
}
