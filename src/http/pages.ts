import { Hono } from "hono";
import { cors } from "hono/cors";
import type { AppEnv } from "./services.ts";

const STATIC = new URL("../../static/", import.meta.url);

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** Pages by path. */
const PAGES: Readonly<Record<string, string>> = {
  "/": "index.html",
  "/demo/player": "player.html",
  "/demo/arrow": "arrow.html",
  "/demo/bidirectional": "bidirectional.html",
  "/favicon.ico": "favicon.svg",
};

/** What the demo pages begin with, in the words of the wire; what is absent has its default. */
export interface DemoConfig {
  /** Origin of the stream server; the page's own when empty. */
  readonly server_url?: string;
  readonly ice_servers?: readonly { urls: string | readonly string[]; username?: string; credential?: string }[];
  readonly ice_transport_policy?: "all" | "relay";
  /** How long a page waits for its candidates before it sends the offer, in milliseconds. */
  readonly ice_gather_timeout_ms?: number;
  readonly prompt?: string;
  readonly fps?: number;
}

/**
 * The demo pages, their options and the client library. Files are named by the folder's listing, never by the request; what
 * is no plain file, such as a link, is not there.
 *
 * @param demoConfig what `/demo/config.json` says
 * @param folder where the files are, with a slash at the end
 */
export async function pageRoutes(demoConfig: DemoConfig = {}, folder: URL = STATIC): Promise<Hono<AppEnv>> {
  const routes = new Hono<AppEnv>();
  const files = new Map<string, URL>();
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isFile) files.set(entry.name, new URL(encodeURIComponent(entry.name), folder));
  }
  for (const [path, name] of Object.entries(PAGES)) {
    routes.get(path, async () => await fileResponse(new URL(name, folder)));
  }
  routes.get("/demo/config.json", (context) => context.json(demoConfig, 200, { "Cache-Control": "no-cache" }));
  routes.use("/static/*", cors({ origin: "*" }));
  routes.get("/static/:name", async (context) => {
    const file = files.get(context.req.param("name"));
    return file === undefined ? context.notFound() : await fileResponse(file);
  });
  return routes;
}

async function fileResponse(url: URL): Promise<Response> {
  const extension = url.pathname.split(".").at(-1) ?? "";
  return new Response(await Deno.readFile(url), {
    headers: {
      "Content-Type": CONTENT_TYPES[extension] ?? "application/octet-stream",
      "Cache-Control": "no-cache",
    },
  });
}
