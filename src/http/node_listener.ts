import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { type Clock, TaskScope, type Timer } from "../async/mod.ts";
import { messageOf } from "../errors.ts";
import { Log } from "../log.ts";
import type { Certificate, CertificateFiles } from "./certificate.ts";
import { CertificateWatch } from "./certificate_watch.ts";
import { type Answer, type Listener, listenError, type Place } from "./listener.ts";
import { requestOf, sendResponse } from "./node_exchange.ts";
import { type Problem, problemOf } from "./problem.ts";

const log = new Log("http");

/** Milliseconds for which a connection may idle; longer than proxies usually do, so that they close first. */
const KEEP_ALIVE_MS = 75_000;
/** Bytes of all headers of a request together, its first line included. */
const MAX_HEADER_BYTES = 16 * 1024;
/** Connections at once, far below the files that a process may have open. */
const MAX_CONNECTIONS = 1000;
/** Milliseconds between two looks for requests that come too slowly. */
const SLOW_CHECK_MS = 500;
/** Seconds for which the rest of a body that nobody wants is let come in; ended at once, the answer could be lost. */
const LINGER = 1;

/** What no request of the web platform can have as its method (Fetch Standard, forbidden methods). */
const UNSPEAKABLE = new Set(["CONNECT", "TRACE", "TRACK"]);
/** What some path or other may be asked with. */
const METHODS = "GET, HEAD, POST, PATCH, DELETE, OPTIONS";

/** What a listener is made from. */
export interface NodeListenerOptions extends Place {
  readonly clock: Clock;
  /** Longest time in seconds for the headers of a request, for its body, for a handshake and for taking an answer. */
  readonly timeout: number;
  /** Connections at once; for one more, that which has waited longest without asking anything is closed. */
  readonly maxConnections?: number;
}

/**
 * Listens for HTTP.
 *
 * @throws StreamError `port_in_use`, or `invalid_config` when the address cannot be used
 */
export async function listenHttp(options: NodeListenerOptions, answer: Answer): Promise<Listener> {
  const server = createHttpServer(serverOptions(options));
  const listener = new NodeListener(server, { ...options, answer });
  try {
    await listener.listen(options);
    return listener;
  } catch (error) {
    throw listenError(error, options);
  }
}

/**
 * Listens for HTTPS; a renewed certificate is used for every handshake from then on, without touching a connection.
 *
 * @throws StreamError `port_in_use`, or `invalid_config` when certificate, key or address cannot be used
 */
export async function listenHttps(
  { files, ...options }: NodeListenerOptions & { readonly files: CertificateFiles },
  answer: Answer,
): Promise<Listener> {
  const { clock, timeout } = options;
  const watch = new CertificateWatch({
    files,
    clock,
    onRenewed: (certificate) => server.setSecureContext(pem(certificate)),
  });
  const certificate = await watch.start();
  const server: HttpsServer = createHttpsServer({
    ...serverOptions(options),
    ...pem(certificate),
    handshakeTimeout: timeout * 1000,
  });
  server.on("tlsClientError", (error) => log.debug(`a handshake failed: ${messageOf(error)}`));
  const listener = new NodeListener(server, { ...options, answer, watch });
  try {
    await listener.listen(options);
    return listener;
  } catch (error) {
    await watch.stop();
    throw listenError(error, options);
  }
}

