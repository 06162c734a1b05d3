import { type Context, Hono } from "hono";
import { proxy } from "hono/proxy";
import { type Clock, systemClock } from "../async/mod.ts";
import { messageOf, StreamError } from "../errors.ts";
import { Log } from "../log.ts";
import { errorResponse, problemResponse } from "./error_response.ts";
import { type DemoConfig, pageRoutes } from "./pages.ts";
import type { AppEnv } from "./services.ts";

const log = new Log("demo");

/** Seconds until the stream server must have begun to answer; creating a session alone may take it 30. */
const ANSWER_LIMIT = 35;

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
  app.all("/v1/*", async (context) => {
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
  app.get("/", (context) => context.redirect(`/demo/${page}`));
  app.route("/", await pageRoutes(config));
  app.onError((error, context) => errorResponse(context, error));
  app.notFound((context) => {
    const detail = `there is no ${context.req.method} ${context.req.path}`;
    return problemResponse(context, { status: 404, detail, code: "route_not_found" });
  });
  return app;
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
    headers: { ...endToEnd(context.req.header()), "x-forwarded-for": context.env?.remote },
    redirect: "manual",
    signal: late.signal,
  });
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
