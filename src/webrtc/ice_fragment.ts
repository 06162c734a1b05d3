import { StreamError } from "../errors.ts";
import {
  isCandidate,
  isPassword,
  isReachable,
  isUsernameFragment,
  malformedLine,
  MAX_CANDIDATES,
  quote,
  splitLines,
  valuesOf,
} from "./sdp_lines.ts";

/** An SDP fragment that carries ICE candidates (RFC 8840, section 9). */
export interface IceFragment {
  readonly usernameFragment: string;
  /** Empty when it was left out. */
  readonly password: string;
  /** As `a=` values: `candidate:…`. */
  readonly candidates: readonly string[];
  readonly endOfCandidates: boolean;
}

/**
 * Reads a fragment. What concerns single media sections is taken for the one bundle there is;
 * candidates that cannot be reached, such as names, are passed over.
 *
 * @throws StreamError `invalid_sdp` that says what is missing
 */
export function readIceFragment(text: string): IceFragment {
  const lines = splitLines(text);
  const malformed = malformedLine(lines);
  if (malformed !== undefined) throw invalid(`it has a line that is not of the form x=…: ${quote(malformed)}`);
  const usernameFragment = valuesOf(lines, "ice-ufrag")[0];
  const password = valuesOf(lines, "ice-pwd")[0] ?? "";
  if (usernameFragment === undefined) throw invalid("it has no a=ice-ufrag; send that of pc.localDescription");
  if (!isUsernameFragment(usernameFragment)) throw invalid("its a=ice-ufrag is not 4 to 256 ice-chars");
  if (password !== "" && !isPassword(password)) {
    throw invalid("its a=ice-pwd is not 22 to 256 ice-chars");
  }
  const candidates = lines.filter((line) => line.startsWith("a=candidate:")).map((line) => line.slice(2));
  if (candidates.length > MAX_CANDIDATES) throw invalid(`it has more than ${MAX_CANDIDATES} candidates`);
  const wrong = candidates.find((line) => !isCandidate(line));
  if (wrong !== undefined) throw invalid(`this is no candidate: ${quote(wrong)}`);
  return {
    usernameFragment,
    password,
    candidates: candidates.filter(isReachable),
    endOfCandidates: lines.includes("a=end-of-candidates"),
  };
}

/** Writes a fragment for the one bundle, whose first section has that `mid`. */
export function writeIceFragment(
  { usernameFragment, password, candidates, endOfCandidates }: IceFragment,
  { mid }: { mid: string },
): string {
  const lines = [
    `a=ice-ufrag:${usernameFragment}`,
    `a=ice-pwd:${password}`,
    "m=audio 9 UDP/TLS/RTP/SAVPF 0",
    `a=mid:${mid}`,
    ...candidates.map((candidate) => `a=${candidate}`),
    ...(endOfCandidates ? ["a=end-of-candidates"] : []),
  ];
  return `${lines.join("\r\n")}\r\n`;
}

/** A description with these candidates in its first section that is not rejected, in place of those it has. */
export function withCandidates(sdp: string, candidates: readonly string[]): string {
  const lines = sdp.split(/\r\n/).filter((line) => line !== "" && !/^a=(candidate:|end-of-candidates)/.test(line));
  const begin = lines.findIndex((line) => line.startsWith("m=") && line.split(" ")[1] !== "0");
  const next = lines.findIndex((line, index) => index > begin && line.startsWith("m="));
  lines.splice(next < 0 ? lines.length : next, 0, ...candidates.map((candidate) => `a=${candidate}`));
  return `${lines.join("\r\n")}\r\n`;
}

function invalid(detail: string): StreamError {
  return new StreamError("invalid_sdp", `the SDP fragment cannot be used: ${detail}`, { field: "body" });
}