/** Limits that the server of Node's API holds by itself; the body of a request may take as long again as its headers. */
function serverOptions({ timeout }: NodeListenerOptions) {
  return {
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: timeout * 1000,
    requestTimeout: timeout * 2000,
    connectionsCheckingInterval: SLOW_CHECK_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
}

function pem({ cert, key }: Certificate) {
  return { cert, key };
}

/** A connection as TCP sees it, and how many of its requests are being answered. */
interface Connection {
  readonly socket: Socket;
  answering: number;
}

class NodeListener implements Listener {
  readonly #server: Server | HttpsServer;
  readonly #watch: CertificateWatch | undefined;
  readonly #answer: Answer;
  readonly #clock: Clock;
  readonly #maxConnections: number;
  readonly #answers = new TaskScope(log);
  /** Open connections by where they come from, that which has waited longest first. */
  readonly #connections = new Map<string, Connection>();
  readonly #lingering = new Set<Timer>();

  constructor(
    server: Server | HttpsServer,
    { answer, clock, timeout, watch, maxConnections = MAX_CONNECTIONS }: NodeListenerOptions & {
      answer: Answer;
      watch?: CertificateWatch;
    },
  ) {
    this.#server = server;
    this.#watch = watch;
    this.#answer = answer;
    this.#clock = clock;
    this.#maxConnections = maxConnections;
    server.timeout = timeout * 1000;
    server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
      this.#answers.run("answering", () => this.#respond(incoming, outgoing));
    });
    server.on("connection", (socket: Socket) => this.#connected(socket));
    server.on("clientError", refuse);
    server.on("timeout", (socket: Socket) => {
      if (socket.writableLength > 0) socket.destroy();
    });
  }

  get addr(): { readonly port: number } {
    return this.#server.address() as AddressInfo;
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
    await this.#watch?.stop();
    await this.#answers.settled();
    for (const timer of this.#lingering) timer.cancel();
    for (const { socket } of this.#connections.values()) socket.destroy();
    await closed;
  }

  #connected(socket: Socket): void {
    if (this.#connections.size >= this.#maxConnections) this.#makeRoom();
    const name = nameOf(socket);
    this.#connections.set(name, { socket, answering: 0 });
    socket.once("close", () => this.#connections.delete(name));
  }

  /** Closes the connection that has waited longest and asks nothing, so that clients who only wait keep nobody out. */
  #makeRoom(): void {
    for (const [name, { socket, answering }] of this.#connections) {
      if (answering > 0) continue;
      this.#connections.delete(name);
      socket.destroy();
      return;
    }
  }

  async #respond(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const name = nameOf(incoming.socket);
    this.#count(name, 1);
    try {
      await sendResponse(await this.#answerTo(incoming, outgoing), outgoing);
      if (!incoming.complete) this.#linger(incoming);
    } catch (error) {
      if (!outgoing.destroyed) throw error;
      log.debug(`the viewer went before its answer was out: ${messageOf(error)}`);
    } finally {
      this.#count(name, -1);
    }
  }

  async #answerTo(incoming: IncomingMessage, outgoing: ServerResponse): Promise<Response> {
    const { method = "" } = incoming;
    if (UNSPEAKABLE.has(method)) {
      const detail = `there is nothing to ${method} here`;
      return problemAnswer(problemOf({ status: 405, code: "method_not_allowed", detail }), { Allow: METHODS });
    }
    let request: Request;
    try {
      request = requestOf(incoming, outgoing);
    } catch (error) {
      log.debug(`a request cannot be read: ${messageOf(error)}`);
      return problemAnswer(
        problemOf({ status: 400, code: "invalid_request", detail: "the request's address cannot be read" }),
      );
    }
    try {
      return await this.#answer(request, incoming.socket.remoteAddress ?? "");
    } catch (error) {
      log.error(`answering failed: ${messageOf(error)}`, { method: request.method });
      return problemAnswer(
        problemOf({ status: 500, code: "internal_error", detail: "unexpected error; the server's log says more" }),
      );
    }
  }

  /** Moves a connection behind those that wait longer, with so many more requests that are being answered. */
  #count(name: string, more: number): void {
    const connection = this.#connections.get(name);
    if (connection === undefined) return;
    connection.answering += more;
    this.#connections.delete(name);
    this.#connections.set(name, connection);
  }

  /** Ends a connection whose client goes on sending a body after its answer. */
  #linger(incoming: IncomingMessage): void {
    const timer = this.#clock.schedule(LINGER, () => {
      this.#lingering.delete(timer);
      if (!incoming.complete) incoming.socket.destroy();
    });
    this.#lingering.add(timer);
    incoming.once("close", () => {
      timer.cancel();
      this.#lingering.delete(timer);
    });
  }
}

/** The same for a connection and for TLS over it, which Node has as two sockets. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Answers what is no request, or comes too slowly, as far as nothing was answered yet, and closes the connection. */
function refuse(
  error: Error & { readonly code?: string },
  socket: Socket & { _httpMessage?: ServerResponse | null },
): void {
  log.debug(`a request was refused: ${error.code ?? messageOf(error)}`);
  if (!socket.writable || socket._httpMessage?.headersSent === true) return void socket.destroy();
  const { status, title, ...rest } = problemOf(refusalOf(error.code));
  const body = JSON.stringify({ title, status, ...rest });
  const head = `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json\r\nConnection: close\r\n`;
  socket.end(`${head}Content-Length: ${body.length}\r\n\r\n${body}`, () => socket.destroy());
}

function refusalOf(code: string | undefined): Omit<Problem, "type" | "title"> {
  if (code === "HPE_HEADER_OVERFLOW") {
    return { status: 431, code: "headers_too_large", detail: `the headers have more than ${MAX_HEADER_BYTES} bytes` };
  }
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return {
      status: 408,
      code: "request_timeout",
      detail: "the request took too long to come (--http-timeout-seconds)",
    };
  }
  return { status: 400, code: "invalid_request", detail: "what came is no HTTP request" };
}

function problemAnswer(problem: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { "Content-Type": "application/problem+json", "X-Content-Type-Options": "nosniff", ...headers },
  });
}
