import assert from "node:assert/strict";
import { StreamError } from "../../../src/errors.ts";
import { readIceFragment, withCandidates, writeIceFragment } from "../../../src/webrtc/ice_fragment.ts";

const HOST = "candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host";
const RELAY = "candidate:2 1 udp 16777215 198.51.100.4 60000 typ relay raddr 192.0.2.1 rport 50000";
const PASSWORD = "abcdefghijklmnopqrstuv";
const FRAGMENT = {
  usernameFragment: "9pQx",
  password: PASSWORD,
  candidates: [HOST, RELAY],
  endOfCandidates: true,
};

/** A fragment of a browser's. */
function fragment(...lines: string[]): string {
  return ["a=ice-ufrag:9pQx", `a=ice-pwd:${PASSWORD}`, "m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", ...lines, ""]
    .join("\r\n");
}

Deno.test("what is written is read back", () => {
  const text = writeIceFragment(FRAGMENT, { mid: "audio" });
  assert.match(text, /^a=ice-ufrag:9pQx\r\na=ice-pwd:\S+\r\nm=audio 9 \S+ 0\r\na=mid:audio\r\na=candidate:1 /);
  assert.ok(text.endsWith("a=end-of-candidates\r\n"));
  assert.deepEqual(readIceFragment(text), FRAGMENT);
  const open = { ...FRAGMENT, candidates: [], endOfCandidates: false };
  assert.deepEqual(readIceFragment(writeIceFragment(open, { mid: "0" })), open);
});

Deno.test("every line ending is taken, and parameters that stand in the media section", () => {
  for (const ending of ["\r\n", "\n", "\r"]) {
    const text = ["m=video 9 UDP/TLS/RTP/SAVPF 0", "a=mid:1", "a=ice-ufrag:9pQx", `a=ice-pwd:${PASSWORD}`, `a=${HOST}`]
      .join(ending);
    assert.deepEqual(readIceFragment(text).candidates, [HOST]);
  }
});

Deno.test("a password may be left out, as browsers' single candidates have none", () => {
  assert.equal(readIceFragment(`a=ice-ufrag:9pQx\r\na=${HOST}\r\n`).password, "");
});

Deno.test("candidates that cannot be reached are passed over: names, ports of 0, addresses of nobody", () => {
  const unreachable = [
    "candidate:1 1 udp 1 7e1d9f3c-1b2a-4c3d-9e8f-000000000000.local 50000 typ host",
    "candidate:1 1 udp 1 internal.example.org 50000 typ host",
    "candidate:1 1 udp 1 192.0.2.1 0 typ host",
    "candidate:1 1 udp 1 0.0.0.0 50000 typ host",
    "candidate:1 1 udp 1 224.0.0.1 50000 typ host",
    "candidate:1 1 udp 1 255.255.255.255 50000 typ host",
    "candidate:1 1 udp 1 ff02::1 50000 typ host",
  ];
  const text = fragment(...[...unreachable, HOST].map((line) => `a=${line}`));
  assert.deepEqual(readIceFragment(text).candidates, [HOST]);
});

Deno.test("a fragment that cannot be used is refused in words that say why", () => {
  const cases: readonly [string, string, RegExp][] = [
    ["empty", "", /no a=ice-ufrag; send that of pc\.localDescription/],
    ["no fragment", fragment().replace(/a=ice-ufrag.*\r\n/, ""), /no a=ice-ufrag/],
    ["short fragment", fragment().replace("9pQx", "9pQ"), /4 to 256 ice-chars/],
    ["long fragment", fragment().replace("9pQx", "x".repeat(257)), /4 to 256 ice-chars/],
    ["hostile fragment", fragment().replace("9pQx", "9pQx:theirs"), /4 to 256 ice-chars/],
    ["short password", fragment().replace(PASSWORD, "short"), /22 to 256 ice-chars/],
    ["no SDP", "<html>", /not of the form x=…: "<html>"/],
    ["NUL", fragment("a=x\0"), /not of the form/],
    ["long line", fragment(`a=${"x".repeat(5000)}`), /not of the form x=…: "a=x{58}…"/],
    ["no candidate", fragment("a=candidate:hello"), /this is no candidate: "candidate:hello"/],
    ["101 candidates", fragment(...Array(101).fill(`a=${HOST}`)), /more than 100 candidates/],
  ];
  for (const [name, text, words] of cases) {
    assert.throws(() => readIceFragment(text), (error: unknown) => {
      assert.ok(error instanceof StreamError, name);
      assert.equal(error.code, "invalid_sdp", name);
      assert.match(error.message, words, name);
      return true;
    });
  }
});

Deno.test("our candidates take the place of others, in the first section that is not rejected", () => {
  const sdp = [
    "v=0",
    "m=audio 0 UDP/TLS/RTP/SAVPF 0",
    "a=mid:0",
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "a=mid:1",
    `a=${RELAY}`,
    "a=end-of-candidates",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "a=mid:2",
    "",
  ].join("\r\n");
  assert.deepEqual(withCandidates(sdp, [HOST]).split("\r\n"), [
    "v=0",
    "m=audio 0 UDP/TLS/RTP/SAVPF 0",
    "a=mid:0",
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "a=mid:1",
    `a=${HOST}`,
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "a=mid:2",
    "",
  ]);
  const single = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n";
  assert.equal(withCandidates(single, [HOST, RELAY]), `${single}a=${HOST}\r\na=${RELAY}\r\n`);
});
