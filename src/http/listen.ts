import { StreamError } from "../errors.ts";

/**
 * Listens for HTTP.
 *
 * @throws StreamError `port_in_use`, or `invalid_config` when the address is not of this machine or not allowed
 */
export function listen(
  { host, port }: { host: string; port: number },
  answer: (request: Request, remote: string) => Response | Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname: host, port, onListen: () => undefined }, (request, info) => {
      return answer(request, info.remoteAddr.hostname);
    });
  } catch (cause) {
    if (cause instanceof Deno.errors.AddrInUse) {
      const detail = `port ${port} is in use; stop what listens there or choose another with --port`;
      throw new StreamError("port_in_use", detail, { cause });
    }
    if (cause instanceof Deno.errors.AddrNotAvailable || cause instanceof Deno.errors.PermissionDenied) {
      throw new StreamError("invalid_config", `cannot listen on ${host}:${port}: ${cause.message}`, { cause });
    }
    throw cause;
  }
}
