import { createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type Clock, TaskScope } from "../async/mod.ts";
import { messageOf } from "../errors.ts";
import { Log } from "../log.ts";
import type { Certificate, CertificateFiles } from "./certificate.ts";
import { CertificateWatch } from "./certificate_watch.ts";
import { type Answer, type Listener, listenError, type Place } from "./listener.ts";
import { requestOf, sendResponse } from "./node_exchange.ts";

const log = new Log("tls");

/** Milliseconds for which a connection may idle; longer than proxies usually do, so that they close first. */
const KEEP_ALIVE_MS = 75_000;

/** What an HTTPS listener is made from. */
export interface HttpsOptions extends Place {
  readonly files: CertificateFiles;
  readonly clock: Clock;
}

/**
 * Listens for HTTPS; a renewed certificate is used for every handshake from then on, without touching a connection.
 *
 * @throws StreamError `port_in_use`, or `invalid_config` when certificate, key or address cannot be used
 */
export async function listenHttps({ host, port, files, clock }: HttpsOptions, answer: Answer): Promise<Listener> {
  const watch = new CertificateWatch({
    files,
    clock,
    onRenewed: ({ cert, key }) => listener.use({ cert, key }),
  });
  const { cert, key } = await watch.start();
  const listener = new HttpsListener({ cert, key, watch, answer });
  try {
    await listener.listen({ host, port });
    return listener;
  } catch (error) {
    await watch.stop();
    throw listenError(error, { host, port });
  }
}

class HttpsListener implements Listener {
  readonly #server: Server;
  readonly #watch: CertificateWatch;
  readonly #answer: Answer;
  readonly #answers = new TaskScope(log);
  readonly #sockets = new Set<Socket>();

  constructor({ cert, key, watch, answer }: Pair & { watch: CertificateWatch; answer: Answer }) {
    this.#watch = watch;
    this.#answer = answer;
    this.#server = createServer({ cert, key, keepAliveTimeout: KEEP_ALIVE_MS }, (incoming, outgoing) => {
      this.#answers.run("answering", () => this.#respond(incoming, outgoing));
    });
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("tlsClientError", (error) => log.debug(`a handshake failed: ${messageOf(error)}`));
  }

  get addr(): { readonly port: number } {
    return this.#server.address() as AddressInfo;
  }

  use(pair: Pair): void {
    this.#server.setSecureContext(pair);
  }

  async listen({ host, port }: Place): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject);
    this.#server.listen({ host, port }, resolve);
    await promise;
    this.#server.off("error", reject);
    this.#server.on("error", (error) => log.error(`listening: ${messageOf(error)}`));
  }

  async shutdown(): Promise<void> {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeIdleConnections();
    await this.#watch.stop();
    await this.#answers.settled();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #respond(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    try {
      const request = readRequest(incoming, outgoing);
      const response = request === undefined
        ? new Response("the request's address cannot be read\n", { status: 400 })
        : await this.#answer(request, incoming.socket.remoteAddress ?? "");
      await sendResponse(response, outgoing);
    } catch (error) {
      if (!outgoing.destroyed) throw error;
      log.debug(`the viewer went before its answer was out: ${messageOf(error)}`);
    }
  }
}

/** Certificate chain and key in PEM. */
type Pair = Pick<Certificate, "cert" | "key">;

function readRequest(incoming: IncomingMessage, outgoing: ServerResponse): Request | undefined {
  try {
    return requestOf(incoming, outgoing);
  } catch (error) {
    log.debug(`a request cannot be read: ${messageOf(error)}`);
    return undefined;
  }
}
