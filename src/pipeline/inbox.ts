import type { CameraPicture, PcmBlock, ViewerMediaSink } from "../media/mod.ts";
import type { ControlMessage, MediaMessage } from "./contract.ts";
import type { InputLane } from "./protocol.ts";

/** Control messages that may wait for a slow pipeline. */
const MAX_WAITING = 64;
/** Seconds of sound that may wait; beyond it the oldest is left out. */
const MAX_SOUND = 1;

/** Counters of what came in. */
export interface InputCounters {
  controlsReceived: number;
  controlsDropped: number;
  pictures: number;
  /** Seconds of sound that the pipeline was too slow for. */
  soundDropped: number;
}

/**
 * What waits on its way into `pushChunk()`. Three lanes that do not wait for each other, each with one message under way
 * at most: control messages keep their order; of pictures only the newest counts; sound is joined to longer blocks.
 */
export class Inbox implements ViewerMediaSink {
  readonly counters: InputCounters = { controlsReceived: 0, controlsDropped: 0, pictures: 0, soundDropped: 0 };
  whenFree: () => void = () => undefined;
  readonly #send: (lane: InputLane, message: unknown, transfer: Transferable[]) => void;
  readonly #busy = new Set<InputLane>();
  readonly #waiting: { readonly message: ControlMessage; readonly kind: string }[] = [];
  readonly #sound: PcmBlock[] = [];
  #closed = false;

  constructor(send: (lane: InputLane, message: unknown, transfer: Transferable[]) => void) {
    this.#send = send;
  }

  /** Control messages that wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Takes a control message; when too many wait, the oldest that a newer one of its kind replaces is left out. */
  control(message: ControlMessage): void {
    if (this.#closed) return;
    this.counters.controlsReceived++;
    this.#waiting.push({ message, kind: kindOf(message) });
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.splice(this.#oldestReplaced(), 1);
      this.counters.controlsDropped++;
    }
    this.#sendControl();
  }

  get takesPicture(): boolean {
    return !this.#closed && !this.#busy.has("video");
  }

  picture({ receivedAt, format, data, width, height }: CameraPicture): void {
    if (!this.takesPicture) return;
    this.counters.pictures++;
    const message: MediaMessage = {
      type: "media",
      video_frames: [{ data, format, width, height, timestamp: receivedAt }],
    };
    this.#put("video", message, [data.buffer as ArrayBuffer]);
  }

  sound(block: PcmBlock): void {
    if (this.#closed) return;
    const shape = this.#sound[0];
    if (shape !== undefined && (shape.sampleRate !== block.sampleRate || shape.channels !== block.channels)) {
      this.#sound.length = 0;
    }
    this.#sound.push(block);
    for (let seconds = this.#sound.reduce(addSeconds, 0); seconds > MAX_SOUND && this.#sound.length > 1;) {
      const oldest = this.#sound.shift();
      if (oldest === undefined) break;
      seconds -= addSeconds(0, oldest);
      this.counters.soundDropped += addSeconds(0, oldest);
    }
    this.#sendSound();
  }

  /** The pipeline has taken the message that was under way in this lane. */
  taken(lane: InputLane): void {
    if (!this.#busy.delete(lane) || this.#closed) return;
    if (lane === "control") this.#sendControl();
    else if (lane === "audio") this.#sendSound();
    else this.whenFree();
  }

  /** Takes nothing any more. */
  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
    this.#sound.length = 0;
    this.whenFree = () => undefined;
  }

  #sendControl(): void {
    if (this.#busy.has("control")) return;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#put("control", next.message, []);
  }

  #sendSound(): void {
    const first = this.#sound[0];
    if (first === undefined || this.#busy.has("audio")) return;
    const samples = joined(this.#sound.splice(0).map((block) => block.samples));
    const message: MediaMessage = {
      type: "media",
      audio_pcm: samples,
      sample_rate: first.sampleRate,
      channels: first.channels,
    };
    this.#put("audio", message, [samples.buffer as ArrayBuffer]);
  }

  #put(lane: InputLane, message: unknown, transfer: Transferable[]): void {
    this.#busy.add(lane);
    this.#send(lane, message, transfer);
  }

  /** Place of the oldest message that a newer one of its kind makes obsolete, else of the oldest one. */
  #oldestReplaced(): number {
    const newest = new Map(this.#waiting.map(({ kind }, index) => [kind, index]));
    const found = this.#waiting.findIndex(({ kind }, index) => (newest.get(kind) ?? index) > index);
    return Math.max(found, 0);
  }
}

/** Messages of one kind set the same state: same `type`, same `key`, same other fields. */
function kindOf(message: ControlMessage): string {
  const { type, key } = message;
  const names = Object.keys(message).filter((name) => !["type", "key", "id", "timestamp"].includes(name)).sort();
  return JSON.stringify([type, typeof key === "string" ? key : null, names]);
}

function addSeconds(sum: number, { samples, channels, sampleRate }: PcmBlock): number {
  return sum + samples.length / channels / sampleRate;
}

function joined(parts: readonly Int16Array[]): Int16Array {
  const whole = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
