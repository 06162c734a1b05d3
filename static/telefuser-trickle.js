// @ts-check
/**
 * SDP fragments that carry ICE candidates (RFC 8840), and the answer that
 * follows from one after an ICE restart.
 *
 * @module
 */

/**
 * @typedef {object} IceFragment
 * @property {string} ufrag
 * @property {string} pwd
 * @property {string[]} candidates As `candidate:…`.
 * @property {boolean} [isEnd] Whether no more will follow.
 */

/**
 * Reads the ICE parameters of a description: those of its first section.
 *
 * @param {string} sdp
 * @returns {{ ufrag: string, pwd: string, mid: string }}
 */
export function iceParameters(sdp) {
  return { ufrag: valueOf(sdp, "ice-ufrag"), pwd: valueOf(sdp, "ice-pwd"), mid: valueOf(sdp, "mid") || "0" };
}

/**
 * @param {IceFragment & { mid: string }} fragment
 * @returns {string}
 */
export function writeFragment({ ufrag, pwd, mid, candidates, isEnd = false }) {
  const lines = [
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${pwd}`,
    "m=audio 9 UDP/TLS/RTP/SAVPF 0",
    `a=mid:${mid}`,
    ...candidates.map((candidate) => `a=${candidate}`),
    ...(isEnd ? ["a=end-of-candidates"] : []),
  ];
  return lines.join("\r\n") + "\r\n";
}

/**
 * @param {string} text
 * @returns {IceFragment}
 */
export function readFragment(text) {
  const candidates = text.split(/\r?\n/).filter((line) => line.startsWith("a=candidate:")).map((line) => line.slice(2));
  const { ufrag, pwd } = iceParameters(text);
  return { ufrag, pwd, candidates };
}

/**
 * The answer as it is after the server has restarted ICE: the same, with new
 * parameters and candidates.
 *
 * @param {string} sdp The answer before.
 * @param {IceFragment} fragment
 * @returns {string}
 */
export function answerAfterRestart(sdp, { ufrag, pwd, candidates }) {
  const lines = sdp.split(/\r?\n/).filter((line) => line !== "" && !/^a=(candidate:|end-of-candidates)/.test(line))
    .map((line) => {
      if (line.startsWith("a=ice-ufrag:")) return `a=ice-ufrag:${ufrag}`;
      return line.startsWith("a=ice-pwd:") ? `a=ice-pwd:${pwd}` : line;
    });
  const begin = lines.findIndex((line) => line.startsWith("m=") && line.split(" ")[1] !== "0");
  const next = lines.findIndex((line, index) => index > begin && line.startsWith("m="));
  lines.splice(next < 0 ? lines.length : next, 0, ...candidates.map((candidate) => `a=${candidate}`));
  return lines.join("\r\n") + "\r\n";
}

/**
 * Whether a candidate of the browser's is of use to the server: names of mDNS
 * are not, nor is the mark of the end.
 *
 * @param {string} candidate
 */
export function isUsable(candidate) {
  const host = candidate.split(" ")[4] ?? "";
  return candidate !== "" && host !== "" && !host.endsWith(".local");
}

/**
 * @param {string} sdp
 * @param {string} name
 */
function valueOf(sdp, name) {
  return new RegExp(`^a=${name}:(.*)$`, "m").exec(sdp)?.[1]?.trim() ?? "";
}
