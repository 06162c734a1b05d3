import { Hono } from "hono";
import { StreamError } from "../errors.ts";
import type { Session } from "../session/mod.ts";
import { readIceFragment, writeIceFragment } from "../webrtc/mod.ts";
import type { z } from "zod";
import type { closed, iceServers, offerAnswer, sessionStatus } from "./answer_schemas.ts";
import { parseOffer } from "./offer_schema.ts";
import { TRICKLE_ICE } from "./operations.ts";
import { readBody } from "./request_body.ts";
import type { AppEnv, Services } from "./services.ts";

/** `/v1/stream/*`: offers and sessions. */
export function streamRoutes(services: Services): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const { config, registry, clock } = services;
  const limits = { ...config, clock };

  routes.post("/webrtc/offer", async (context) => {
    const offer = parseOffer(await readBody(context.req.raw, limits));
    const { session, sdp } = await services.openSession(offer, context.env?.remote ?? "");
    context.header("Location", `/v1/stream/webrtc/${session.id}`);
    context.header("Accept-Patch", TRICKLE_ICE);
    context.header("ETag", entityTag(session));
    return context.json(
      {
        session_id: session.id,
        sdp,
        type: "answer",
        resume_token: session.resumeToken,
        hold_seconds: config.webrtcHoldSeconds,
        resumed: offer.resumeToken !== undefined,
      } satisfies z.infer<typeof offerAnswer>,
    );
  });

  routes.patch("/webrtc/:id", async (context) => {
    const type = context.req.header("content-type")?.split(";")[0]?.trim().toLowerCase();
    if (type !== TRICKLE_ICE) {
      throw new StreamError("unsupported_media_type", `send Content-Type: ${TRICKLE_ICE} with an SDP fragment`);
    }
    const session = registry.get(context.req.param("id"));
    requireMatch(session, context.req.header("if-match"));
    const told = await session.trickle(readIceFragment(await readBody(context.req.raw, limits)));
    if (told === null) return context.body(null, 204);
    context.header("ETag", entityTag(session));
    return context.body(writeIceFragment(told, { mid: session.mid }), 200, { "Content-Type": TRICKLE_ICE });
  });

  routes.get("/ice-servers", (context) => {
    const servers = services.iceServers(context.env?.remote ?? "");
    return context.json(
      {
        ice_servers: servers.map(({ urls, ...credentials }) => ({ urls: [urls], ...credentials })),
        ice_transport_policy: config.relayOnly ? "relay" : "all",
        ttl_seconds: config.turnSecret === "" ? null : config.turnTtlSeconds,
      } satisfies z.infer<typeof iceServers>,
    );
  });

  async function close(id: string): Promise<z.infer<typeof closed>> {
    await registry.close(id, { code: "client_request", detail: "closed by request" });
    return { session_id: id, status: "closed" };
  }
  routes.delete("/webrtc/:id", async (context) => context.json(await close(context.req.param("id"))));
  routes.delete("/sessions/:id", async (context) => context.json(await close(context.req.param("id"))));

  routes.get("/sessions/:id/status", (context) => {
    const session = registry.get(context.req.param("id"));
    return context.json(
      {
        session_id: session.id,
        status: "active",
        stream_mode: session.mode,
        state: session.state,
        video_codec: session.codec,
        stats: session.stats,
      } satisfies z.infer<typeof sessionStatus>,
    );
  });
  return routes;
}

/** A fragment that is meant for another ICE session, because one of the two was late, is refused (RFC 9725, section 4.3.1). */
function requireMatch(session: Session, wanted: string | undefined): void {
  if (wanted === undefined) return;
  const tags = wanted.split(",").map((tag) => tag.trim());
  if (tags.includes("*") || tags.includes(entityTag(session))) return;
  const detail = `If-Match names another ICE session than the present one, ${entityTag(session)}`;
  throw new StreamError("ice_session_changed", detail, { field: "If-Match" });
}

/** Names one ICE session, so that a restart is seen (RFC 9725, section 4.3.1). */
function entityTag(session: Session): string {
  return `"${session.iceTag}"`;
}
