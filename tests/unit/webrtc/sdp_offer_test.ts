import assert from "node:assert/strict";
import { SessionDescription } from "werift";
import { StreamError, type StreamErrorCode } from "../../../src/errors.ts";
import type { VideoCodec } from "../../../src/media/mod.ts";
import { chooseVideoCodec, narrowOffer, readOffer } from "../../../src/webrtc/mod.ts";
import {
  answerDirections,
  chooseFeedback,
  type Offer,
  type OfferedMedia,
  offersToSend,
  opusPayloadTypes,
  rtxPayloadType,
} from "../../../src/webrtc/sdp_offer.ts";
import type { CongestionFeedback } from "../../../src/webrtc/send_path.ts";
import { CHROMIUM_OFFER, FIREFOX_OFFER, SAFARI_OFFER, videoOffer } from "../support/offers.ts";

const OFFERS = { CHROMIUM_OFFER, FIREFOX_OFFER, SAFARI_OFFER };

function refuses(act: () => unknown, code: StreamErrorCode, words: RegExp): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof StreamError);
    assert.equal(error.code, code);
    assert.equal(error.field, "sdp");
    assert.match(error.message, words);
    return true;
  });
}

/** The picture section as werift's own reader understands it. */
function narrowed(sdp: string, preferred: VideoCodec, feedback: CongestionFeedback = "goog-remb") {
  const offer = readOffer(sdp);
  const text = narrowOffer(offer, { chosen: chooseVideoCodec(offer, preferred), feedback });
  const video = SessionDescription.parse(text).media.find((media) => media.kind === "video");
  assert.ok(video !== undefined);
  return { text, video };
}

Deno.test("reads kind, direction and rejection of every section", () => {
  const read = (sdp: string) =>
    readOffer(sdp).media.map(({ kind, direction, rejected }) => [kind, direction, rejected]);
  assert.deepEqual(read(CHROMIUM_OFFER), [
    ["video", "recvonly", false],
    ["audio", "recvonly", false],
    ["application", "sendrecv", false],
  ]);
  assert.deepEqual(read(FIREFOX_OFFER), [
    ["video", "recvonly", false],
    ["audio", "recvonly", false],
    ["application", "sendrecv", false],
  ], "bundle-only sections have port 0 and are not rejected");
  assert.deepEqual(read(SAFARI_OFFER), [["video", "recvonly", false], ["audio", "recvonly", false]]);
  const rejected = videoOffer("96", "a=recvonly", "a=rtpmap:96 VP8/90000").replace("m=video 9 ", "m=video 0 ");
  assert.deepEqual(read(rejected), [["video", "recvonly", true]]);
});

Deno.test("reads codecs with their clock rate and parameters", () => {
  const [video, audio] = readOffer(FIREFOX_OFFER).media;
  const h264 = video?.codecs.find((codec) => codec.payloadType === 126);
  assert.equal(h264?.name, "H264");
  assert.equal(h264?.clockRate, 90_000);
  assert.deepEqual([...h264?.parameters ?? []], [
    ["profile-level-id", "42e01f"],
    ["level-asymmetry-allowed", "1"],
    ["packetization-mode", "1"],
  ]);
  assert.equal(video?.codecs.find((codec) => codec.payloadType === 119)?.parameters.get("apt"), "122");
  assert.deepEqual(audio?.codecs.map((codec) => codec.name), ["OPUS", "G722", "PCMU", "PCMA", "TELEPHONE-EVENT"]);
  assert.equal(audio?.codecs[0]?.clockRate, 48_000);
});

Deno.test("takes an offer with bare line feeds, and parameter names in any case", () => {
  const sdp = videoOffer(
    "96",
    "a=recvonly",
    "a=rtpmap:96 h264/90000",
    "a=fmtp:96 Packetization-Mode=1; Profile-Level-Id=42E01F",
  );
  const chosen = chooseVideoCodec(readOffer(sdp.replaceAll("\r\n", "\n")), "H264");
  assert.equal(chosen.codec, "H264");
  assert.equal(chosen.offered.payloadType, 96);
});

Deno.test("chooses the constrained baseline with packetization mode 1 of every browser", () => {
  const chosen = Object.values(OFFERS).map((sdp) => chooseVideoCodec(readOffer(sdp), "H264").offered);
  assert.deepEqual(chosen.map((codec) => codec.payloadType), [109, 126, 98]);
  for (const codec of chosen) {
    assert.equal(codec.parameters.get("profile-level-id"), "42e01f");
    assert.equal(codec.parameters.get("packetization-mode"), "1");
  }
});

Deno.test("chooses VP8 of every browser when that is preferred", () => {
  const chosen = Object.values(OFFERS).map((sdp) => chooseVideoCodec(readOffer(sdp), "VP8"));
  assert.deepEqual(chosen.map(({ codec, offered }) => [codec, offered.payloadType]), [
    ["VP8", 96],
    ["VP8", 120],
    ["VP8", 102],
  ]);
});

