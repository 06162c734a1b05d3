// @ts-check
/**
 * What is changed in an offer before it is set.
 *
 * @module
 */

/**
 * Asks for stereo sound (RFC 7587 §6.1). Chromium decodes Opus to one channel
 * unless its own local description says `stereo=1`, whatever the answer says.
 *
 * @param {string} sdp
 * @returns {string} With `stereo=1` for Opus in every audio section; a value
 *   that is there already stays.
 */
export function withStereo(sdp) {
  return sdp.split(/(?=^m=)/m).map((section) => section.startsWith("m=audio") ? stereoSection(section) : section)
    .join("");
}

/** @param {string} section */
function stereoSection(section) {
  let edited = section;
  for (const [line, type] of section.matchAll(/^a=rtpmap:(\d+) opus\/48000\/2$/gim)) {
    const format = new RegExp(`^a=fmtp:${type} (.*)$`, "m");
    const parameters = format.exec(edited)?.[1]?.trimEnd();
    if (parameters === undefined) edited = edited.replace(line, `${line}\r\na=fmtp:${type} stereo=1`);
    else if (!/(^|;)\s*stereo=/.test(parameters)) edited = edited.replace(format, `$&;stereo=1`);
  }
  return edited;
}
