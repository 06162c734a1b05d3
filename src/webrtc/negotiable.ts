import {
  RTCRtpCodecParameters,
  RTCRtpHeaderExtensionParameters,
  useH264,
  useNACK,
  useOPUS,
  usePLI,
  useREMB,
  useTWCC,
  useVP8,
} from "werift";
import type { ChosenCodec } from "./sdp_offer.ts";
import { type CongestionFeedback, FEEDBACK_EXTENSION } from "./send_path.ts";

/** Tells a receiver how long to hold pictures back; 0 and 0: not at all. Known to Chromium and Safari. */
export const PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";

/** Codecs and header extensions that an answer may have. Fresh objects for each peer: werift writes into them. */
export function negotiable(chosen: ChosenCodec, feedback: CongestionFeedback) {
  const congestion = extension(FEEDBACK_EXTENSION[feedback]);
  return {
    codecs: { video: videoCodecs(chosen, feedback), audio: [useOPUS()] },
    headerExtensions: {
      video: [congestion, extension(PLAYOUT_DELAY)],
      audio: [extension(FEEDBACK_EXTENSION[feedback])],
    },
  };
}

function extension(uri: string): RTCRtpHeaderExtensionParameters {
  return new RTCRtpHeaderExtensionParameters({ uri });
}

function videoCodecs({ codec, offered }: ChosenCodec, feedback: CongestionFeedback): RTCRtpCodecParameters[] {
  const congestion = feedback === "goog-remb" ? useREMB() : useTWCC();
  const rtcpFeedback = [useNACK(), usePLI(), { type: "ccm", parameter: "fir" }, congestion];
  const parameters = [...offered.parameters].map(([key, value]) => `${key}=${value}`).join(";");
  const media = codec === "H264" ? useH264({ rtcpFeedback, parameters }) : useVP8({ rtcpFeedback });
  return [media, new RTCRtpCodecParameters({ mimeType: "video/rtx", clockRate: 90_000 })];
}
