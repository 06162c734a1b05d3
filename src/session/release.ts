import { type Clock, sleep, withTimeLimit } from "../async/mod.ts";
import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { PeerConnection } from "../webrtc/mod.ts";
import type { CloseReason } from "./session_options.ts";

/** Seconds given to the last message before the connection goes. */
const FAREWELL = 0.1;
/** Seconds for which the last message waits for a channel that is just coming up. */
const FAREWELL_LIMIT = 0.5;
/** Seconds for which it waits for the connection, when the pipeline has failed before that. */
const CONNECT_LIMIT = 3;
/** Seconds that each step of closing may take. */
const STEP_LIMIT = 3;

/**
 * Does one step of closing: that it fails or hangs is logged, and the next one comes all the same.
 *
 * @param options.limit seconds that it may take; null for a step that has a limit of its own
 */
export async function releaseStep(
  name: string,
  { step, clock, log, limit = STEP_LIMIT }: {
    step: () => unknown;
    clock: Clock;
    log: Log;
    limit?: number | null;
  },
): Promise<void> {
  try {
    if (limit === null) return void await step();
    const outcome = await withTimeLimit(clock, limit, Promise.resolve(step()));
    if (outcome === "timeout") log.warn(`releasing the ${name} took more than ${limit} s`);
  } catch (error) {
    log.warn(`releasing the ${name} failed: ${messageOf(error)}`);
  }
}

/**
 * Lets the last messages reach the viewer. A channel that is just coming up is waited for, and after a failure of the
 * pipeline the connection as well: the viewer is still on its way and would never learn why nobody answers.
 */
export async function farewell(
  peer: PeerConnection,
  { reason, clock }: { reason: CloseReason; clock: Clock },
): Promise<void> {
  const { channel, expectsChannel, ready } = peer;
  if (peer.state === "connecting" && expectsChannel && reason.code === "pipeline_failed") {
    await withTimeLimit(clock, CONNECT_LIMIT, ready);
  }
  if (peer.state !== "connected") return;
  if (!channel.isOpen) {
    if (!expectsChannel || channel.hasEnded) return;
    if (await withTimeLimit(clock, FAREWELL_LIMIT, channel.whenOpen()) === "timeout") return;
  }
  await sleep(clock, FAREWELL);
}
