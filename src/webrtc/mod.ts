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
export { chooseVideoCodec, type ChosenCodec, narrowOffer, type Offer, offersChannel, readOffer } from "./sdp_offer.ts";
export { warmUp } from "./warm_up.ts";
