import { Hono } from "hono";
import { cors } from "hono/cors";
import { Log } from "../log.ts";
import { allowedMethods } from "./allowed_methods.ts";
import { errorResponse, problemResponse } from "./error_response.ts";
import { describeApi } from "./openapi.ts";
import { onlyAllowedOrigins, OriginPolicy } from "./origin_policy.ts";
import { pageRoutes } from "./pages.ts";
import { securityHeaders } from "./security_headers.ts";
import { serviceRoutes } from "./service_routes.ts";
import type { AppEnv, Services } from "./services.ts";
import { streamRoutes } from "./stream_routes.ts";

const log = new Log("http");

/** The whole HTTP side; `app.fetch(request, { remote })` answers a request. */
export async function createApp(services: Services): Promise<Hono<AppEnv>> {
  const app = new Hono<AppEnv>();
  const policy = new OriginPolicy(services.config.corsOrigins);
  app.use(async (context, next) => {
    await next();
    log.debug(`${context.req.method} ${context.req.path}`, { status: context.res.status });
  });
  app.use(securityHeaders(policy));
  app.use(
    "/v1/*",
    cors({
      origin: policy.isOpen ? "*" : (origin) => policy.allowed(origin),
      allowMethods: ["GET", "POST", "PATCH", "DELETE", "OPTIONS"],
      exposeHeaders: ["Location", "ETag", "Accept-Patch"],
    }),
    onlyAllowedOrigins(policy),
  );
  app.use(async (context, next) => {
    try {
      await next();
    } catch (thrown) {
      // Hono hands only instances of Error to onError.
      context.res = errorResponse(context, thrown);
    }
  });
  app.route("/v1/stream", streamRoutes(services));
  app.route("/v1/service", serviceRoutes(services));
  app.get("/v1/openapi.json", (context) => context.json(describeApi()));
  app.route("/", await pageRoutes());
  answerFaults(app);
  return app;
}

/** Answers what a route throws and what no route is for. */
export function answerFaults(app: Hono<AppEnv>): void {
  app.onError((error, context) => errorResponse(context, error));
  app.notFound((context) => {
    const { method, path } = context.req;
    const allowed = allowedMethods(app.routes, path);
    const detail = `there is no ${method} ${path}`;
    if (allowed.length === 0 || allowed.includes(method)) {
      return problemResponse(context, { status: 404, detail, code: "route_not_found" });
    }
    context.header("Allow", allowed.join(", "));
    return problemResponse(context, {
      status: 405,
      detail: `${detail}; use ${allowed.join(", ")}`,
      code: "method_not_allowed",
    });
  });
}
