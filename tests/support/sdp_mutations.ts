/**
 * Damage that is done to offers, fragments and the JSON around them: the same for the same seed.
 *
 * @module
 */

/** Numbers from 0 up to 1, the same sequence for the same seed (mulberry32). */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0, below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ this.#state >>> 15, 1 | this.#state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0, below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** One of several. */
  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)];
    if (choice === undefined) throw new RangeError("there is nothing to pick from");
    return choice;
  }
}

/** One kind of damage. */
export interface Mutation {
  readonly name: string;
  /** Damages a text of CRLF lines. */
  readonly apply: (text: string, random: SeededRandom) => string;
}

const NUMBERS = ["", "-1", "0", "1", "255", "256", "65535", "65536", "99999", "4294967296", "1e9", "-0", "NaN", "0x10"]
  .concat(["9".repeat(40), "9".repeat(400), "-99999999999999999999", "1.5", " ", "٣"]);
const STRANGE = [
  "\0",
  "\u{1f3a5}",
  "\u202e",
  "é",
  "\ufeff",
  "\ud800",
  "\u2028",
  "\v",
  "\t",
  " ",
  "=",
  ":",
  "\\",
  "%00",
];
const CANDIDATES = [
  "1 1 udp 2113937151 203.0.113.9 0 typ host",
  "1 1 udp 2113937151 203.0.113.9 99999 typ host",
  "1 1 udp 2113937151 203.0.113.9 -1 typ host",
  "1 1 udp 2113937151 fe80::1%eth0 5000 typ host",
  "1 1 udp 2113937151 ::1 5000 typ host",
  "1 1 udp 2113937151 ::ffff:127.0.0.1 5000 typ host",
  "1 1 udp 2113937151 0.0.0.0 5000 typ host",
  "1 1 udp 2113937151 255.255.255.255 5000 typ host",
  "1 1 udp 2113937151 224.0.0.1 5000 typ host",
  "1 1 udp 2113937151 999.999.999.999 5000 typ host",
  "1 1 udp 2113937151 nobody.local 5000 typ host",
  "1 1 udp 2113937151 NOBODY.LOCAL 5000 typ host",
  "1 1 udp 2113937151 nobody.local. 5000 typ host",
  "1 1 udp 2113937151 nobody.localhost.invalid 5000 typ host",
  "1 1 udp 2113937151 turn.invalid 5000 typ host",
  "1 1 udp 2113937151 localhost 5000 typ host",
  "1 1 tcp 1518280447 203.0.113.9 9 typ host tcptype active",
  "1 1 tcp 1518280447 203.0.113.9 9 typ host",
  "1 1 sctp 1518280447 203.0.113.9 9 typ host",
  "1 2 udp 2113937150 203.0.113.9 5001 typ host",
  "1 0 udp 2113937150 203.0.113.9 5001 typ host",
  "1 1 udp -5 203.0.113.9 5001 typ host",
  "1 1 udp 99999999999999999999 203.0.113.9 5001 typ host",
  "1 1 udp 1 203.0.113.9 5001 typ martian",
  "1 1 udp 1 203.0.113.9 5001 typ srflx raddr rport",
  "1 1 udp 1 203.0.113.9 5001 typ",
  "1 1 udp 1 203.0.113.9",
  "1",
  "",
  `${"f".repeat(1000)} 1 udp 1 203.0.113.9 5001 typ host`,
  `1 1 udp 1 ${"h".repeat(5000)} 5001 typ host`,
  "1 1 udp 1 203.0.113.9 5001 typ host generation",
  "1 1 udp 1 203.0.113.9 5001 typ host ufrag x generation -1",
];
const FINGERPRINTS = [
  "sha-256",
  "sha-256 ",
  "sha-256 AA",
  `sha-256 ${"AA:".repeat(31)}AA:AA`,
  `sha-256 ${"ZZ:".repeat(31)}ZZ`,
  `sha-1 ${"AA:".repeat(19)}AA`,
  `sha-512 ${"AA:".repeat(63)}AA`,
  `md5 ${"AA:".repeat(15)}AA`,
  `sha-256 ${"AA:".repeat(5000)}AA`,
  `no-such-hash ${"AA:".repeat(31)}AA`,
  "",
];

