/**
 * RTP and RTCP as bytes: packetizers for each codec, header writing, readings of receiver feedback. Pure functions and
 * counters; no sockets, no clocks.
 *
 * @module
 */
export { H264Packetizer, isH264KeyFrame, splitAnnexB } from "./h264_packetizer.ts";
export { MAX_RTP_PAYLOAD, type RtpPacketizer } from "./packetizer.ts";
export {
  compactNtp,
  ntpTime,
  readRtcp,
  type ReportBlock,
  type RtcpReading,
  type SenderReport,
  writeSenderReport,
} from "./rtcp.ts";
export {
  type HeaderExtension,
  headerExtensionBlock,
  rtpHeaderBytes,
  type RtpHeaderFields,
  writeRtpHeader,
} from "./rtp_header.ts";
export { isVp8KeyFrame, Vp8Packetizer } from "./vp8_packetizer.ts";
