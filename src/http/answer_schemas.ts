/**
 * What the server answers, as schemas: the routes are typed by them and the API's description is made from them.
 *
 * @module
 */

import { z } from "zod";

const count = z.int().min(0);
const mode = z.enum(["server_push", "bidirectional"]);

const latency = z.object({
  count,
  p50: z.number().nullable(),
  p95: z.number().nullable(),
  p99: z.number().nullable(),
}).describe("Percentiles in milliseconds; null while nothing has been measured.");

const sessionCounts = {
  webrtc_active_sessions: count,
  webrtc_server_push_sessions: count,
  webrtc_bidirectional_sessions: count,
  webrtc_max_sessions: count,
};

const healthFields = {
  ready: z.boolean(),
  timestamp: z.iso.datetime(),
  version: z.string(),
  pipeline_ready: z.boolean(),
  stream_ready: z.boolean(),
  stream_mode: mode.nullable(),
  ...sessionCounts,
  pipeline_restarts: count,
  pipeline_uncaught_errors: count,
  pipeline_invalid_chunks: count,
  detail: z.string().optional().describe("Why it is not healthy."),
};

/** `GET /v1/service/health`. */
export const health = z.object({ status: z.enum(["healthy", "starting", "unhealthy"]), ...healthFields });

/** `GET /v1/service/ready`. */
export const readiness = z.object({ status: z.enum(["ready", "not_ready"]), ...healthFields });

/** `GET /v1/service/metadata`. */
export const metadata = z.object({
  service_type: z.literal("stream"),
  stream_mode: mode.nullable(),
  pipeline_file: z.string(),
  security_level: z.enum(["STRICT", "STANDARD", "PERMISSIVE"]),
  runner: z.literal("StreamPipelineService"),
  ...sessionCounts,
  webrtc_video_codec: z.enum(["H264", "VP8"]),
  webrtc_video_bitrate: count,
  default_fps: z.number().nullable(),
  control_latency: latency,
  control_to_send: latency,
  permissions: z.string(),
  version: z.string(),
});

/** What an offer is answered with. */
export const offerAnswer = z.object({
  session_id: z.string(),
  sdp: z.string(),
  type: z.literal("answer"),
  resume_token: z.string().describe("With session_id, takes the session over with a new offer."),
  hold_seconds: z.number().min(0).describe("For how long a viewer that vanished may come back."),
  resumed: z.boolean(),
});

/** `GET /v1/stream/ice-servers`. */
export const iceServers = z.object({
  ice_servers: z.array(z.object({
    urls: z.array(z.string()),
    username: z.string().optional(),
    credential: z.string().optional(),
  })),
  ice_transport_policy: z.enum(["all", "relay"]),
  ttl_seconds: count.nullable().describe("How long a password made from --turn-secret is good."),
});

/** A session was closed. */
export const closed = z.object({ session_id: z.string(), status: z.literal("closed") });

/** `GET /v1/stream/sessions/{id}/status`. */
export const sessionStatus = z.object({
  session_id: z.string(),
  status: z.literal("active"),
  stream_mode: mode,
  state: z.enum(["opening", "connecting", "live", "interrupted", "closing", "closed"]),
  video_codec: z.enum(["H264", "VP8"]).optional(),
  stats: z.object({
    chunks: count,
    frames_encoded: count,
    frames_dropped: count,
    frames_invalid: count,
    underruns: count,
    camera_frames: count.optional(),
    camera_dropped: count.optional(),
    camera_invalid: count.optional(),
    camera_packets_lost: count.optional(),
    microphone_packets: count.optional(),
    microphone_lost: count.optional(),
    controls_received: count,
    controls_dropped: count,
    controls_waiting: count,
    packets_sent: count,
    packets_resent: count,
    fraction_lost: z.number().min(0).max(1),
    round_trip_ms: count,
    target_bitrate: count.describe("Bit/s that the network carries for the picture."),
    queue_delay_ms: count,
    control_latency: latency,
    control_to_send: latency,
  }),
});

/** Every error (RFC 9457). */
export const problem = z.object({
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string().describe("For people."),
  code: z.string().describe("For programs."),
  field: z.string().optional().describe("The input at fault."),
  error_id: z.string().optional().describe("Names the line of the server's log, for unexpected errors."),
});
