/**
 * One viewer's WebRTC connection. The only room that knows werift, and the place where its faults are mended.
 *
 * @module
 */
export { CHANNEL_LABEL, ControlChannel } from "./control_channel.ts";
export { InboundAudio, type InboundStats, InboundVideo } from "./inbound_track.ts";
export { OutboundTrack, type TrackStats } from "./outbound_track.ts";
export { type ConnectionState, type IceServer, PeerConnection, type PeerConnectionOptions } from "./peer_connection.ts";
export { chooseVideoCodec, type ChosenCodec, narrowOffer, type Offer, readOffer } from "./sdp_offer.ts";
export { warmUp } from "./warm_up.ts";
