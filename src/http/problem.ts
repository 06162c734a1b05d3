import type { ContentfulStatusCode } from "hono/utils/http-status";
import { redact } from "../log.ts";

const TITLE: Partial<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** The body of every error (RFC 9457), with the `detail` that clients of this API show. */
export interface Problem {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: ContentfulStatusCode;
  readonly detail: string;
  readonly code: string;
  /** The input field at fault, when there is one. */
  readonly field?: string;
  /** Id of the log line, on unknown errors only. */
  readonly error_id?: string;
}

/** A problem with its title; secrets of the configuration are starred in what it says. */
export function problemOf(problem: Omit<Problem, "type" | "title">): Problem {
  const title = TITLE[problem.status] ?? "Error";
  return { type: "about:blank", title, ...problem, detail: redact(problem.detail) };
}
