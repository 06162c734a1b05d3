import { OpusDecoder, type PcmShape } from "../codec/mod.ts";
import { messageOf } from "../errors.ts";
import { isWorthLogging, type Log } from "../log.ts";
import type { ReceivedAudio, ViewerMediaSink } from "../media/mod.ts";

/** Packets that may wait for the decoder: a second. */
const MAX_WAITING = 50;

/** Counters of a feed. */
export interface MicrophoneCounters {
  /** Packets, with those that were lost. */
  packets: number;
  /** Packets that did not arrive, or that came faster than they could be decoded. */
  lost: number;
  /** Packets that did not decode. */
  invalid: number;
}

/** Decodes the viewer's microphone and hands it to the pipeline; what was lost or is broken is concealed in its length. */
export class MicrophoneFeed {
  readonly counters: MicrophoneCounters = { packets: 0, lost: 0, invalid: 0 };
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
    if (this.#waiting.length > MAX_WAITING && this.#waiting.shift()?.data !== null) this.counters.lost++;
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
        this.#handOver(await this.#decode(packet));
      } catch (error) {
        this.#report(error);
      }
    }
  }

  async #decode({ data }: ReceivedAudio): Promise<Int16Array> {
    try {
      return await this.#decoder.decode(data);
    } catch (error) {
      this.#report(error);
      return await this.#decoder.decode(null);
    }
  }

  #handOver(samples: Int16Array): void {
    if (!this.#closed && samples.length > 0) this.#sink.sound({ samples, ...this.#decoder.output });
  }

  #report(error: unknown): void {
    const invalid_packets = ++this.counters.invalid;
    if (!isWorthLogging(invalid_packets)) return;
    this.#log.warn(`microphone packet left out: ${messageOf(error)}`, { invalid_packets });
  }
}
