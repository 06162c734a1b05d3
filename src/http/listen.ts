import type { Clock } from "../async/mod.ts";
import { type CertificateFiles, certificateFiles } from "./certificate.ts";
import { listenHttps } from "./https_listener.ts";
import { type Answer, type Listener, listenError, type Place } from "./listener.ts";

/**
 * Listens for HTTPS when certificate and key are configured, else for HTTP.
 *
 * @throws StreamError `port_in_use`, or `invalid_config` when the address, the certificate or the key cannot be used
 */
export async function listenAsConfigured(
  { config, clock }: { config: Place & CertificateFiles; clock: Clock },
  answer: Answer,
): Promise<Listener> {
  const files = certificateFiles(config);
  if (files === undefined) return listen(config, answer);
  return await listenHttps({ host: config.host, port: config.port, files, clock }, answer);
}

/**
 * Listens for HTTP.
 *
 * @throws StreamError `port_in_use`, or `invalid_config` when the address is not of this machine or not allowed
 */
export function listen({ host, port }: Place, answer: Answer): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname: host, port, onListen: () => undefined }, (request, info) => {
      return answer(request, info.remoteAddr.hostname);
    });
  } catch (cause) {
    throw listenError(cause, { host, port });
  }
}