/** Kinds of damage that a text of any lines can take. */
export const LINE_MUTATIONS: readonly Mutation[] = [
  { name: "cut anywhere", apply: (text, random) => text.slice(0, random.below(text.length)) },
  {
    name: "cut at the end of a line",
    apply: (text, random) => onLines(text, (lines) => lines.slice(0, at(lines, random))),
  },
  { name: "head cut off", apply: (text, random) => text.slice(random.below(text.length)) },
  {
    name: "a piece cut out",
    apply: (text, random) => {
      const begin = random.below(text.length);
      return text.slice(0, begin) + text.slice(begin + 1 + random.below(300));
    },
  },
  { name: "a line deleted", apply: (text, random) => onLines(text, (lines) => lines.toSpliced(at(lines, random), 1)) },
  {
    name: "several lines deleted",
    apply: (text, random) => onLines(text, (lines) => lines.filter(() => random.next() > 0.1)),
  },
  {
    name: "a line twice",
    apply: (text, random) => onLines(text, (lines) => lines.toSpliced(at(lines, random), 0, random.pick(lines))),
  },
  {
    name: "a line 1000 times",
    apply: (text, random) =>
      onLines(text, (lines) => lines.toSpliced(at(lines, random), 0, ...Array(1000).fill(random.pick(lines)))),
  },
  {
    name: "two lines swapped",
    apply: (text, random) =>
      onLines(text, (lines) => {
        const [one, two] = [at(lines, random), at(lines, random)];
        return lines.with(one, lines[two] ?? "").with(two, lines[one] ?? "");
      }),
  },
  { name: "lines shuffled", apply: (text, random) => onLines(text, (lines) => shuffled(lines, random)) },
  {
    name: "bytes flipped",
    apply: (text, random) => {
      const bytes = new TextEncoder().encode(text);
      for (let count = 1 + random.below(8); count > 0; count--) {
        const place = random.below(bytes.length);
        bytes[place] = (bytes[place] ?? 0) ^ 1 << random.below(8);
      }
      return new TextDecoder().decode(bytes);
    },
  },
  {
    name: "a number replaced",
    apply: (text, random) => {
      const numbers = [...text.matchAll(/\d+/g)];
      if (numbers.length === 0) return "";
      const { index, 0: old } = random.pick(numbers);
      return text.slice(0, index) + random.pick(NUMBERS) + text.slice(index + old.length);
    },
  },
  {
    name: "many numbers replaced",
    apply: (text, random) => text.replace(/\d+/g, (old) => random.next() < 0.1 ? random.pick(NUMBERS) : old),
  },
  {
    name: "the value of a line emptied",
    apply: (text, random) => onOne(text, random, (line) => line.slice(0, line.search(/[:=](?!.*[:=])/) + 1)),
  },
  { name: "a very long line", apply: (text, random) => onOne(text, random, (line) => line + "x".repeat(100_000)) },
  {
    name: "a strange character",
    apply: (text, random) => {
      const place = random.below(text.length);
      return text.slice(0, place) + random.pick(STRANGE).repeat(1 + random.below(3)) + text.slice(place);
    },
  },
  {
    name: "other line ends",
    apply: (text, random) =>
      text.replaceAll("\r\n", () => random.pick(["\n", "\r", "\r\n", "\n\r", "\r\r\n", " \r\n"])),
  },
  {
    name: "a hostile candidate",
    apply: (text, random) =>
      onLines(text, (lines) => lines.toSpliced(at(lines, random), 0, `a=candidate:${random.pick(CANDIDATES)}`)),
  },
  {
    name: "only a hostile candidate",
    apply: (text, random) =>
      onLines(text, (lines) => {
        const first = lines.findIndex((line) => line.startsWith("m="));
        return lines.filter((line) => !line.startsWith("a=candidate:"))
          .toSpliced(first + 1, 0, `a=candidate:${random.pick(CANDIDATES)}`);
      }),
  },
  {
    name: "a username fragment of another length",
    apply: (text, random) => setAttribute(text, "ice-ufrag", "u".repeat(random.pick([0, 1, 3, 4, 256, 257, 300]))),
  },
  {
    name: "a password of another length",
    apply: (text, random) => setAttribute(text, "ice-pwd", "p".repeat(random.pick([0, 1, 21, 22, 256, 257, 5000]))),
  },
  {
    name: "ICE parameters with other characters",
    apply: (text, random) =>
      setAttribute(text, random.pick(["ice-ufrag", "ice-pwd"]), `abc${random.pick(STRANGE)}${"def".repeat(9)}`),
  },
];