Deno.test("takes the other codec when the preferred one is not offered or not usable", () => {
  const vp8 = readOffer(videoOffer("96", "a=recvonly", "a=rtpmap:96 VP8/90000"));
  assert.equal(chooseVideoCodec(vp8, "H264").codec, "VP8");
  const h264 = readOffer(videoOffer("97", "a=recvonly", "a=rtpmap:97 H264/90000", "a=fmtp:97 packetization-mode=1"));
  assert.equal(chooseVideoCodec(h264, "VP8").codec, "H264");
  const singleNal = readOffer(
    videoOffer(
      "96 97",
      "a=recvonly",
      "a=rtpmap:97 H264/90000",
      "a=fmtp:97 profile-level-id=42e01f",
      "a=rtpmap:96 VP8/90000",
    ),
  );
  assert.equal(chooseVideoCodec(singleNal, "H264").codec, "VP8", "packetization mode 0 cannot carry what is sent");
});

Deno.test("ranks H.264 profiles: constrained baseline, baseline, any other", () => {
  const offerOf = (profiles: readonly string[]) =>
    readOffer(videoOffer(
      profiles.map((_, index) => 96 + index).join(" "),
      "a=recvonly",
      ...profiles.flatMap((profile, index) => [
        `a=rtpmap:${96 + index} H264/90000`,
        `a=fmtp:${96 + index} packetization-mode=1;profile-level-id=${profile}`,
      ]),
    ));
  const chosen = (...profiles: string[]) =>
    chooseVideoCodec(offerOf(profiles), "H264").offered.parameters.get("profile-level-id");
  assert.equal(chosen("640c1f", "42001f", "42e01f"), "42e01f");
  assert.equal(chosen("640c1f", "42001f", "42C01F"), "42C01F");
  assert.equal(chosen("640c1f", "4d001f", "42001f"), "42001f");
  assert.equal(chosen("640c1f", "4d001f"), "640c1f");
});

Deno.test("says what the offer has when there is no codec in common", () => {
  const sdp = videoOffer("98 39", "a=recvonly", "a=rtpmap:98 VP9/90000", "a=rtpmap:39 AV1/90000");
  refuses(
    () => chooseVideoCodec(readOffer(sdp), "H264"),
    "no_common_codec",
    /it offers VP9, AV1, we send H264 and VP8/,
  );
  const none = videoOffer("96", "a=recvonly");
  refuses(() => chooseVideoCodec(readOffer(none), "H264"), "no_common_codec", /it offers none/);
});

