import type { MiddlewareHandler } from "hono";
import { StreamError } from "../errors.ts";
import type { AppEnv } from "./services.ts";

/** Which web pages may use the API: what `corsOrigins` says. */
export class OriginPolicy {
  readonly #origins: ReadonlySet<string>;
  /** Whether pages of every origin may use it. */
  readonly isOpen: boolean;

  constructor(corsOrigins: readonly string[]) {
    this.isOpen = corsOrigins.includes("*");
    this.#origins = new Set(corsOrigins.filter((origin) => origin !== "*" && origin !== "none"));
  }

  /** The origins that are named, in the order of the configuration. */
  get named(): readonly string[] {
    return [...this.#origins];
  }

  /** What `Access-Control-Allow-Origin` says to a page of that origin; undefined for nothing. */
  allowed(origin: string): string | undefined {
    if (this.isOpen) return "*";
    return this.#origins.has(origin) ? origin : undefined;
  }

  /**
   * Refuses what a page of another origin sends. Answers that it cannot read are not enough: a request without a preflight
   * would have its effect all the same. Requests without `Origin` come from programs, or are reading ones of the page's own
   * server, which a name that an attacker points at this machine (DNS rebinding) is not; therefore the names count by which
   * the server is called, too.
   *
   * @throws StreamError `origin_refused`, `host_refused`
   */
  check(request: Request): void {
    if (this.isOpen) return;
    const { origin: own, hostname, host } = new URL(request.url);
    if (!isAddress(hostname) && ![...this.#origins].some((origin) => new URL(origin).hostname === hostname)) {
      const detail = `the server is not called ${host} here; add the origin of its pages to --cors-origins`;
      throw new StreamError("host_refused", detail);
    }
    const origin = request.headers.get("origin");
    if (origin === null || origin === own || this.#origins.has(origin)) return;
    throw new StreamError("origin_refused", `pages of ${origin} may not use this server (--cors-origins)`);
  }
}

/** Holds a policy for the routes behind it. */
export function onlyAllowedOrigins(policy: OriginPolicy): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    policy.check(context.req.raw);
    await next();
  };
}

/** Whether a host is an address or this machine by name, which no name server can point elsewhere. */
function isAddress(hostname: string): boolean {
  return /^[\d.]+$/.test(hostname) || hostname.startsWith("[") || /^(.+\.)?localhost$/.test(hostname);
}