/** Kinds of damage that only offers can take. */
export const OFFER_MUTATIONS: readonly Mutation[] = [
  ...LINE_MUTATIONS,
  {
    name: "a section 1000 times",
    apply: (text, random) => {
      const [head = "", ...sections] = text.split(/(?=^m=)/m);
      return head + sections.join("") + random.pick(sections).repeat(1000);
    },
  },
  {
    name: "a section a few times",
    apply: (text, random) => {
      const [head = "", ...sections] = text.split(/(?=^m=)/m);
      const count = 1 + random.below(20);
      const more = Array.from({ length: count }, (_, index) => {
        return random.pick(sections).replace(/a=mid:.*/, `a=mid:${random.next() < 0.5 ? index : `x${index}`}`);
      });
      return head + sections.join("") + more.join("");
    },
  },
  {
    name: "sections in another order",
    apply: (text, random) => {
      const [head = "", ...sections] = text.split(/(?=^m=)/m);
      return head + shuffled(sections, random).join("");
    },
  },
  {
    name: "a section left out",
    apply: (text, random) => {
      const [head = "", ...sections] = text.split(/(?=^m=)/m);
      return head + sections.toSpliced(at(sections, random), 1).join("");
    },
  },
  {
    name: "another group",
    apply: (text, random) => {
      const group = random.pick(["", " 0", " 7 8 9", " 0 0 0", ` ${"0 1 ".repeat(1000)}`, " 2 1 0", ":", "\0"]);
      return text.replace(/a=group:BUNDLE.*/, `a=group:${random.pick(["BUNDLE", "LS", "bundle", ""])}${group}`);
    },
  },
  { name: "no group", apply: (text) => text.replace(/a=group:BUNDLE.*\r\n/, "") },
  {
    name: "mids that clash or are missing",
    apply: (text, random) => {
      const mid = random.pick(["0", "", "1", "a b", "x".repeat(1000), "__proto__", "constructor", "\u{1f3a5}", "-1"]);
      return text.replace(/a=mid:.*/g, (old) => random.next() < 0.6 ? `a=mid:${mid}` : old);
    },
  },
  {
    name: "payload types that clash",
    apply: (text, random) => {
      const types = [...text.matchAll(/a=rtpmap:(\d+)/g)].map(([, type = ""]) => type);
      const [from, to] = [random.pick(types), random.pick([...types, "0", "72", "127", "128", "255", "-1", "x"])];
      return text.replace(new RegExp(`(a=rtpmap:|a=fmtp:|apt=| )${from}(?= |\\r)`, "g"), `$1${to}`);
    },
  },
  {
    name: "a retransmission of itself or of nothing",
    apply: (text, random) =>
      text.replace(/apt=(\d+)/g, () => `apt=${random.pick([...NUMBERS, "97", "99", "104", "114"])}`),
  },
  {
    name: "extension ids out of range",
    apply: (text, random) => {
      const id = random.pick(["0", "15", "16", "255", "256", "-1", "", "x", "3/nowhere", "4096"]);
      const uri = random.pick([
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
        "urn:ietf:params:rtp-hdrext:sdes:mid",
        "urn:unknown",
        "",
      ]);
      return text.replaceAll("a=rtcp-mux\r\n", `a=extmap:${id} ${uri}\r\na=rtcp-mux\r\n`);
    },
  },
  {
    name: "a wrong fingerprint",
    apply: (text, random) => setAttribute(text, "fingerprint", random.pick(FINGERPRINTS)),
  },
  {
    name: "another setup",
    apply: (text, random) => setAttribute(text, "setup", random.pick(["passive", "holdconn", "active", "", "x", "\0"])),
  },
  {
    name: "another direction",
    apply: (text, random) =>
      text.replace(/a=(recvonly|sendrecv)/g, () => `a=${random.pick(["inactive", "sendonly", "sendrecv", "nothing"])}`),
  },
  {
    name: "another media line",
    apply: (text, random) => {
      const lines = [
        "m=",
        "m=video",
        "m=video 9",
        "m=video 9 RTP/AVP 96",
        "m=video 0 UDP/TLS/RTP/SAVPF 96",
        "m=text 9 x 9",
      ]
        .concat([
          "m=video 9 UDP/TLS/RTP/SAVPF",
          "m=application 9 DTLS/SCTP 5000",
          "m=image 9 udptl t38",
          "m=video  9  96",
        ])
        .concat([`m=video 9 UDP/TLS/RTP/SAVPF ${Array.from({ length: 2000 }, (_, type) => type).join(" ")}`]);
      return onLines(text, (all) => {
        const media = all.flatMap((line, index) => line.startsWith("m=") ? [index] : []);
        return media.length === 0 ? all : all.with(random.pick(media), random.pick(lines));
      });
    },
  },
  {
    name: "another codec line",
    apply: (text, random) => {
      const codec = random.pick([
        "H264",
        "H264/",
        "H264/0",
        "H264/-1",
        "VP8/1",
        "/90000",
        "H264/90000/99",
        "h264/90000",
      ]);
      return text.replace(/(a=rtpmap:\d+ )(H264|VP8)\/90000/g, `$1${codec}`);
    },
  },
  {
    name: "other H.264 parameters",
    apply: (text, random) => {
      const id = random.pick(["", "zz", "42", "42e0", "ffffff", "-1", "9".repeat(3000), "42e01f;;;=;="]);
      return text.replace(/profile-level-id=[0-9a-f]+/g, `profile-level-id=${id}`);
    },
  },
  {
    name: "other data channel lines",
    apply: (text, random) => {
      const [port, size] = [random.pick(NUMBERS), random.pick(NUMBERS)];
      return text.replace(/a=sctp-port:.*/, `a=sctp-port:${port}`).replace(
        /a=max-message-size:.*/,
        `a=max-message-size:${size}`,
      );
    },
  },
  {
    name: "simulcast and synchronisation sources",
    apply: (text, random) => {
      const lines = [
        "a=ssrc:",
        "a=ssrc:-1 cname",
        "a=ssrc:x cname:y",
        `a=ssrc:${"9".repeat(30)} cname:a`,
        "a=ssrc-group:",
      ]
        .concat(["a=ssrc-group:FID 1", "a=ssrc-group:FID x y", "a=rid:", "a=rid:1", "a=rid:1 send x=y", "a=simulcast:"])
        .concat(["a=simulcast:send 1;2", "a=msid:", "a=rtcp:", "a=rtcp:x", "a=rtcp-fb:", "a=rtcp-fb:* nack", "a=fmtp:"])
        .concat(["a=ice-lite", "a=ice-options:", "a=rtpmap:", "a=rtpmap:96", "a=extmap:", "a=identity:x", "c=", "c=IN"])
        .concat(["a=group:", "a=msid-semantic:", "a=sctpmap:", "a=sctpmap:x", "b=AS:-1", "b=", "t=", "o="]);
      return onLines(text, (all) => all.toSpliced(at(all, random), 0, random.pick(lines)));
    },
  },
  {
    name: "two kinds of damage",
    apply: (text, random) => {
      const first = random.pick(LINE_MUTATIONS).apply(text, random);
      return first === "" ? first : random.pick(LINE_MUTATIONS).apply(first, random);
    },
  },
];

