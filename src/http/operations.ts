/**
 * Every operation of the API, once: the description is made from this table, and a test holds that it has the routes that
 * there are.
 *
 * @module
 */

import { z } from "zod";
import type { StreamErrorCode } from "../errors.ts";
import * as answers from "./answer_schemas.ts";
import { offerSchema } from "./offer_schema.ts";

/** Media type of SDP fragments (RFC 8840, section 9.2). */
export const TRICKLE_ICE = "application/trickle-ice-sdpfrag";

/** What a success is answered with; without a type there is no body. */
export interface Success {
  readonly description: string;
  readonly type?: string;
  readonly schema?: z.ZodType;
  readonly headers?: Readonly<Record<string, string>>;
  /** Operations that go on with the `session_id` of the answer. */
  readonly leadsTo?: readonly string[];
}

/** One operation. Parameters in the path are written as in OpenAPI; all of them are texts. */
export interface Operation {
  readonly method: "get" | "post" | "patch" | "delete";
  readonly path: `/v1/${string}`;
  /** Name for programs that make clients. */
  readonly id: string;
  readonly summary: string;
  readonly body?: { readonly type: string; readonly schema: z.ZodType; readonly description: string };
  readonly successes: Readonly<Record<number, Success>>;
  /** Faults that it can be answered with, besides those that every operation has. */
  readonly errors: readonly StreamErrorCode[];
  /** Another answer with the body of a success, for example 503 of the health check. */
  readonly alsoAnswers?: Readonly<Record<number, Success>>;
}

const JSON_TYPE = "application/json";
const BODY_ERRORS = ["body_too_large", "request_timeout", "invalid_request"] as const;

function json(schema: z.ZodType, description: string): Success {
  return { description, type: JSON_TYPE, schema };
}

const sessionHeaders = {
  ETag: "Names the ICE session (RFC 9725, section 4.3.1).",
};

const close = {
  successes: { 200: json(answers.closed, "It is closed.") },
  errors: ["session_not_found"],
} as const;

/** The table. */
export const OPERATIONS: readonly Operation[] = [
  {
    method: "post",
    path: "/v1/stream/webrtc/offer",
    id: "offer",
    summary: "Opens a session, or takes one over with its resume token.",
    body: {
      type: JSON_TYPE,
      schema: offerSchema,
      description: "An SDP offer and what the pipeline is to do; fields beyond these go to the pipeline as they are.",
    },
    successes: {
      200: {
        ...json(answers.offerAnswer, "The session is open; its media come when the connection is up."),
        headers: {
          ...sessionHeaders,
          Location: "The session's own address, for PATCH and DELETE.",
          "Accept-Patch": `Always ${TRICKLE_ICE}.`,
        },
        leadsTo: ["patchSession", "closeSession", "closeSessionById", "sessionStatus"],
      },
    },
    errors: [
      ...BODY_ERRORS,
      "invalid_json",
      "invalid_sdp",
      "no_common_codec",
      "pipeline_failed",
      "resume_refused",
      "session_exists",
      "session_not_found",
      "timeout",
      "service_not_running",
      "sessions_full",
      "shutting_down",
      "no_ice_candidates",
    ],
  },
  {
    method: "patch",
    path: "/v1/stream/webrtc/{id}",
    id: "patchSession",
    summary: "Adds ICE candidates, or restarts ICE (RFC 8840, RFC 9725).",
    body: { type: TRICKLE_ICE, schema: z.string(), description: "An SDP fragment." },
    successes: {
      200: {
        description: "A fragment of the server's candidates, after a restart with its new parameters.",
        type: TRICKLE_ICE,
        schema: z.string(),
        headers: sessionHeaders,
      },
      204: { description: "The candidates are added." },
    },
    errors: [
      ...BODY_ERRORS,
      "invalid_sdp",
      "session_not_found",
      "connection_gone",
      "ice_session_changed",
      "unsupported_media_type",
      "no_ice_candidates",
    ],
  },
  {
    method: "delete",
    path: "/v1/stream/webrtc/{id}",
    id: "closeSession",
    summary: "Closes a session.",
    ...close,
  },
  {
    method: "delete",
    path: "/v1/stream/sessions/{id}",
    id: "closeSessionById",
    summary: "Closes a session; the same under another address.",
    ...close,
  },
  {
    method: "get",
    path: "/v1/stream/sessions/{id}/status",
    id: "sessionStatus",
    summary: "Where a session stands, with what was counted and measured.",
    successes: { 200: json(answers.sessionStatus, "It is active.") },
    errors: ["session_not_found"],
  },
  {
    method: "get",
    path: "/v1/stream/ice-servers",
    id: "iceServers",
    summary: "The STUN and TURN servers that a viewer should use.",
    successes: { 200: json(answers.iceServers, "For new RTCPeerConnection().") },
    errors: [],
  },
  {
    method: "get",
    path: "/v1/service/health",
    id: "health",
    summary: "Whether the server lives and its pipeline has not failed.",
    successes: { 200: json(answers.health, "It lives; the pipeline runs or starts.") },
    alsoAnswers: { 503: json(answers.health, "The pipeline has failed; detail says why.") },
    errors: [],
  },
  {
    method: "get",
    path: "/v1/service/ready",
    id: "ready",
    summary: "Whether offers are taken.",
    successes: { 200: json(answers.readiness, "They are.") },
    alsoAnswers: { 503: json(answers.readiness, "They are not; detail says why.") },
    errors: [],
  },
  {
    method: "get",
    path: "/v1/service/metadata",
    id: "metadata",
    summary: "What runs here.",
    successes: { 200: json(answers.metadata, "The pipeline, its mode and the server's settings for media.") },
    errors: [],
  },
  {
    method: "get",
    path: "/v1/openapi.json",
    id: "description",
    summary: "This description.",
    successes: { 200: json(z.looseObject({ openapi: z.string() }), "OpenAPI 3.1.") },
    errors: [],
  },
];
