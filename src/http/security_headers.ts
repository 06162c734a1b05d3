import type { MiddlewareHandler } from "hono";
import type { OriginPolicy } from "./origin_policy.ts";
import type { AppEnv } from "./services.ts";

/** What pages may do with the device: ask for camera and microphone, and what players need. */
const PERMISSIONS = [
  "camera=(self)",
  "microphone=(self)",
  "autoplay=(self)",
  "fullscreen=(self)",
  "clipboard-write=(self)",
  "gamepad=(self)",
  ...["display-capture", "geolocation", "midi", "payment", "serial", "usb"].map((name) => `${name}=()`),
].join(", ");

/**
 * Headers that keep a browser from doing with an answer what it is not meant for. There is no
 * `Strict-Transport-Security`: it holds for every port of a host, so that one server with TLS on `localhost` or on a
 * machine of a local network would lock its neighbours out; a proxy with a name of its own may add it.
 *
 * @param serverUrl the stream server that the pages use, if it is another one
 */
export function securityHeaders(policy: OriginPolicy, serverUrl?: string): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    await next();
    const { headers } = context.res;
    const isPage = headers.get("content-type")?.startsWith("text/html") === true;
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Referrer-Policy", "no-referrer");
    if (isPage) {
      const servers = [serverUrl, context.req.query("server")].flatMap(sourceOf);
      headers.set("Content-Security-Policy", pagePolicy({ servers, embedders: policy.named }));
      headers.set("Permissions-Policy", PERMISSIONS);
    } else {
      // What is no page runs nothing anyway: its type says so, and nosniff holds a browser to it.
      headers.set("Content-Security-Policy", "frame-ancestors 'none'");
      if (context.req.path.startsWith("/v1/")) headers.set("Cache-Control", "no-store");
    }
  };
}

/** What a page may load and talk to: its own files, its own server, and the one that its address names. */
function pagePolicy({ servers, embedders }: { servers: readonly string[]; embedders: readonly string[] }): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "media-src 'self' blob:",
    `connect-src ${["'self'", ...servers].join(" ")}`,
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${["'self'", ...embedders].join(" ")}`,
  ].join("; ");
}

/** How a policy names a server: `scheme://host`, or only the host where the page's own scheme is meant. */
function sourceOf(server: string | undefined): string[] {
  if (server === undefined || server === "") return [];
  const hasScheme = /^https?:\/\//.test(server);
  const text = hasScheme ? server : `http://${server}`;
  const { host, origin } = URL.canParse(text) ? new URL(text) : { host: "", origin: "" };
  if (!/^[\w.:[\]-]+$/.test(host)) return [];
  return [hasScheme ? origin : host];
}
