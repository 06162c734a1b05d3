import { messageOf, StreamError } from "../errors.ts";

/** Answers a request; `remote` is the address it came from. */
export type Answer = (request: Request, remote: string) => Response | Promise<Response>;

/** Something that listens. */
export interface Listener {
  readonly addr: { readonly port: number };
  /** Stops listening; resolves when requests under way are answered. */
  shutdown(): Promise<void>;
}

/** Where to listen. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** What listening threw, by `Deno` or by `node:net`, in words; anything unknown as it is. */
export function listenError(cause: unknown, { host, port }: Place): unknown {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (cause instanceof Deno.errors.AddrInUse || code === "EADDRINUSE") {
    const detail = `port ${port} is in use; stop what listens there or choose another with --port`;
    return new StreamError("port_in_use", detail, { cause });
  }
  const refused = cause instanceof Deno.errors.AddrNotAvailable || cause instanceof Deno.errors.PermissionDenied;
  if (refused || code === "EADDRNOTAVAIL" || code === "EINVAL" || code === "EACCES") {
    return new StreamError("invalid_config", `cannot listen on ${host}:${port}: ${messageOf(cause)}`, { cause });
  }
  return cause;
}
