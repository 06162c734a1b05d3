import { StreamError } from "../errors.ts";
import { isPassword, isRejected, isUsernameFragment, quote, valuesOf } from "./sdp_lines.ts";

/** Media sections that an offer may have; each costs a transceiver. */
const MAX_SECTIONS = 32;
/** Bytes of the fingerprints that prove a certificate (RFC 8122, section 5); others are passed over. */
const FINGERPRINT_BYTES: Readonly<Record<string, number>> = { "sha-256": 32, "sha-384": 48, "sha-512": 64 };
/** Transports of sound and picture that mean the same (RFC 8829, section 5.1.2). */
const MEDIA_PROTOCOL = /^(?:(?:UDP|TCP)\/TLS\/)?RTP\/SAVPF?$/;
const CHANNEL_PROTOCOL = /^(?:(?:UDP|TCP)\/)?DTLS\/SCTP$/;
/** A token (RFC 8866, section 9), no longer than anybody makes one. */
const TOKEN = /^[!#$%&'*+\-.\w^`{|}~]{1,64}$/;

/**
 * Checks what an answer is going to rely on: one transport for all sections, ICE, DTLS, payload types, header extensions.
 *
 * @param session lines before the first media section
 * @param media lines of each media section
 * @throws StreamError `invalid_sdp` that names the line at fault
 */
export function checkOffer(session: readonly string[], media: readonly (readonly string[])[]): void {
  if (media.length > MAX_SECTIONS) throw invalid(`the SDP has ${media.length} media sections, at most ${MAX_SECTIONS}`);
  const live = media.filter((section) => !isRejected(section));
  for (const section of live) {
    checkTransport(session, section);
    checkMediaLine(section[0] ?? "");
    checkPayloadTypes(section);
    checkExtensions(section);
    checkChannel(section);
  }
  checkBundle(session, { media, live });
}

/** ICE and DTLS of a section (RFC 8839, section 5.4; RFC 8122; RFC 8842, section 5). */
function checkTransport(session: readonly string[], section: readonly string[]): void {
  const effective = (name: string) => {
    const own = valuesOf(section, name);
    return own.length > 0 ? own : valuesOf(session, name);
  };
  for (const name of ["ice-ufrag", "ice-pwd", "fingerprint"]) {
    if (effective(name).length === 0) throw invalid(`the SDP has no a=${name}; send pc.localDescription.sdp as it is`);
  }
  if (!effective("ice-ufrag").every(isUsernameFragment)) throw invalid("an a=ice-ufrag is not 4 to 256 ice-chars");
  if (!effective("ice-pwd").every(isPassword)) throw invalid("an a=ice-pwd is not 22 to 256 ice-chars");
  const fingerprints = effective("fingerprint");
  const wrong = fingerprints.find((text) => isFingerprint(text) === false);
  if (wrong !== undefined) throw invalid(`this is no fingerprint: ${quote(`a=fingerprint:${wrong}`)}`);
  if (!fingerprints.some((text) => isFingerprint(text) === true)) {
    throw invalid(`the SDP has no a=fingerprint of ${Object.keys(FINGERPRINT_BYTES).join(", ")}`);
  }
  const setup = effective("setup").find((text) => text !== "actpass" && text !== "active");
  if (setup !== undefined) throw invalid(`a=setup must be actpass or active, not ${quote(setup)}`);
}

/** Whether it is of a right length; undefined when the hash is not known. */
function isFingerprint(text: string): boolean | undefined {
  const [algorithm = "", value = "", ...more] = text.split(" ");
  if (!TOKEN.test(algorithm)) return false;
  const bytes = FINGERPRINT_BYTES[algorithm.toLowerCase()];
  if (bytes === undefined) return undefined;
  return more.length === 0 && value.length === 3 * bytes - 1 && /^[0-9a-f]{2}(:[0-9a-f]{2})+$/i.test(value);
}

/** `m=kind port protocol format…` (RFC 8866, section 5.14). */
function checkMediaLine(line: string): void {
  const match = /^m=(\S+) (\d{1,5})(?:\/\d{1,5})? (\S+)((?: \S+)+)$/.exec(line);
  if (match === null || Number(match[2]) > 65_535) throw invalid(`this is no media line: ${quote(line)}`);
  const [, kind = "", , protocol = "", formats = ""] = match;
  const expected = kind === "application" ? CHANNEL_PROTOCOL : MEDIA_PROTOCOL;
  if (!expected.test(protocol)) throw invalid(`a media line has another transport than WebRTC's: ${quote(line)}`);
  if (kind === "application") return;
  const types = formats.trim().split(" ");
  const wrong = types.find((type) => !isPayloadType(type));
  if (wrong !== undefined) throw invalid(`a media line has ${quote(wrong)}, which is no payload type of 0 to 127`);
  if (new Set(types).size < types.length) throw invalid(`a media line has a payload type twice: ${quote(line)}`);
}

/** `a=rtpmap` (RFC 8866, section 6.6): a payload type means one codec. */
function checkPayloadTypes(section: readonly string[]): void {
  const seen = new Set<string>();
  for (const value of valuesOf(section, "rtpmap")) {
    const match = /^(\d+) [^/\s]+\/[1-9]\d{0,6}(?:\/\d{1,2})?$/.exec(value);
    const type = match?.[1] ?? "";
    if (!isPayloadType(type)) throw invalid(`this is no codec of a payload type: ${quote(`a=rtpmap:${value}`)}`);
    if (seen.has(type)) throw invalid(`payload type ${type} has two codecs in one media section`);
    seen.add(type);
  }
  const unnamed = valuesOf(section, "fmtp").find((value) => !seen.has(value.split(" ")[0] ?? ""));
  if (unnamed !== undefined && !isChannel(section)) {
    throw invalid(`these are parameters of a payload type without a=rtpmap: ${quote(`a=fmtp:${unnamed}`)}`);
  }
}

/** `a=extmap` (RFC 8285, section 5): ids of 1 to 14 or, with two bytes, to 255; from 4096 on they are placeholders. */
function checkExtensions(section: readonly string[]): void {
  const seen = new Set<number>();
  for (const value of valuesOf(section, "extmap")) {
    const id = Number(/^(\d{1,4})(?:\/[a-z]+)? \S+/.exec(value)?.[1] ?? 0);
    const isValid = id >= 1 && id <= 255 && id !== 15 || id >= 4096 && id <= 4351;
    if (!isValid) throw invalid(`this is no header extension with a valid id: ${quote(`a=extmap:${value}`)}`);
    if (seen.has(id)) throw invalid(`header extension id ${id} is used twice in one media section`);
    seen.add(id);
  }
}

/** The data channel's port and message size (RFC 8841, sections 5 and 6). */
function checkChannel(section: readonly string[]): void {
  if (isChannel(section) && valuesOf(section, "sctp-port").length === 0) {
    throw invalid("the SDP has no a=sctp-port for its data channel; send pc.localDescription.sdp as it is");
  }
  for (const port of valuesOf(section, "sctp-port")) {
    if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
      throw invalid(`a=sctp-port must be 1 to 65535, not ${quote(port)}`);
    }
  }
  const size = valuesOf(section, "max-message-size").find((text) => !/^\d{1,15}$/.test(text));
  if (size !== undefined) throw invalid(`a=max-message-size must be a number of bytes, not ${quote(size)}`);
}

