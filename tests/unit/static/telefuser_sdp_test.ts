import assert from "node:assert/strict";
import { withStereo } from "../../../static/telefuser-sdp.js";

const VIDEO = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\na=fmtp:96 x=1\r\n";

function offer(...audio: readonly string[]): string {
  const lines = audio.map((line) => `${line}\r\n`).join("");
  return `v=0\r\ns=-\r\n${VIDEO}m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n${lines}m=application 9 UDP/DTLS/SCTP x\r\n`;
}

Deno.test("stereo is asked for in the line of Opus, and nothing else changes", () => {
  const edited = withStereo(offer("a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1", "a=x"));
  assert.equal(
    edited,
    offer("a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1;stereo=1", "a=x"),
  );
});

Deno.test("Opus without parameters gets a line for them", () => {
  const edited = withStereo(offer("a=rtpmap:111 opus/48000/2", "a=rtpmap:9 G722/8000"));
  assert.equal(edited, offer("a=rtpmap:111 opus/48000/2", "a=fmtp:111 stereo=1", "a=rtpmap:9 G722/8000"));
});

Deno.test("a browser's own word on stereo stays, sprop-stereo is another matter", () => {
  const told = offer("a=rtpmap:109 opus/48000/2", "a=fmtp:109 maxplaybackrate=48000; stereo=0;useinbandfec=1");
  assert.equal(withStereo(told), told);
  const sending = withStereo(offer("a=rtpmap:109 opus/48000/2", "a=fmtp:109 sprop-stereo=1"));
  assert.equal(sending, offer("a=rtpmap:109 opus/48000/2", "a=fmtp:109 sprop-stereo=1;stereo=1"));
});

Deno.test("payload types that begin alike are kept apart, and every Opus type of every audio section is edited", () => {
  const audio = ["a=rtpmap:11 opus/48000/2", "a=fmtp:111 apt=11", "a=rtpmap:112 OPUS/48000/2", "a=fmtp:112 a=b"];
  const wanted = ["a=rtpmap:11 opus/48000/2", "a=fmtp:11 stereo=1", "a=fmtp:111 apt=11"];
  assert.equal(
    withStereo(offer(...audio) + offer(...audio)),
    [1, 2].map(() => offer(...wanted, "a=rtpmap:112 OPUS/48000/2", "a=fmtp:112 a=b;stereo=1")).join(""),
  );
});

Deno.test("an offer without sound comes back as it is", () => {
  const silent = `v=0\r\n${VIDEO}`;
  assert.equal(withStereo(silent), silent);
  assert.equal(withStereo(""), "");
});
