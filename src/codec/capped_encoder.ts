import type { Frame } from "node-av/lib";
import { BitBudget } from "./bit_budget.ts";
import { type RateControl, rateControlAt, type VideoEncoderSettings } from "./encoder_options.ts";
import { NativeGuard } from "./native.ts";
import { type EncodedPictureData, VideoEncoder } from "./video_encoder.ts";

/** Seconds of calm after which one quantizer is tried again; each time it does not last doubles them. */
const FIRST_CALM = 10;
const LONGEST_CALM = 320;
/** Share of these seconds that is enough where a key frame is made anyway. */
const KEY_CALM = 0.2;
/** Share of the bitrate below which a stream is calm. */
const CALM_SHARE = 0.8;

/**
 * The encoder of a stream, which keeps below a bitrate. `fast` makes H.264 pictures with one quantizer as long as they
 * fit in: it spares x264 the half-size motion search of its rate control, a fifth of its time. The first picture that
 * does not fit is encoded once more, as a key frame, under rate control; when the stream is calm again, a key frame leads
 * back.
 */
export class CappedEncoder {
  readonly settings: VideoEncoderSettings;
  readonly #guard = new NativeGuard();
  #encoder: VideoEncoder;
  /** bit/s. */
  #bitrate: number;
  #budget: BitBudget;
  #calm = FIRST_CALM;
  /** Whether one quantizer has been tried again. */
  #hasReturned = false;
  /** Since the encoder was opened, or was last found not to be calm. */
  #lately = { pictures: 0, bits: 0 };

  /** @throws StreamError `invalid_frame` when the codec cannot be opened with these settings */
  constructor(settings: Omit<VideoEncoderSettings, "holds">) {
    this.settings = settings;
    this.#bitrate = settings.bitrate;
    this.#budget = new BitBudget(settings.fps);
    this.#encoder = new VideoEncoder({ ...settings, holds: this.#canBeSteady ? "quantizer" : "bitrate" });
  }

  /** As `VideoEncoder.setBitrate()`. */
  setBitrate(bitrate: number): boolean {
    if (this.settings.codec !== "H264") return false;
    this.#bitrate = bitrate;
    this.#encoder.setBitrate(bitrate);
    return true;
  }

  /** As `VideoEncoder.encode()`. */
  encode(frame: Frame, { key }: { key: boolean }): Promise<EncodedPictureData | null> {
    return this.#guard.run(async () => {
      if (!this.#isSteady && this.#canBeSteady && this.#isCalm(key)) {
        this.#hasReturned = true;
        await this.#reopen("quantizer");
      }
      const encoded = await this.#encoder.encode(frame, { key });
      if (encoded === null || this.#takes(encoded)) return encoded;
      if (this.#hasReturned) this.#calm = Math.min(this.#calm * 2, LONGEST_CALM);
      await this.#reopen("bitrate");
      return await this.#encoder.encode(frame, { key: true });
    });
  }

  /** Frees the encoder; waits for a picture that is being encoded. */
  async close(): Promise<void> {
    await this.#guard.close(() => undefined);
    await this.#encoder.close();
  }

  get #isSteady(): boolean {
    return this.#encoder.settings.holds === "quantizer";
  }

  get #canBeSteady(): boolean {
    return this.settings.codec === "H264" && this.settings.effort === "fast";
  }

  get #rateControl(): RateControl {
    return rateControlAt({ wanted: this.settings.bitrate, present: this.#bitrate });
  }

  /** Counts a picture; false when the bitrate has no room for it and it can be made smaller. */
  #takes({ data }: EncodedPictureData): boolean {
    const bits = data.length * 8;
    this.#lately.pictures++;
    this.#lately.bits += bits;
    return !this.#isSteady || this.#budget.spend(bits, this.#rateControl);
  }

  #isCalm(key: boolean): boolean {
    const { pictures, bits } = this.#lately;
    const seconds = pictures / this.settings.fps;
    if (seconds < this.#calm * (key ? KEY_CALM : 1)) return false;
    if (bits < this.#bitrate * seconds * CALM_SHARE) return true;
    this.#lately = { pictures: 0, bits: 0 };
    return false;
  }

  async #reopen(holds: "quantizer" | "bitrate"): Promise<void> {
    const old = this.#encoder;
    this.#encoder = new VideoEncoder({ ...this.settings, holds });
    this.#encoder.setBitrate(this.#bitrate);
    this.#budget = new BitBudget(this.settings.fps);
    this.#lately = { pictures: 0, bits: 0 };
    await old.close();
  }
}
