import { type CheckCredentials, StunProbe } from "../webrtc/mod.ts";
import { addressText, type Check, secondsLeft, type Timing } from "./check.ts";

/** UDP payloads that are tried, in bytes; 1472 with its headers is what Ethernet carries in one packet of IPv4. */
export const MTU_SIZES = [1200, 1280, 1400, 1472] as const;
/** The largest that is sent in a stream. */
const NEEDED = 1200;
/** Seconds that an answer may take. */
const LIMIT = 2;

/** Something that answers binding requests over UDP. */
export interface MtuTarget {
  readonly address: readonly [string, number];
  /** For candidates, which answer only what is signed. */
  readonly credentials?: CheckCredentials;
}

/** Which sizes got through. */
export interface MtuFinding {
  readonly target: string;
  readonly answered: readonly number[];
}

/** Sends padded binding requests; those that are answered have come through. */
export async function measureMtu({ address, credentials }: MtuTarget, timing: Timing): Promise<MtuFinding> {
  await using probe = new StunProbe({ family: address[0].includes(":") ? 6 : 4 });
  const limit = secondsLeft(timing, LIMIT);
  const signed = credentials === undefined ? {} : { credentials };
  const replies = await Promise.all(
    MTU_SIZES.map((bytes) => probe.ask(address, { ...timing, limit, bytes, ...signed })),
  );
  return { target: addressText(address), answered: MTU_SIZES.filter((_, index) => replies[index] !== null) };
}

/**
 * One line about packet sizes.
 *
 * @param finding null when there was nothing to send to
 * @param options.received the largest packet that came back, in bytes; 0 when none did
 */
export function mtuCheck(finding: MtuFinding | null, { received = 0 }: { received?: number } = {}): Check {
  const id = "mtu";
  if (finding === null) {
    return { id, status: "skip", summary: "MTU: not tried, nothing that answers over UDP was found" };
  }
  const { target, answered } = finding;
  const back = received === 0 ? {} : { detail: `media packets of up to ${received} bytes came back` };
  const largest = Math.max(0, ...answered);
  if (largest >= NEEDED) {
    const summary = `MTU: datagrams of up to ${largest} bytes get to ${target}; a stream needs ${NEEDED}`;
    return { id, status: "ok", summary, ...back };
  }
  return {
    id,
    status: "warn",
    summary: `MTU: no datagram of ${NEEDED} bytes or more gets to ${target}, which a stream needs`,
    ...back,
    remedy: "raise the MTU of the network, VPN or tunnel between to at least 1280, and let ICMP through",
  };
}
