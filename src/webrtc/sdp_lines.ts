import { isIP } from "node:net";

/** The lines of a description or fragment, whatever they end with. */
export function splitLines(sdp: string): string[] {
  return sdp.split(/\r\n|\r|\n/).filter((line) => line !== "");
}

/** The lines of the session, then those of each media section. */
export function splitSections(lines: readonly string[]): string[][] {
  const sections: string[][] = [[]];
  for (const line of lines) {
    if (line.startsWith("m=")) sections.push([]);
    sections.at(-1)?.push(line);
  }
  return sections;
}

/** A line that cannot be one of a description (RFC 8866, section 9): no type, a NUL, or longer than anything sensible. */
export function malformedLine(lines: readonly string[]): string | undefined {
  return lines.find((line) => !/^[a-z]=/.test(line) || line.includes("\0") || line.length > MAX_LINE);
}

/** Whether a media section is refused by the viewer itself. */
export function isRejected(section: readonly string[]): boolean {
  return section[0]?.split(" ")[1] === "0" && !section.includes("a=bundle-only");
}

/** Values of the attribute `a=name:…`. */
export function valuesOf(lines: readonly string[], name: string): string[] {
  const start = `a=${name}:`;
  return lines.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length).trim());
}

/** Whether a text can be a username fragment (RFC 8839, section 5.4). */
export function isUsernameFragment(text: string): boolean {
  return /^[A-Za-z0-9+/]{4,256}$/.test(text);
}

/** Whether a text can be an ICE password (RFC 8839, section 5.4). */
export function isPassword(text: string): boolean {
  return /^[A-Za-z0-9+/]{22,256}$/.test(text);
}

/** Whether a text, from `candidate:` on, is a candidate (RFC 8839, section 5.1). */
export function isCandidate(text: string): boolean {
  return /^candidate:\S{1,32} \d{1,5} \S+ \d{1,10} \S+ \d{1,5} typ \S+/.test(text);
}

/**
 * Whether checks can be sent to a candidate, from `candidate:` on. Names cannot be used: to look one up takes seconds, and
 * whoever offers could have any name looked up (RFC 8839, section 5.1, lets them be passed over).
 */
export function isReachable(text: string): boolean {
  const [, , , , host = "", port = ""] = text.split(" ");
  const isAddress = isIP(host) !== 0 && !host.includes("%") && !NO_HOST.test(host);
  return isCandidate(text) && isAddress && Number(port) >= 1 && Number(port) <= 65_535;
}

/** A line in quotes, shortened, for a sentence. */
export function quote(line: string): string {
  return JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}…` : line);
}

/** Candidates that one description or fragment may carry. */
export const MAX_CANDIDATES = 100;
/** Characters of a line. */
const MAX_LINE = 4096;
/** Addresses that name no single host: unspecified, multicast, broadcast. */
const NO_HOST = /^(0\.|22[4-9]\.|23\d\.|255\.|ff|::$)/i;
