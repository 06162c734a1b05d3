import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { StreamError } from "../errors.ts";
import { parseOffer } from "./offer_schema.ts";
import type { AppEnv, Services } from "./services.ts";

/** `/v1/stream/*`: offers and sessions. */
export function streamRoutes(services: Services): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const { maxBodyBytes } = services.config;

  const limit = bodyLimit({
    maxSize: maxBodyBytes,
    onError: () => {
      throw new StreamError("body_too_large", `the body has more than ${maxBodyBytes} bytes (--max-body-bytes)`);
    },
  });

  routes.post("/webrtc/offer", limit, async (context) => {
    const offer = parseOffer(await context.req.text());
    const { id, sdp } = await services.openSession(offer, context.env?.remote ?? "");
    return context.json({ session_id: id, sdp, type: "answer" });
  });

  async function close(id: string) {
    await services.registry.close(id, { code: "client_request", detail: "closed by request" });
    return { session_id: id, status: "closed" };
  }
  routes.delete("/webrtc/:id", async (context) => context.json(await close(context.req.param("id"))));
  routes.delete("/sessions/:id", async (context) => context.json(await close(context.req.param("id"))));

  routes.get("/sessions/:id/status", (context) => {
    const session = services.registry.get(context.req.param("id"));
    return context.json({
      session_id: session.id,
      status: "active",
      stream_mode: session.mode,
      state: session.state,
      video_codec: session.codec,
      stats: session.stats,
    });
  });
  return routes;
}
