/**
 * One viewer's WebRTC connection. The only room that knows werift, and the place where its faults are mended.
 *
 * @module
 */
export { CHANNEL_LABEL, ControlChannel } from "./control_channel.ts";
export { type IceFragment, readIceFragment, writeIceFragment } from "./ice_fragment.ts";
export { iceServersFor, timeLimitedCredentials, type TurnCredentials } from "./ice_config.ts";
export { type IceServer, readIceServerUrl } from "./ice_server.ts";
export { InboundAudio, type InboundStats, InboundVideo } from "./inbound_track.ts";
export { OutboundTrack, type TrackStats } from "./outbound_track.ts";
export { MediaPorts, type MediaPortsOptions } from "./media_ports.ts";
export {
  type ConnectionChange,
  type ConnectionState,
  PeerConnection,
  type PeerConnectionOptions,
} from "./peer_connection.ts";
export {
  type CandidateKind,
  candidatesOf,
  type ChosenPair,
  ProbePeer,
  type ReceivedMedia,
  type ServerCandidate,
} from "./probe_peer.ts";
export { chooseVideoCodec, type ChosenCodec, narrowOffer, type Offer, readOffer, requireChannel } from "./sdp_offer.ts";
export { type BindingReply, type CheckCredentials, checkOverTcp, type ProbeTiming, StunProbe } from "./stun_probe.ts";
export { probeRelay, type RelayProbe } from "./turn_probe.ts";
export { warmUp } from "./warm_up.ts";
