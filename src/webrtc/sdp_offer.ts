import { StreamError } from "../errors.ts";
import type { VideoCodec } from "../media/mod.ts";
import { CHANNEL_LABEL } from "./control_channel.ts";
import { checkOffer } from "./offer_rules.ts";
import {
  isReachable,
  isRejected,
  malformedLine,
  MAX_CANDIDATES,
  quote,
  splitLines,
  splitSections,
} from "./sdp_lines.ts";
import type { CongestionFeedback } from "./send_path.ts";

/** One codec line of an offer. */
export interface OfferedCodec {
  readonly payloadType: number;
  /** As in `a=rtpmap`, upper case, for example `H264`. */
  readonly name: string;
  readonly clockRate: number;
  /** `a=fmtp` parameters, keys in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
  /** `a=rtcp-fb` (RFC 4585, section 4.2), for example `nack pli`. */
  readonly feedback: ReadonlySet<string>;
}

/** One media section of an offer. */
export interface OfferedMedia {
  readonly kind: string;
  readonly rejected: boolean;
  readonly direction: "sendrecv" | "sendonly" | "recvonly" | "inactive";
  readonly codecs: readonly OfferedCodec[];
}

/** An SDP offer that has been read. */
export interface Offer {
  readonly media: readonly OfferedMedia[];
  readonly lines: readonly string[];
}

/** The codec that was picked from an offer. */
export interface ChosenCodec {
  readonly codec: VideoCodec;
  readonly offered: OfferedCodec;
}

/**
 * Reads an SDP offer (RFC 8866, RFC 8829).
 *
 * @throws StreamError `invalid_sdp` that says what is missing or wrong
 */
export function readOffer(sdp: string): Offer {
  const lines = splitLines(sdp);
  if (lines[0]?.trim() !== "v=0") throw new StreamError("invalid_sdp", 'the SDP does not begin with "v=0"', field);
  const malformed = malformedLine(lines);
  if (malformed !== undefined) {
    throw new StreamError("invalid_sdp", `the SDP has a line that is not of the form x=…: ${quote(malformed)}`, field);
  }
  const sections = splitSections(lines);
  const session = sections[0] ?? [];
  const media = sections.slice(1);
  if (media.length === 0) {
    throw new StreamError(
      "invalid_sdp",
      "the SDP offers no media; add a video transceiver before createOffer()",
      field,
    );
  }
  checkOffer(session, media);
  return { media: media.map(readMedia), lines };
}

const field = { field: "sdp" };
/** RTP ticks of a second of pictures (RFC 6184, section 8.2.1; RFC 7741, section 6.1). */
const VIDEO_CLOCK_RATE = 90_000;
/** Largest id of a header extension with one byte of header, which is how they are sent (RFC 8285, section 4.2). */
const MAX_EXTENSION_ID = 14;

/**
 * Picks the codec to send: the preferred one if offered, else the other. Of several H.264 profiles the constrained
 * baseline is taken, which is what is sent.
 *
 * @throws StreamError `no_common_codec` or `invalid_sdp`
 */
export function chooseVideoCodec(offer: Offer, preferred: VideoCodec): ChosenCodec {
  const video = offer.media.filter((media) => media.kind === "video" && !media.rejected);
  const receiving = video.filter((media) => media.direction === "recvonly" || media.direction === "sendrecv");
  if (receiving.length === 0) {
    throw new StreamError(
      "invalid_sdp",
      'the SDP has no video section that receives; call pc.addTransceiver("video", { direction: "recvonly" })',
      field,
    );
  }
  const codecs = receiving.flatMap((media) => media.codecs);
  const other: VideoCodec = preferred === "H264" ? "VP8" : "H264";
  for (const codec of [preferred, other]) {
    const usable = codecs.filter((offered) => isUsable(offered, codec)).sort((a, b) => profileRank(a) - profileRank(b));
    if (usable[0] !== undefined) return { codec, offered: usable[0] };
  }
  const names = [...new Set(codecs.map((codec) => codec.name))].join(", ") || "none";
  throw new StreamError(
    "no_common_codec",
    `the offer has no video codec in common: it offers ${names}, we send H264 and VP8`,
    field,
  );
}

