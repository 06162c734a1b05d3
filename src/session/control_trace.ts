import type { Clock } from "../async/mod.ts";
import { LatencyWindow } from "./latency.ts";

/** Controls that are followed at once; of more, the oldest are forgotten. */
const MAX_FOLLOWED = 256;
/** Longest latency that is believed, in milliseconds. */
const MAX_LATENCY = 60_000;

type ControlId = string | number;

/** How long controls take: until the frame that shows their effect goes out, and until the viewer sees it. */
export class ControlLatency {
  /** From the control's arrival until the first packet of the frame that shows its effect is sent. */
  readonly toSend: LatencyWindow = new LatencyWindow();
  /** From the press until the frame is presented, as the client measured it. */
  readonly toPhoton: LatencyWindow = new LatencyWindow();

  /** As status and metadata show it. */
  get summary() {
    return { control_latency: this.toPhoton.summary, control_to_send: this.toSend.summary };
  }
}

/** Follows the controls of one session from their arrival to the frame that shows them. */
export class ControlTrace {
  readonly latency: ControlLatency = new ControlLatency();
  readonly #clock: Clock;
  readonly #totals: ControlLatency;
  readonly #arrived = new Map<ControlId, number>();
  #placed: { readonly mediaTime: number; readonly ids: readonly ControlId[] }[] = [];

  constructor({ clock, totals }: { clock: Clock; totals: ControlLatency }) {
    this.#clock = clock;
    this.#totals = totals;
  }

  /** A control has come; it is followed when it has an id. */
  received(id: unknown): void {
    if (!isId(id)) return;
    this.#arrived.set(id, this.#clock.now());
    if (this.#arrived.size <= MAX_FOLLOWED) return;
    const [oldest] = this.#arrived.keys();
    if (oldest !== undefined) this.#arrived.delete(oldest);
  }

  /** A chunk that shows the effect of these controls has been placed, its first picture at that media time. */
  placed(ids: unknown, mediaTime: number): void {
    const known = Array.isArray(ids) ? ids.filter((id) => isId(id) && this.#arrived.has(id)) : [];
    if (known.length === 0) return;
    if (this.#placed.push({ mediaTime, ids: known }) > MAX_FOLLOWED) this.#placed.shift();
  }

  /** A frame of that media time has been sent. */
  sent(mediaTime: number): void {
    if (this.#placed.length === 0) return;
    const now = this.#clock.now();
    this.#placed = this.#placed.filter(({ mediaTime: first, ids }) => {
      if (first > mediaTime) return true;
      for (const id of ids) {
        const arrived = this.#arrived.get(id);
        if (arrived === undefined) continue;
        this.#arrived.delete(id);
        this.latency.toSend.add((now - arrived) * 1000);
        this.#totals.toSend.add((now - arrived) * 1000);
      }
      return false;
    });
  }

  /** The client has measured one; false when it is no latency. */
  reported(milliseconds: unknown): boolean {
    if (typeof milliseconds !== "number" || !(milliseconds >= 0 && milliseconds <= MAX_LATENCY)) return false;
    this.latency.toPhoton.add(milliseconds);
    this.#totals.toPhoton.add(milliseconds);
    return true;
  }
}

function isId(id: unknown): id is ControlId {
  return typeof id === "number" || (typeof id === "string" && id.length <= 200);
}
