// @ts-check
/**
 * The way that a stream takes, in plain words.
 *
 * @module
 */

/**
 * Of the readings of `telefuser-stats.js`.
 *
 * @typedef {object} Way
 * @property {string | null} candidateType
 * @property {string | null} remoteCandidateType
 * @property {string | null} protocol
 * @property {string | null} relayProtocol
 */

/**
 * @param {Way & { roundTripMs: number | null, lossRate: number | null }} stats
 * @returns {string | null} What is known; null if nothing is.
 */
export function pathLine({ roundTripMs, lossRate, ...way }) {
  const parts = [
    wayText(way),
    roundTripMs === null ? null : `${Math.round(roundTripMs)} ms there and back`,
    lossText(lossRate),
  ];
  return parts.filter((part) => part !== null).join(" · ") || null;
}

/**
 * @param {Way} way
 * @returns {string | null}
 */
export function wayText({ candidateType, remoteCandidateType, protocol, relayProtocol }) {
  if (!candidateType) return null;
  const isRelayed = candidateType === "relay" || remoteCandidateType === "relay";
  // Between browser and relay; what lies behind is UDP in any case.
  const carrier = candidateType === "relay" ? relayProtocol ?? protocol : protocol;
  return (isRelayed ? "Through a relay" : "Direct") + (carrier ? ` over ${carrier.toUpperCase()}` : "");
}

/**
 * The two ends of the way, the browser's first, as `host → prflx 192.0.2.1:40000`.
 *
 * @param {object} stats
 * @param {string | null} stats.candidateType
 * @param {string | null} stats.remoteCandidateType
 * @param {string | null} stats.remoteAddress
 * @param {number | null} stats.remotePort
 * @returns {string | null} What is known; null if no way is chosen.
 */
export function pairText({ candidateType, remoteCandidateType, remoteAddress: address, remotePort: port }) {
  if (!candidateType || !remoteCandidateType) return null;
  const pair = `${candidateType} → ${remoteCandidateType}`;
  if (!address) return pair;
  const host = address.includes(":") ? `[${address.replace(/^\[|\]$/g, "")}]` : address;
  return `${pair} ${host}${port === null ? "" : `:${port}`}`;
}

/**
 * @param {number | null} lossRate 0 to 1.
 * @returns {string | null}
 */
export function lossText(lossRate) {
  if (lossRate === null) return null;
  if (lossRate === 0) return "nothing lost";
  const percent = lossRate * 100;
  if (percent < 0.1) return "under 0.1 % lost";
  return `${percent.toFixed(percent < 9.95 ? 1 : 0)} % lost`;
}
