import assert from "node:assert/strict";
import { candidatesOf } from "../../../src/webrtc/probe_peer.ts";

Deno.test("candidates of an answer are read, UDP and passive TCP, and no others", () => {
  const sdp = [
    "v=0",
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "a=candidate:1 1 udp 2130706431 192.0.2.9 40000 typ host",
    "a=candidate:2 1 UDP 1694498815 203.0.113.7 40001 typ srflx raddr 192.0.2.9 rport 40000",
    "a=candidate:3 1 tcp 1518280447 192.0.2.9 40002 typ host tcptype passive",
    "a=candidate:4 1 tcp 1518280447 192.0.2.9 9 typ host tcptype active",
    "a=candidate:5 2 udp 2130706430 192.0.2.9 40003 typ host",
    "a=candidate:6 1 udp 2130706431 fd00::9 40004 typ host",
    "a=end-of-candidates",
  ].join("\r\n");
  assert.deepEqual(candidatesOf(sdp), [
    { kind: "host", transport: "udp", address: ["192.0.2.9", 40000] },
    { kind: "srflx", transport: "udp", address: ["203.0.113.7", 40001] },
    { kind: "host", transport: "tcp", address: ["192.0.2.9", 40002] },
    { kind: "host", transport: "udp", address: ["fd00::9", 40004] },
  ]);
});
