import assert from "node:assert/strict";
import { StreamError } from "../../../src/errors.ts";
import { chooseVideoCodec, narrowOffer, readOffer } from "../../../src/webrtc/sdp_offer.ts";
import { CHROMIUM_OFFER, FIREFOX_OFFER, SAFARI_OFFER, videoOffer } from "../support/offers.ts";

const FINGERPRINT = /a=fingerprint:.*/g;
const VP8 = videoOffer("96", "a=recvonly", "a=rtpmap:96 VP8/90000");

/** Something that is wrong with an offer, and the words it is refused with. */
type Case = readonly [name: string, sdp: string, words: RegExp];

const REFUSED: readonly Case[] = [
  ["NUL", VP8.replace("s=-", "s=\0"), /not of the form/],
  ["long line", VP8.replace("s=-", `s=${"x".repeat(5000)}`), /not of the form/],
  ["33 sections", VP8 + "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n".repeat(32), /has 33 media sections, at most 32/],
  ["short ufrag", VP8.replace("9pQx", "abc"), /a=ice-ufrag is not 4 to 256/],
  ["long ufrag", VP8.replace("9pQx", "u".repeat(257)), /a=ice-ufrag is not 4 to 256/],
  ["short password", VP8.replace(/ice-pwd:.*/, "ice-pwd:short"), /a=ice-pwd is not 22 to 256/],
  ["short fingerprint", VP8.replace(FINGERPRINT, "a=fingerprint:sha-256 AA:BB"), /this is no fingerprint/],
  ["fingerprint of MD5", VP8.replace("sha-256", "md5"), /no a=fingerprint of sha-256, sha-384, sha-512/],
  ["passive", VP8.replace("actpass", "passive"), /actpass or active, not "passive"/],
  ["holdconn", VP8.replace("actpass", "holdconn"), /actpass or active, not "holdconn"/],
  ["port", VP8.replace("m=video 9 ", "m=video 65536 "), /no media line/],
  ["no format", VP8.replace(/m=video.*/, "m=video 9 UDP/TLS/RTP/SAVPF"), /no media line/],
  ["plain RTP", VP8.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), /another transport than WebRTC's/],
  ["payload type 128", VP8.replace("SAVPF 96", "SAVPF 96 128"), /"128", which is no payload type/],
  ["payload type twice", VP8.replace("SAVPF 96", "SAVPF 96 96"), /a payload type twice/],
  ["two codecs of a type", `${VP8}a=rtpmap:96 H264/90000\r\n`, /payload type 96 has two codecs/],
  ["codec without clock", VP8.replace("VP8/90000", "VP8/0"), /no codec of a payload type/],
  ["extension 0", `${VP8}a=extmap:0 urn:x\r\n`, /valid id: "a=extmap:0 urn:x"/],
  ["extension 15", `${VP8}a=extmap:15 urn:x\r\n`, /valid id/],
  ["extension 256", `${VP8}a=extmap:256 urn:x\r\n`, /valid id/],
  ["extension twice", `${VP8}a=extmap:3 urn:x\r\na=extmap:3 urn:y\r\n`, /id 3 is used twice/],
  ["SCTP port", CHROMIUM_OFFER.replace("sctp-port:5000", "sctp-port:0"), /a=sctp-port must be/],
  ["message size", CHROMIUM_OFFER.replace("size:262144", "size:-1"), /a=max-message-size must be/],
  ["no SCTP port", CHROMIUM_OFFER.replace("a=sctp-port:5000\r\n", ""), /no a=sctp-port for its data channel/],
  ["fmtp without rtpmap", `${VP8}a=fmtp:97 apt=96\r\n`, /without a=rtpmap: "a=fmtp:97 apt=96"/],
  ["no group", CHROMIUM_OFFER.replace(/a=group:.*\r\n/, ""), /does not bundle all/],
  ["smaller group", CHROMIUM_OFFER.replace("BUNDLE 0 1 2", "BUNDLE 0 1"), /does not bundle all/],
  ["unknown member", SAFARI_OFFER.replace("BUNDLE 0 1", "BUNDLE 0 1 7"), /names "7", but no media section/],
  ["member twice", SAFARI_OFFER.replace("BUNDLE 0 1", "BUNDLE 0 1 1"), /names a media section twice/],
  ["mid twice", SAFARI_OFFER.replace("a=mid:1", "a=mid:0"), /the same a=mid/],
  ["mid with a space", VP8.replace("a=mid:0", "a=mid:a b"), /a=mid must be a short word/],
];

Deno.test("refuses what cannot be answered well, with the line at fault", async (context) => {
  for (const [name, sdp, words] of REFUSED) {
    await context.step(name, () => {
      assert.throws(() => readOffer(sdp), (error) => {
        assert.ok(error instanceof StreamError);
        assert.deepEqual([error.code, error.field], ["invalid_sdp", "sdp"]);
        assert.match(error.message, words);
        return true;
      });
    });
  }
});

Deno.test("takes what is unusual and right", () => {
  const taken = [
    CHROMIUM_OFFER,
    FIREFOX_OFFER,
    SAFARI_OFFER,
    VP8.replace("a=group:BUNDLE 0\r\n", ""),
    VP8.replace("a=group:BUNDLE 0\r\n", "").replace("a=mid:0\r\n", ""),
    VP8.replace("actpass", "active"),
    VP8.replace("a=setup:actpass\r\n", ""),
    VP8.replace("sha-256", "SHA-256"),
    VP8.replace(FINGERPRINT, (line) => `a=fingerprint:md5 00:11\r\n${line}`),
    VP8.replace("UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF"),
    `${VP8}a=extmap:14/sendonly urn:x\r\na=extmap:16 urn:y\r\na=extmap:4096 urn:z\r\n`,
    `${VP8}m=image 0 udptl t38\r\n`,
  ];
  for (const sdp of taken) assert.ok(readOffer(sdp).media.length > 0, sdp);
});

Deno.test("a codec that the media line does not name is not there", () => {
  assert.deepEqual(readOffer(VP8.replace("SAVPF 96", "SAVPF 97")).media[0]?.codecs, []);
});

Deno.test("keeps of candidates those that are addresses, and no more than a hundred; of extensions those that fit", () => {
  const hosts = ["203.0.113.7", "2001:db8::7", "a.local", "A.LOCAL", "a.local.", "a.example", "fe80::1%eth0", "0.0.0.0"]
    .concat(["255.255.255.255", "224.0.0.1", "ff02::1", "::", "999.1.1.1"]);
  const candidates = hosts.map((host) => `a=candidate:1 1 udp 1 ${host} 5000 typ host`)
    .concat(["a=candidate:1 1 udp 1 203.0.113.8 0 typ host", "a=candidate:1 1 udp 1 203.0.113.8 99999 typ host"]);
  const kept = narrowed(`${VP8}${candidates.join("\r\n")}\r\na=extmap:3 urn:x\r\na=extmap:16 urn:y\r\n`);
  assert.deepEqual(kept.filter((line) => line.startsWith("a=candidate:")), candidates.slice(0, 2));
  assert.deepEqual(kept.filter((line) => line.startsWith("a=extmap:")), ["a=extmap:3 urn:x"]);
  const many = narrowed(VP8 + `${candidates[0]}\r\n`.repeat(1000));
  assert.equal(many.filter((line) => line.startsWith("a=candidate:")).length, 100);
});

function narrowed(sdp: string): string[] {
  const offer = readOffer(sdp);
  return narrowOffer(offer, { chosen: chooseVideoCodec(offer, "VP8"), feedback: "goog-remb" }).split("\r\n");
}
