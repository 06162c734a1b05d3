import { type Clock, sleep, withTimeLimit } from "../async/mod.ts";
import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { PeerConnection } from "../webrtc/mod.ts";

/** Seconds given to the last message before the connection goes. */
const FAREWELL = 0.1;
/** Seconds for which the last message waits for a channel that is just coming up. */
const FAREWELL_LIMIT = 0.5;
/** Seconds that each step of closing may take. */
const STEP_LIMIT = 3;

/** Does one step of closing: that it fails or hangs is logged, and the next one comes all the same. */
export async function releaseStep(
  name: string,
  { step, clock, log }: { step: () => unknown; clock: Clock; log: Log },
): Promise<void> {
  try {
    const outcome = await withTimeLimit(clock, STEP_LIMIT, Promise.resolve(step()));
    if (outcome === "timeout") log.warn(`releasing the ${name} took more than ${STEP_LIMIT} s`);
  } catch (error) {
    log.warn(`releasing the ${name} failed: ${messageOf(error)}`);
  }
}

/** Lets the last messages reach the viewer; a channel that is just coming up is waited for. */
export async function farewell({ channel, state, expectsChannel }: PeerConnection, clock: Clock): Promise<void> {
  if (state !== "connected") return;
  if (!channel.isOpen) {
    if (!expectsChannel || channel.hasEnded) return;
    if (await withTimeLimit(clock, FAREWELL_LIMIT, channel.whenOpen()) === "timeout") return;
  }
  await sleep(clock, FAREWELL);
}