Deno.test("asks for a section that receives when there is only one that sends, or only sound", () => {
  for (const direction of ["sendonly", "inactive"]) {
    const sdp = videoOffer("96", `a=${direction}`, "a=rtpmap:96 VP8/90000");
    refuses(() => chooseVideoCodec(readOffer(sdp), "VP8"), "invalid_sdp", /addTransceiver\("video"/);
  }
  const sound = videoOffer("111", "a=recvonly", "a=rtpmap:111 opus/48000/2").replace("m=video", "m=audio");
  refuses(() => chooseVideoCodec(readOffer(sound), "VP8"), "invalid_sdp", /no video section that receives/);
  const rejected = videoOffer("96", "a=recvonly", "a=rtpmap:96 VP8/90000").replace("m=video 9 ", "m=video 0 ");
  refuses(() => chooseVideoCodec(readOffer(rejected), "VP8"), "invalid_sdp", /no video section that receives/);
});

Deno.test("takes a section without a direction for one that sends and receives", () => {
  const sdp = videoOffer("96", "a=rtpmap:96 VP8/90000");
  assert.equal(chooseVideoCodec(readOffer(sdp), "VP8").codec, "VP8");
});

Deno.test("says in words what is wrong with text that is not an offer", () => {
  refuses(() => readOffer(""), "invalid_sdp", /does not begin with "v=0"/);
  refuses(() => readOffer("hello"), "invalid_sdp", /does not begin with "v=0"/);
  refuses(() => readOffer("v=0\r\ns=-\r\nt=0 0\r\n"), "invalid_sdp", /offers no media; add a video transceiver/);
  refuses(() => readOffer(`${CHROMIUM_OFFER}garbage\r\n`), "invalid_sdp", /not of the form x=…: "garbage"/);
  const long = `${CHROMIUM_OFFER}${"x".repeat(5000)}\r\n`;
  assert.throws(() => readOffer(long), (error) => error instanceof Error && error.message.length < 200);
});

Deno.test("names the transport attribute that is missing", () => {
  for (const name of ["ice-ufrag", "ice-pwd", "fingerprint"]) {
    const without = (sdp: string) => sdp.split("\r\n").filter((line) => !line.startsWith(`a=${name}:`)).join("\r\n");
    for (const [browser, sdp] of Object.entries(OFFERS)) {
      refuses(() => readOffer(without(sdp)), "invalid_sdp", new RegExp(`has no a=${name}`));
      assert.notEqual(without(sdp), sdp, browser);
    }
  }
});

Deno.test("takes transport attributes of the whole session", () => {
  const lines = CHROMIUM_OFFER.split("\r\n");
  const transport = lines.filter((line) => /^a=(ice-ufrag|ice-pwd|fingerprint):/.test(line)).slice(0, 3);
  const rest = lines.filter((line) => !/^a=(ice-ufrag|ice-pwd|fingerprint):/.test(line));
  const at = rest.findIndex((line) => line.startsWith("m="));
  assert.equal(readOffer([...rest.slice(0, at), ...transport, ...rest.slice(at)].join("\r\n")).media.length, 3);
});

Deno.test("narrows the picture of every browser to one codec and its retransmission", () => {
  const expected = [["H264", [109, 114], [126, 127], [98, 99]], ["VP8", [96, 97], [120, 124], [102, 103]]] as const;
  for (const [codec, ...types] of expected) {
    for (const [index, [browser, sdp]] of Object.entries(OFFERS).entries()) {
      const { video } = narrowed(sdp, codec);
      assert.deepEqual(video.fmt.map(Number), types[index], `${browser} ${codec}`);
      assert.deepEqual(video.rtp.codecs.map(({ mimeType, payloadType }) => [mimeType.toLowerCase(), payloadType]), [
        [`video/${codec.toLowerCase()}`, types[index]?.[0]],
        ["video/rtx", types[index]?.[1]],
      ]);
      assert.equal(video.rtp.codecs[1]?.parameters, `apt=${types[index]?.[0]}`);
    }
  }
});

Deno.test("keeps what the codec can be told, and of the two kinds of congestion feedback the one that is meant", () => {
  const kinds = ["goog-remb", "transport-cc"] as const;
  for (const [kind, other] of [kinds, kinds.toReversed()] as const) {
    const { text, video } = narrowed(CHROMIUM_OFFER, "H264", kind as CongestionFeedback);
    const feedback = video.rtp.codecs[0]?.rtcpFeedback.map(({ type, parameter }) => [type, parameter].join(" ").trim());
    assert.deepEqual(feedback, [kind, "ccm fir", "nack", "nack pli"]);
    assert.match(text, /a=fmtp:109 .*profile-level-id=42e01f/);
    assert.doesNotMatch(text, new RegExp(`rtcp-fb.*${other}`), "in the sound as little as in the picture");
  }
});

Deno.test("agrees on transport-wide feedback with whoever has it, and on REMB with who has that alone", () => {
  const chosen = (sdp: string) => chooseFeedback(chooseVideoCodec(readOffer(sdp), "VP8"));
  for (const sdp of Object.values(OFFERS)) assert.equal(chosen(sdp), "transport-cc");
  const offer = (...feedback: string[]) => videoOffer("96", "a=recvonly", "a=rtpmap:96 VP8/90000", ...feedback);
  assert.equal(chosen(offer("a=rtcp-fb:96 goog-remb", "a=rtcp-fb:97 transport-cc")), "goog-remb");
  assert.equal(chosen(offer("a=rtcp-fb:* transport-cc", "a=rtcp-fb:* goog-remb")), "transport-cc");
  assert.equal(chosen(offer("a=rtcp-fb:96 nack")), "transport-cc", "neither: it does no harm");
});

Deno.test("leaves local names and the end of candidates out and keeps real addresses", () => {
  const { text } = narrowed(CHROMIUM_OFFER, "VP8");
  const candidates = text.split("\r\n").filter((line) => line.startsWith("a=candidate:"));
  assert.equal(candidates.length, 1);
  assert.match(candidates[0] ?? "", / 203\.0\.113\.7 54321 typ srflx/);
  assert.doesNotMatch(text, /end-of-candidates/);
});

Deno.test("leaves sound, data channel, identities and directions as they were", () => {
  for (const sdp of [CHROMIUM_OFFER, FIREFOX_OFFER]) {
    const before = SessionDescription.parse(sdp);
    const after = SessionDescription.parse(narrowed(sdp, "H264").text);
    assert.deepEqual(
      after.media.map((media) => [media.kind, media.direction]),
      before.media.map((media) => [media.kind, media.direction]),
    );
    assert.deepEqual(after.media[1]?.fmt, before.media[1]?.fmt);
    assert.equal(after.media[2]?.sctpPort, 5000);
    assert.deepEqual(after.media.map((media) => media.rtp.muxId), ["0", "1", "2"]);
    assert.deepEqual(after.media.map((media) => media.iceParams), before.media.map((media) => media.iceParams));
    assert.deepEqual(after.group, before.group);
    assert.match(narrowed(sdp, "H264").text, /\r\n$/);
  }
});

Deno.test("does without retransmission when none is offered for the codec", () => {
  const { video } = narrowed(
    videoOffer(
      "96 97 98",
      "a=recvonly",
      "a=rtpmap:96 VP8/90000",
      "a=rtpmap:97 VP9/90000",
      "a=rtpmap:98 rtx/90000",
      "a=fmtp:98 apt=97",
    ),
    "VP8",
  );
  assert.deepEqual(video.fmt.map(Number), [96]);
  assert.deepEqual(video.rtp.codecs.map((codec) => codec.payloadType), [96]);
});

Deno.test("leaves every section a format, even a second picture that does not offer the codec", () => {
  const transport = `a=ice-ufrag:9pQx\r\na=ice-pwd:Uc7yH3aKd0ZrB8fLm5TnW2eV\r\na=fingerprint:sha-256 ${
    Array(32).fill("00").join(":")
  }\r\n`;
  const second = `m=video 9 UDP/TLS/RTP/SAVPF 45\r\n${transport}a=mid:1\r\na=recvonly\r\na=rtpmap:45 AV1/90000\r\n`;
  const first = videoOffer("96", "a=recvonly", "a=rtpmap:96 VP8/90000").replace("BUNDLE 0", "BUNDLE 0 1");
  const offer = readOffer(first + second);
  const text = narrowOffer(offer, { chosen: chooseVideoCodec(offer, "VP8"), feedback: "transport-cc" });
  const sections = text.split("\r\n").filter((line) => line.startsWith("m="));
  assert.deepEqual(sections.map((line) => line.split(" ").slice(3)), [["96"], ["45"]]);
});

/** An offer of picture sections of these directions; one in brackets is rejected. */
function sections(...directions: readonly string[]): Offer {
  const media = directions.map((text): OfferedMedia => {
    const direction = text.replace(/[()]/g, "") as OfferedMedia["direction"];
    return { kind: "video", rejected: text.startsWith("("), direction, codecs: [] };
  });
  return { media: [{ kind: "audio", rejected: false, direction: "sendrecv", codecs: [] }, ...media], lines: [] };
}

Deno.test("answers each section with what we do there: send on the first that receives, receive on the first that sends", () => {
  const table: [offered: string[], taking: string[], notTaking: string[]][] = [
    [["recvonly"], ["sendonly"], ["sendonly"]],
    [["sendrecv"], ["sendrecv"], ["sendonly"]],
    [["sendrecv", "recvonly"], ["sendrecv", "inactive"], ["sendonly", "inactive"]],
    [["sendonly", "recvonly"], ["recvonly", "sendonly"], ["inactive", "sendonly"]],
    [["recvonly", "sendonly"], ["sendonly", "recvonly"], ["sendonly", "inactive"]],
    [["inactive", "sendrecv", "sendrecv"], ["inactive", "sendrecv", "inactive"], ["inactive", "sendonly", "inactive"]],
    [["(sendrecv)", "sendrecv"], ["sendrecv"], ["sendonly"]],
    [[], [], []],
  ];
  for (const [offered, taking, notTaking] of table) {
    const offer = sections(...offered);
    assert.deepEqual(answerDirections(offer, { kind: "video", receive: true }), taking, offered.join());
    assert.deepEqual(answerDirections(offer, { kind: "video", receive: false }), notTaking, offered.join());
  }
});

Deno.test("knows whether the viewer may send", () => {
  assert.equal(offersToSend(sections("recvonly", "sendonly"), "video"), true);
  assert.equal(offersToSend(sections("recvonly", "inactive", "(sendrecv)"), "video"), false);
  assert.equal(offersToSend(sections(), "audio"), true);
});

Deno.test("finds the retransmission of a payload type, and the payload types of Opus", () => {
  for (const [browser, sdp] of Object.entries(OFFERS)) {
    const offer = readOffer(sdp);
    const { offered } = chooseVideoCodec(offer, "VP8");
    const codecs = offer.media.flatMap((media) => media.codecs);
    const rtx = codecs.find(({ payloadType }) => payloadType === rtxPayloadType(offer, offered.payloadType));
    assert.equal(rtx?.name, "RTX", browser);
    assert.equal(rtx?.parameters.get("apt"), String(offered.payloadType), browser);
    assert.equal(rtxPayloadType(offer, 1), undefined);
    const opus = [...opusPayloadTypes(offer)];
    assert.equal(opus.length, 1, browser);
    assert.equal(codecs.find(({ payloadType }) => payloadType === opus[0])?.name, "OPUS", browser);
  }
});
