import type { Clock } from "../async/mod.ts";
import { type CertificateFiles, certificateFiles } from "./certificate.ts";
import type { Answer, Listener, Place } from "./listener.ts";
import { listenHttp, listenHttps } from "./node_listener.ts";

/** Seconds for each part of an exchange where nothing is configured. */
const DEFAULT_TIMEOUT = 15;

/** Where to listen, with which certificate, and for how long to wait for slow clients. */
export interface ListenConfig extends Place, CertificateFiles {
  /** Longest time in seconds for the headers of a request, for its body, for a handshake and for taking an answer. */
  readonly httpTimeoutSeconds?: number;
}

/**
 * Listens for HTTPS when certificate and key are configured, else for HTTP.
 *
 * @throws StreamError `port_in_use`, or `invalid_config` when the address, the certificate or the key cannot be used
 */
export async function listenAsConfigured(
  { config, clock }: { config: ListenConfig; clock: Clock },
  answer: Answer,
): Promise<Listener> {
  const { host, port, httpTimeoutSeconds: timeout = DEFAULT_TIMEOUT } = config;
  const files = certificateFiles(config);
  if (files === undefined) return await listenHttp({ host, port, timeout, clock }, answer);
  return await listenHttps({ host, port, timeout, clock, files }, answer);
}