/** The congestion feedback to agree on: the better one, where the viewer has both. */
export function chooseFeedback({ offered: { feedback } }: ChosenCodec): CongestionFeedback {
  return !feedback.has("transport-cc") && feedback.has("goog-remb") ? "goog-remb" : "transport-cc";
}

/** A direction of a media section (RFC 8866, section 6.7). */
type Direction = OfferedMedia["direction"];

/**
 * The directions in which the sections of one kind are answered, in their order. We send on the first that receives and,
 * if wanted, receive on the first that sends.
 */
export function answerDirections(
  offer: Offer,
  { kind, receive }: { kind: "video" | "audio"; receive: boolean },
): Direction[] {
  const sections = offer.media.filter((media) => media.kind === kind && !media.rejected);
  const sender = sections.findIndex(({ direction }) => direction === "recvonly" || direction === "sendrecv");
  const receiver = receive
    ? sections.findIndex(({ direction }) => direction === "sendonly" || direction === "sendrecv")
    : -1;
  return sections.map((_, index) => {
    if (index === sender) return index === receiver ? "sendrecv" : "sendonly";
    return index === receiver ? "recvonly" : "inactive";
  });
}

/** Whether the offer has a section of that kind on which the viewer may send. */
export function offersToSend({ media }: Offer, kind: "video" | "audio"): boolean {
  return media.some((one) => {
    return one.kind === kind && !one.rejected && (one.direction === "sendonly" || one.direction === "sendrecv");
  });
}

/** The payload type of retransmissions of another one (RFC 4588, section 8.6). */
export function rtxPayloadType({ media }: Offer, payloadType: number): number | undefined {
  return media.flatMap(({ codecs }) => codecs).find(({ name, parameters }) => {
    return name === "RTX" && parameters.get("apt") === String(payloadType);
  })?.payloadType;
}

/** The payload types of Opus. */
export function opusPayloadTypes({ media }: Offer): ReadonlySet<number> {
  const audio = media.filter(({ kind }) => kind === "audio").flatMap(({ codecs }) => codecs);
  return new Set(audio.filter(({ name }) => name === "OPUS").map(({ payloadType }) => payloadType));
}

/** Whether the viewer is going to open DataChannels. */
export function offersChannel({ media }: Offer): boolean {
  return media.some(({ kind, rejected }) => kind === "application" && !rejected);
}

/**
 * For a pipeline that cannot do without messages.
 *
 * @throws StreamError `invalid_sdp` when the offer opens no DataChannel
 */
export function requireChannel(offer: Offer): void {
  if (offersChannel(offer)) return;
  throw new StreamError(
    "invalid_sdp",
    `this pipeline is bidirectional and the SDP has no DataChannel; call pc.createDataChannel("${CHANNEL_LABEL}") ` +
      "before createOffer()",
    field,
  );
}

/** H.264 needs packetization mode 1 (RFC 6184, section 8.1); both have one clock rate. */
function isUsable(offered: OfferedCodec, codec: VideoCodec): boolean {
  if (offered.name !== codec || offered.clockRate !== VIDEO_CLOCK_RATE) return false;
  return codec === "VP8" || offered.parameters.get("packetization-mode") === "1";
}

/** Constrained baseline, baseline, then whatever else decodes it (RFC 6184, table 5). */
function profileRank(offered: OfferedCodec): number {
  const id = offered.parameters.get("profile-level-id") ?? "420000";
  const profile = id.slice(0, 2).toLowerCase();
  const constraints = Number.parseInt(id.slice(2, 4), 16);
  const isConstrained = profile === "42" && constraints & 0x40 || profile === "4d" && constraints & 0x80;
  if (isConstrained) return 0;
  return profile === "42" ? 1 : 2;
}

/**
 * The offer as werift gets it: of video only the chosen codec with its retransmission, so that the answer holds just
 * what is sent. Left out as well are candidates that cannot be reached, names above all, whose look-up stalls for seconds; the
 * end of candidates, after which no peer-reflexive one would count; header extensions with ids that do not fit; and the
 * congestion feedback that is not meant.
 */
