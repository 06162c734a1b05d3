import { type Context, Hono } from "hono";
import { proxy } from "hono/proxy";
import { type Clock, systemClock } from "../async/mod.ts";
import { messageOf, StreamError } from "../errors.ts";
import { Log } from "../log.ts";
import { answerFaults } from "./app.ts";
import { OriginPolicy } from "./origin_policy.ts";
import { type DemoConfig, pageRoutes } from "./pages.ts";
import { securityHeaders } from "./security_headers.ts";
import type { AppEnv } from "./services.ts";

const log = new Log("demo");

/** Seconds until the stream server must have begun to answer; creating a session alone may take it 30. */
const ANSWER_LIMIT = 35;

/** What is passed on; the others (TRACE) no `fetch` can send. HEAD is routed as GET. */
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** What the demo server is made from. */
export interface DemoOptions {
  /** Name of the page, as in `/demo/<page>`. */
  readonly page: string;
  /** Origin of the stream server, without a slash at the end. */
  readonly serverUrl: string;
  readonly config: DemoConfig;
  readonly clock?: Clock;
}

/** A server of demo pages only: the API is forwarded to a stream server that may be elsewhere. */
export async function createDemoApp(options: DemoOptions): Promise<Hono<AppEnv>> {
  const { page, serverUrl, config, clock = systemClock } = options;
  const app = new Hono<AppEnv>();
  let isReachable = true;
  app.use(securityHeaders(new OriginPolicy(["none"]), config.server_url));
  app.on(METHODS, "/v1/*", async (context) => {
    if (!isApiPath(new URL(context.req.url).pathname)) return context.notFound();
    try {
      const response = await forward(context, { serverUrl, clock });
      isReachable = true;
      return response;
    } catch (cause) {
      const detail = `the stream server ${serverUrl} cannot be reached (${reasonOf(cause)}); ` +
        "start it with: telefuser stream-serve <pipeline_file>, or name another with --server-url";
      if (isReachable) log.warn(detail);
      isReachable = false;
      throw new StreamError("server_unreachable", detail, { cause });
    }
  });
  const pages = await pageRoutes(config);
  app.get("/", () => pages.request(`/demo/${page}`));
  app.route("/", pages);
  answerFaults(app);
  return app;
}

/** Whether a path is below `/v1/` however the stream server reads it: an encoded slash could lead out again. */
function isApiPath(pathname: string): boolean {
  return pathname.startsWith("/v1/") && !/%2f|%5c/i.test(pathname);
}

/** Passes a request on; bodies are streamed both ways, redirects are passed back. */
async function forward(
  context: Context<AppEnv>,
  { serverUrl, clock }: { serverUrl: string; clock: Clock },
): Promise<Response> {
  const { raw } = context.req;
  const { pathname, search } = new URL(raw.url);
  const late = new AbortController();
  using _limit = clock.schedule(ANSWER_LIMIT, () => late.abort(new Error(`no answer within ${ANSWER_LIMIT} s`)));
  return await proxy(`${serverUrl}${pathname}${search}`, {
    raw,
    headers: { ...endToEnd(context.req.header()), "x-forwarded-for": forwardedFor(context) },
    redirect: "manual",
    signal: late.signal,
  });
}

/** For whom the request is made: the addresses it came with and the one it came from. */
function forwardedFor(context: Context<AppEnv>): string | undefined {
  const chain = [context.req.header("x-forwarded-for"), context.env?.remote].filter(Boolean);
  return chain.length === 0 ? undefined : chain.join(", ");
}

/** Headers that are for the next server only (RFC 9110, section 7.6.1), and the one that names this server. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "host",
]);

/** The headers that go on to the stream server. */
function endToEnd(headers: Readonly<Record<string, string>>): Record<string, string> {
  const named = new Set((headers.connection ?? "").toLowerCase().split(",").map((name) => name.trim()));
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name) && !named.has(name)));
}

/** The innermost reason: what `fetch` throws itself only says that it failed. */
function reasonOf(thrown: unknown): string {
  const inner = thrown instanceof Error ? thrown.cause : undefined;
  return inner === undefined ? messageOf(thrown) : reasonOf(inner);
}
