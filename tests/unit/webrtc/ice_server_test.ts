import assert from "node:assert/strict";
import { readIceServerUrl } from "../../../src/webrtc/ice_server.ts";

const READ: readonly [
  url: string,
  kind: "stun" | "turn",
  transport: "udp" | "tcp" | "tls",
  host: string,
  port: number,
][] = [
  ["stun:stun.example.org", "stun", "udp", "stun.example.org", 3478],
  ["stun:stun.example.org:19302", "stun", "udp", "stun.example.org", 19302],
  ["stuns:stun.example.org", "stun", "tls", "stun.example.org", 5349],
  ["turn:192.0.2.7", "turn", "udp", "192.0.2.7", 3478],
  ["turn:192.0.2.7:80?transport=udp", "turn", "udp", "192.0.2.7", 80],
  ["turn:192.0.2.7:80?transport=tcp", "turn", "tcp", "192.0.2.7", 80],
  ["turns:turn.example.org", "turn", "tls", "turn.example.org", 5349],
  ["turns:turn.example.org:443?transport=tcp", "turn", "tls", "turn.example.org", 443],
  ["turn:[2001:db8::1]:3479", "turn", "udp", "2001:db8::1", 3479],
  ["turn:[::ffff:192.0.2.7]", "turn", "udp", "::ffff:192.0.2.7", 3478],
  ["TURN:Turn.Example.org?TRANSPORT=TCP", "turn", "tcp", "Turn.Example.org", 3478],
];

Deno.test("URLs of STUN and TURN servers are taken apart, with the ports of RFC 7064 and RFC 7065", () => {
  for (const [url, kind, transport, host, port] of READ) {
    assert.deepEqual(readIceServerUrl(url), { kind, transport, address: [host, port] }, url);
  }
});

Deno.test("what is no such URL is none", () => {
  const wrong = [
    "",
    "turn",
    "turn:",
    "http://turn.example.org",
    "turn://turn.example.org",
    "turn:user@turn.example.org",
    "turn:turn.example.org:port",
    "turn:turn.example.org?transport=sctp",
    "turn:turn.example.org?transport=tcp&x=1",
    "turn:turn.example.org/path",
    "turn:2001:db8::1",
    "turn:turn example.org",
    "turn:turn.example.org\n",
    " turn:turn.example.org",
    "turn:turn.example.org:0",
    "turn:turn.example.org:65536",
  ];
  for (const url of wrong) assert.equal(readIceServerUrl(url), null, JSON.stringify(url));
});
