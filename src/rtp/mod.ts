/**
 * RTP and RTCP as bytes: packetizers and depacketizers for each codec, whole pictures from packets, headers,
 * reports and feedback both ways. Pure functions and
 * counters; no sockets, no clocks.
 *
 * @module
 */
export { type AssembledFrame, depacketizeH264, type Depacketizer, depacketizeVp8 } from "./depacketizer.ts";
export { FrameAssembler, type MediaPacket } from "./frame_assembler.ts";
export { H264Packetizer, isH264KeyFrame, splitAnnexB } from "./h264_packetizer.ts";
export { MAX_RTP_PAYLOAD, type RtpPacketizer } from "./packetizer.ts";
export { Reception, type ReceptionReport } from "./reception.ts";
export { type FeedbackParties, writeNack, writePli, writeReceiverReport, writeRemb } from "./rtcp_feedback.ts";
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
export { ExtendedSequence } from "./sequence.ts";
export {
  ARRIVAL_PERIOD,
  MAX_ARRIVAL_GAP,
  type PacketArrival,
  readTransportFeedback,
  type TransportFeedback,
  writeTransportFeedback,
} from "./transport_feedback.ts";
export { isVp8KeyFrame, Vp8Packetizer } from "./vp8_packetizer.ts";
