import assert from "node:assert/strict";
import {
  answerAfterRestart,
  iceParameters,
  isUsable,
  readFragment,
  writeFragment,
} from "../../../static/telefuser-trickle.js";
import { readIceFragment } from "../../../src/webrtc/mod.ts";

const ANSWER = [
  "v=0",
  "a=ice-ufrag:old1",
  "m=video 0 UDP/TLS/RTP/SAVPF 96",
  "a=mid:x",
  "m=video 9 UDP/TLS/RTP/SAVPF 96",
  "a=mid:0",
  "a=ice-ufrag:old1",
  "a=ice-pwd:oldoldoldoldoldoldoldold",
  "a=candidate:1 1 udp 1 127.0.0.1 5 typ host",
  "a=end-of-candidates",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111",
  "a=mid:1",
  "a=ice-ufrag:old1",
  "a=ice-pwd:oldoldoldoldoldoldoldold",
  "",
].join("\r\n");

Deno.test("what the page writes is what the server reads, and the other way round", () => {
  const candidates = ["candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host"];
  const text = writeFragment({ ufrag: "abcd", pwd: "p".repeat(22), mid: "0", candidates, isEnd: true });
  assert.deepEqual(readIceFragment(text), {
    usernameFragment: "abcd",
    password: "p".repeat(22),
    candidates,
    endOfCandidates: true,
  });
  assert.deepEqual(readFragment(text), { ufrag: "abcd", pwd: "p".repeat(22), candidates });
});

Deno.test("reads ICE parameters and mid of a description", () => {
  assert.deepEqual(iceParameters(ANSWER), { ufrag: "old1", pwd: "oldoldoldoldoldoldoldold", mid: "x" });
  assert.deepEqual(iceParameters("v=0\r\n"), { ufrag: "", pwd: "", mid: "0" });
});

Deno.test("after a restart the answer has the new parameters everywhere and the new candidates in its first live section", () => {
  const sdp = answerAfterRestart(ANSWER, {
    ufrag: "new1",
    pwd: "n".repeat(22),
    candidates: ["candidate:2 1 udp 1 ::1 6 typ host"],
  });
  assert.doesNotMatch(sdp, /old/);
  assert.equal(sdp.match(/a=ice-ufrag:new1\r\n/g)?.length, 3);
  assert.equal(sdp.match(/a=candidate:/g)?.length, 1);
  const [, rejected = "", video = "", audio = ""] = sdp.split(/^(?=m=)/m);
  assert.doesNotMatch(rejected, /candidate/);
  assert.match(video, /a=candidate:2 1 udp 1 ::1 6 typ host\r\n$/);
  assert.doesNotMatch(audio + video.replace("candidate:2", ""), /candidate:1|end-of-candidates/);
});

Deno.test("names of mDNS and the mark of the end are of no use to the server", () => {
  assert.equal(isUsable("candidate:1 1 udp 1 192.0.2.1 5 typ host"), true);
  assert.equal(isUsable("candidate:1 1 udp 1 2001:db8::1 5 typ srflx"), true);
  assert.equal(isUsable("candidate:1 1 udp 1 3f0e.local 5 typ host"), false);
  assert.equal(isUsable(""), false);
});
