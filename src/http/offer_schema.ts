import { z } from "zod";
import { StreamError } from "../errors.ts";

const SESSION_ID = /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/;

/** The body of an offer, in the words of the wire. */
export const offerSchema = z.looseObject({
  sdp: z.string({ error: "is missing; send pc.localDescription.sdp" }).min(1, "is empty; send pc.localDescription.sdp"),
  type: z.literal("offer", { error: 'must be "offer"' }),
  task: z.string({ error: "is missing; name the task, for example t2v" }).min(
    1,
    "is empty; name the task, for example t2v",
  ),
  session_id: z.string().regex(SESSION_ID, "takes 1 to 128 letters, digits and . _ ~ -, a letter or digit first")
    .optional(),
  prompt: z.string({ error: "must be a text" }).optional(),
  fps: z.number({ error: "must be a number" }).min(0.1, "must be 0.1 to 240").max(240, "must be 0.1 to 240").optional(),
  duration_s: z.number({ error: "must be a number of seconds" }).positive("must be more than 0").optional(),
  resume_token: z.string({ error: "must be the text that the first answer gave" }).max(128, "is too long").optional(),
  last_message: z.number({ error: "must be a number" }).int("must be a whole number").min(0, "must be 0 or more")
    .optional(),
  trickle: z.boolean({ error: "must be true or false" }).optional(),
  resumable: z.boolean({ error: "must be true or false" }).optional(),
  config: z.record(z.string(), z.unknown(), { error: "must be an object" }).optional(),
});

/** An offer that has been checked. */
export interface OfferRequest {
  readonly sdp: string;
  readonly sessionId: string | undefined;
  readonly fps: number | undefined;
  /** What takes over the session of `sessionId`, when the viewer comes back to it. */
  readonly resumeToken: string | undefined;
  /** `sequence` of the last message that such a viewer got. */
  readonly lastMessage: number | undefined;
  /** Whether candidates that come up later are asked for with PATCH. */
  readonly trickle: boolean;
  /** Whether the viewer may come back after it closed its connection. */
  readonly resumable: boolean;
  /** Everything but what is about the connection, in wire names, as the pipeline gets it. */
  readonly fields: { readonly task: string; readonly [field: string]: unknown };
}

/**
 * Checks the body of an offer.
 *
 * @throws StreamError `invalid_json` or `invalid_request` that names every field at fault
 */
export function parseOffer(body: string): OfferRequest {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (cause) {
    throw new StreamError("invalid_json", "the body is not JSON; send Content-Type: application/json with an object", {
      cause,
    });
  }
  const parsed = offerSchema.safeParse(withoutNulls(json));
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join(".") || "the body"} ${issue.message}`);
    const field = parsed.error.issues[0]?.path.join(".");
    throw new StreamError("invalid_request", faults.join("; "), field ? { field } : {});
  }
  const { sdp, type: _type, session_id, resume_token, last_message, trickle, resumable, ...fields } = parsed.data;
  if (resume_token !== undefined && session_id === undefined) {
    const detail = "session_id is missing; resume_token needs the id of the session to resume";
    throw new StreamError("invalid_request", detail, { field: "session_id" });
  }
  return {
    sdp,
    sessionId: session_id,
    fps: fields.fps,
    resumeToken: resume_token,
    lastMessage: last_message,
    trickle: trickle ?? false,
    resumable: resumable ?? false,
    fields,
  };
}

/** A field that is null is a field that is not there. */
function withoutNulls(json: unknown): unknown {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));
}
