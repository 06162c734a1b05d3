import { Hono } from "hono";
import { cors } from "hono/cors";
import { Log } from "../log.ts";
import { errorResponse, problemResponse } from "./error_response.ts";
import { pageRoutes } from "./pages.ts";
import { serviceRoutes } from "./service_routes.ts";
import type { AppEnv, Services } from "./services.ts";
import { streamRoutes } from "./stream_routes.ts";

const log = new Log("http");

/** The whole HTTP side; `app.fetch(request, { remote })` answers a request. */
export async function createApp(services: Services): Promise<Hono<AppEnv>> {
  const app = new Hono<AppEnv>();
  app.use(async (context, next) => {
    await next();
    log.debug(`${context.req.method} ${context.req.path}`, { status: context.res.status });
  });
  app.use(
    "/v1/*",
    cors({
      origin: "*",
      allowMethods: ["GET", "POST", "PATCH", "DELETE", "OPTIONS"],
      exposeHeaders: ["Location", "ETag", "Accept-Patch"],
    }),
  );
  app.route("/v1/stream", streamRoutes(services));
  app.route("/v1/service", serviceRoutes(services));
  app.route("/", await pageRoutes());
  app.onError((error, context) => errorResponse(context, error));
  app.notFound((context) => {
    const detail = `there is no ${context.req.method} ${context.req.path}`;
    return problemResponse(context, { status: 404, detail, code: "route_not_found" });
  });
  return app;
}
