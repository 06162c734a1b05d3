/** Listeners on 127.0.0.1 that keep what comes, as text. */
export class Listeners implements AsyncDisposable {
  readonly unix: string;
  readonly #answer: string;
  readonly #tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #udp = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly #own = new Map<string, Deno.DatagramConn>();
  readonly #unix: Deno.UnixListener;
  readonly #http: Deno.HttpServer<Deno.NetAddr>;
  readonly #connections = new Set<Deno.Conn>();
  #received = "";

  private constructor({ unix, answer }: { unix: string; answer: string }) {
    this.unix = unix;
    this.#answer = answer;
    this.#unix = Deno.listen({ transport: "unix", path: unix });
    void this.#accept(this.#tcp);
    void this.#accept(this.#unix);
    void this.#take(this.#udp, () => "");
    this.#http = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
      (request) => this.#serve(request),
    );
  }

  /** Opens them. `answer` is what the HTTP server's modules export. */
  static open(options: { unix: string; answer: string }): Promise<Listeners> {
    return Promise.resolve(new Listeners(options));
  }

  get http(): string {
    return `http://127.0.0.1:${this.#http.addr.port}`;
  }

  get tcp(): number {
    return (this.#tcp.addr as Deno.NetAddr).port;
  }

  get udp(): number {
    return (this.#udp.addr as Deno.NetAddr).port;
  }

  /** Opens a UDP port for one attempt alone, whose packets cannot be told from others by what is in them. */
  ownPort(id: string): number {
    const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    this.#own.set(id, socket);
    void this.#take(socket, () => `knock ${id}\n`);
    return (socket.addr as Deno.NetAddr).port;
  }

  /** Whether something came to the attempt's own port. */
  hasKnocked(id: string): boolean {
    return this.#received.includes(`knock ${id}\n`);
  }

  /** Whether a mark came, wherever it did. */
  hasReceived(mark: string): boolean {
    return this.#received.includes(mark);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [this.#tcp, this.#unix, this.#udp, ...this.#own.values()]) socket.close();
    const connections = [...this.#connections];
    this.#connections.clear();
    for (const connection of connections) connection.close();
    await this.#http.shutdown();
  }

  #serve(request: Request): Response {
    this.#received += `${request.url}\n`;
    if (request.headers.get("upgrade") === "websocket") {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onopen = () => socket.close();
      return response;
    }
    if (!new URL(request.url).pathname.endsWith(".ts")) return new Response("not here", { status: 404 });
    const headers = { "content-type": "application/typescript", "access-control-allow-origin": "*" };
    return new Response(`export default ${JSON.stringify(this.#answer)};`, { headers });
  }

  async #accept(listener: Deno.Listener<Deno.Conn>): Promise<void> {
    for await (const connection of listener) {
      this.#connections.add(connection);
      void this.#read(connection);
    }
  }

  async #read(connection: Deno.Conn): Promise<void> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(4096);
    try {
      for (let size = await connection.read(buffer); size !== null; size = await connection.read(buffer)) {
        this.#received += decoder.decode(buffer.subarray(0, size));
      }
    } catch (error) {
      this.#received += `broken: ${String(error)}\n`;
    }
    if (this.#connections.delete(connection)) connection.close();
  }

  async #take(socket: Deno.DatagramConn, note: () => string): Promise<void> {
    const decoder = new TextDecoder();
    for await (const [bytes] of socket) this.#received += `${note()}${decoder.decode(bytes)}\n`;
  }
}