/** Damage to the JSON around an offer; gets the body as it should be. */
export const BODY_MUTATIONS: readonly Mutation[] = [
  { name: "JSON cut", apply: (body, random) => body.slice(0, random.below(body.length)) },
  {
    name: "JSON with a strange character",
    apply: (body, random) => {
      const place = random.below(body.length);
      return body.slice(0, place) + random.pick([...STRANGE, '"', "{", "}", ",", "\r\n"]) + body.slice(place);
    },
  },
  { name: "JSON nested", apply: (_, random) => "[".repeat(1 + random.below(100_000)) },
  {
    name: "JSON of something else",
    apply: (_, random) => random.pick(["null", "[]", "1", '""', "{}", "true", "", "\0", '{"sdp":{"length":5}}', "NaN"]),
  },
  {
    name: "a field of another kind",
    apply: (body, random) => {
      const value = random.pick<unknown>([null, 0, -1, true, [], {}, "", "x".repeat(200_000), [[[]]], { toString: 1 }]);
      const name = random.pick(["sdp", "type", "task", "session_id", "resume_token", "last_message", "config", "fps"]);
      return JSON.stringify({ ...JSON.parse(body), [name]: value });
    },
  },
  {
    name: "the offer in an offer",
    apply: (body) => JSON.stringify({ ...JSON.parse(body), sdp: body }),
  },
  { name: "an oversized body", apply: (body) => body.replace('"task"', `"padding":"${"x".repeat(2 ** 21)}","task"`) },
];

function at(lines: readonly string[], random: SeededRandom): number {
  return random.below(lines.length);
}

function onLines(text: string, change: (lines: readonly string[]) => readonly string[]): string {
  return change(text.split("\r\n")).join("\r\n");
}

function onOne(text: string, random: SeededRandom, change: (line: string) => string): string {
  return onLines(text, (lines) => {
    const index = at(lines, random);
    return lines.with(index, change(lines[index] ?? ""));
  });
}

function setAttribute(text: string, name: string, value: string): string {
  return text.replace(new RegExp(`a=${name}:.*`, "g"), () => `a=${name}:${value}`);
}

function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  return items.map((item) => ({ item, key: random.next() })).sort((a, b) => a.key - b.key).map(({ item }) => item);
}