export function narrowOffer(
  offer: Offer,
  { chosen: { offered }, feedback }: { chosen: ChosenCodec; feedback: CongestionFeedback },
): string {
  const unmeant = feedback === "goog-remb" ? "transport-cc" : "goog-remb";
  let candidates = 0;
  const kept = splitSections(offer.lines).flatMap((section) => {
    return section[0]?.startsWith("m=video ") ? keepPayloads(section, offered.payloadType) : section;
  }).filter((line) => {
    if (line.startsWith("a=candidate:")) return isReachable(line.slice(2)) && candidates++ < MAX_CANDIDATES;
    if (line.startsWith("a=extmap:")) return Number.parseInt(line.slice(9)) <= MAX_EXTENSION_ID;
    return line !== "a=end-of-candidates" && !(line.startsWith("a=rtcp-fb:") && line.endsWith(` ${unmeant}`));
  });
  return `${kept.join("\r\n")}\r\n`;
}

/** A media section with one payload type and the retransmission that refers to it (RFC 4588, section 8.6). */
function keepPayloads(section: readonly string[], payloadType: number): string[] {
  const media = readMedia(section);
  const rtx = media.codecs.find((codec) => {
    return codec.name === "RTX" && codec.parameters.get("apt") === String(payloadType);
  });
  const kept = new Set([payloadType, ...(rtx === undefined ? [] : [rtx.payloadType])].map(String));
  return section.flatMap((line, index) => {
    if (index === 0) {
      const [kind, port, protocol, ...types] = line.split(" ");
      const left = types.filter((type) => kept.has(type));
      return [[kind, port, protocol, ...(left.length > 0 ? left : types)].join(" ")];
    }
    const type = /^a=(?:rtpmap|fmtp|rtcp-fb):(\d+) /.exec(line)?.[1];
    return type === undefined || kept.has(type) ? [line] : [];
  });
}

function readMedia(lines: readonly string[]): OfferedMedia {
  const [kind = "", , , ...types] = (lines[0] ?? "").slice(2).split(" ");
  const direction = (["sendonly", "recvonly", "inactive", "sendrecv"] as const)
    .find((one) => lines.includes(`a=${one}`)) ?? "sendrecv";
  return {
    kind,
    rejected: isRejected(lines),
    direction,
    codecs: readCodecs(lines).filter(({ payloadType }) => types.includes(String(payloadType))),
  };
}

function readCodecs(lines: readonly string[]): OfferedCodec[] {
  const feedback = readFeedback(lines);
  const formats = new Map<number, Map<string, string>>();
  for (const line of lines) {
    const match = /^a=fmtp:(\d+) (.*)$/.exec(line);
    if (match === null) continue;
    const pairs = (match[2] ?? "").split(";").map((pair) => pair.trim().split("="));
    formats.set(Number(match[1]), new Map(pairs.map(([key = "", value = ""]) => [key.toLowerCase(), value])));
  }
  return lines.flatMap((line) => {
    const match = /^a=rtpmap:(\d+) ([^/]+)\/(\d+)/.exec(line);
    if (match === null) return [];
    const payloadType = Number(match[1]);
    const parameters = formats.get(payloadType) ?? new Map<string, string>();
    return [{
      payloadType,
      name: (match[2] ?? "").toUpperCase(),
      clockRate: Number(match[3]),
      parameters,
      feedback: new Set([...feedback.get("*") ?? [], ...feedback.get(match[1] ?? "") ?? []]),
    }];
  });
}

/** Feedback by payload type, `*` for all of them. */
function readFeedback(lines: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  const feedback = new Map<string, Set<string>>();
  for (const line of lines) {
    const [, type, value = ""] = /^a=rtcp-fb:(\d+|\*) (.*)$/.exec(line) ?? [];
    if (type === undefined) continue;
    const known = feedback.get(type) ?? new Set();
    feedback.set(type, known.add(value.trim()));
  }
  return feedback;
}
