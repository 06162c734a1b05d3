import { AV_LOG_FATAL, AVERROR_EAGAIN, AVERROR_EOF } from "node-av/constants";
import { FFmpegError, Frame, Log, Packet } from "node-av/lib";
import { Turns } from "../async/mod.ts";
import { StreamError } from "../errors.ts";

let quiet = false;

/** Keeps FFmpeg's own chatter off the terminal; called before the first native object is made. */
export function quietFfmpeg(): void {
  if (quiet) return;
  quiet = true;
  Log.setLevel(AV_LOG_FATAL);
}

/** A frame without buffers. Reuse it: a new one per picture grows the heap. */
export function allocFrame(): Frame {
  const frame = new Frame();
  frame.alloc();
  return frame;
}

/** An empty packet. Reuse it as well. */
export function allocPacket(): Packet {
  const packet = new Packet();
  packet.alloc();
  return packet;
}

/** A `Buffer` over the same bytes, as the native side takes it. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Throws when a native call failed.
 *
 * @throws StreamError `invalid_frame` with FFmpeg's words
 */
export function check(result: number, what: string): void {
  if (result < 0) throw new StreamError("invalid_frame", `${what}: ${describe(result)}`);
}

/** Whether a receive call has nothing more to give for now. */
export function isDrained(result: number): boolean {
  return result === AVERROR_EAGAIN || result === AVERROR_EOF;
}

function describe(result: number): string {
  return new FFmpegError(result).message;
}

/**
 * Runs jobs on a native object one after the other, and frees it only when none is running: a native call that meets a
 * freed object ends the process.
 */
export class NativeGuard {
  readonly #turns = new Turns();
  #closed = false;

  get closed(): boolean {
    return this.#closed;
  }

  /** Runs a job after those before it. */
  run<T>(job: () => Promise<T>): Promise<T> {
    return this.#turns.take(() => {
      if (this.#closed) throw new StreamError("shutting_down", "the codec is closed");
      return job();
    });
  }

  /** Waits for the running job, then frees. */
  async close(free: () => void): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#turns.ended;
    free();
  }
}