/** All sections use one transport (RFC 9143, section 7.2): each further one would take ports and time of its own. */
function checkBundle(
  session: readonly string[],
  { media, live }: { media: readonly (readonly string[])[]; live: readonly (readonly string[])[] },
): void {
  const mids = media.flatMap((section) => valuesOf(section, "mid").slice(0, 1));
  const wrong = mids.find((mid) => !TOKEN.test(mid));
  if (wrong !== undefined) throw invalid(`a=mid must be a short word without spaces, not ${quote(wrong)}`);
  if (new Set(mids).size < mids.length) throw invalid("two media sections have the same a=mid");
  const groups = valuesOf(session, "group").map((text) => text.split(/ +/))
    .filter(([semantics]) => semantics === "BUNDLE").map(([, ...members]) => members);
  const unknown = groups.flat().find((mid) => !mids.includes(mid));
  if (unknown !== undefined) {
    throw invalid(`a=group:BUNDLE names ${quote(unknown)}, but no media section has that a=mid`);
  }
  if (groups.some((members) => new Set(members).size < members.length)) {
    throw invalid("a=group:BUNDLE names a media section twice");
  }
  const isBundled = groups.some((members) => {
    return live.every((section) => members.includes(valuesOf(section, "mid")[0] ?? ""));
  });
  if (live.length > 1 && !isBundled) {
    throw invalid("the SDP does not bundle all its media sections; every one must be in one a=group:BUNDLE");
  }
}

function isChannel(section: readonly string[]): boolean {
  return section[0]?.startsWith("m=application ") === true;
}

function isPayloadType(text: string): boolean {
  return /^\d{1,3}$/.test(text) && Number(text) <= 127;
}

function invalid(detail: string): StreamError {
  return new StreamError("invalid_sdp", detail, { field: "sdp" });
}
