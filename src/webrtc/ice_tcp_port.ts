import { type Clock, sleep } from "../async/mod.ts";
import { messageOf } from "../errors.ts";
import { Log } from "../log.ts";
import {
  type Address,
  type IceCredentials,
  type IceSocket,
  isSigned,
  isStun,
  isStunRequest,
  plainAddress,
} from "./ice_socket.ts";

const log = new Log("tcp");

/** Connections that may wait for their first connectivity check; beyond it the one that has waited longest goes. */
const MAX_UNKNOWN = 128;
/** Seconds that a connection has to send it. */
const INTRODUCTION_LIMIT = 10;
/** Bytes that may wait for a connection; what comes beyond is lost, as on any narrow way. */
const MAX_WAITING_BYTES = 512 * 1024;
/** Two bytes of length in front of every packet (RFC 4571, section 2). */
const LENGTH_BYTES = 2;

/**
 * One TCP port for all connections, for viewers whose network lets no UDP through (ICE-TCP, passive; RFC 6544). The first
 * packet on a connection must be a signed connectivity check, which says whose it is.
 */
export class IceTcpPort {
  readonly #clock: Clock;
  readonly #listener: Deno.TcpListener;
  readonly #users = new Set<TcpSocket>();
  readonly #unknown = new Set<Deno.TcpConn>();
  #closed = false;

  /** @throws Deno.errors.AddrInUse */
  constructor({ port, clock }: { port: number; clock: Clock }) {
    this.#clock = clock;
    this.#listener = bind(port);
    void this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** The connections that one peer makes to this port. */
  open(credentials: IceCredentials): IceSocket {
    const user: TcpSocket = new TcpSocket({ port: this.port, credentials, close: () => this.#users.delete(user) });
    this.#users.add(user);
    return user;
  }

  /** Stops listening and drops those that have not said who they are. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
    for (const connection of this.#unknown) connection.close();
    this.#unknown.clear();
  }

  async #accept(): Promise<void> {
    while (!this.#closed) {
      try {
        const connection = await this.#listener.accept();
        const [oldest] = this.#unknown;
        if (oldest !== undefined && this.#unknown.size >= MAX_UNKNOWN) this.#drop(oldest);
        void this.#introduce(connection);
      } catch (error) {
        if (this.#closed) return;
        // One connection that was gone before it was taken, or too many open files for a moment.
        log.debug(`a TCP connection was not taken: ${messageOf(error)}`);
        await sleep(this.#clock, 0.05);
      }
    }
  }

  async #introduce(connection: Deno.TcpConn): Promise<void> {
    this.#unknown.add(connection);
    using timer = this.#clock.schedule(INTRODUCTION_LIMIT, () => this.#drop(connection));
    const frames = readFrames(connection);
    try {
      const first = await frames.next();
      const frame = first.done === true ? undefined : first.value;
      const user = frame === undefined ? undefined : this.#userOf(frame);
      if (frame === undefined || user === undefined || !this.#unknown.delete(connection)) {
        return this.#drop(connection);
      }
      timer.cancel();
      connection.setNoDelay(true);
      await user.serve(connection, { first: frame, frames });
    } catch (error) {
      log.debug(`a TCP connection ended: ${messageOf(error)}`);
      this.#drop(connection);
    }
  }

  #userOf(frame: Buffer): TcpSocket | undefined {
    if (!isStun(frame) || !isStunRequest(frame)) return undefined;
    for (const user of this.#users) if (isSigned(frame, user.credentials())) return user;
    return undefined;
  }

  #drop(connection: Deno.TcpConn): void {
    this.#unknown.delete(connection);
    closeQuietly(connection);
  }
}

/** The TCP connections of one peer, behind the face of a socket. */
class TcpSocket implements IceSocket {
  readonly type = "tcp";
  readonly addressFamily = 0;
  readonly host = "0.0.0.0";
  readonly port: number;
  readonly credentials: IceCredentials;
  onData: (data: Buffer, address: Address) => void = () => undefined;
  readonly #close: () => void;
  readonly #connections = new Map<string, { connection: Deno.TcpConn; waiting: Promise<void>; bytes: number }>();
  #closed = false;

  constructor(options: { port: number; credentials: IceCredentials; close: () => void }) {
    this.port = options.port;
    this.credentials = options.credentials;
    this.#close = options.close;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get address(): { address: string; port: number; family: string } {
    return { address: this.host, port: this.port, family: "IPv4" };
  }

  /** Reads a connection to its end. */
  async serve(
    connection: Deno.TcpConn,
    { first, frames }: { first: Buffer; frames: AsyncGenerator<Buffer> },
  ): Promise<void> {
    const { hostname, port } = connection.remoteAddr;
    const address: Address = [plainAddress(hostname), port];
    const key = `${address[0]} ${port}`;
    if (this.#closed) return closeQuietly(connection);
    this.#connections.set(key, { connection, waiting: Promise.resolve(), bytes: 0 });
    try {
      this.onData(first, address);
      for await (const frame of frames) this.onData(frame, address);
    } finally {
      this.#connections.delete(key);
      closeQuietly(connection);
    }
  }

  send = (data: Uint8Array, [host, port]: Address): Promise<void> => {
    const entry = this.#connections.get(`${host} ${port}`);
    if (entry === undefined || entry.bytes > MAX_WAITING_BYTES) return Promise.resolve();
    const frame = new Uint8Array(LENGTH_BYTES + data.length);
    frame[0] = data.length >> 8;
    frame[1] = data.length;
    frame.set(data, LENGTH_BYTES);
    entry.bytes += frame.length;
    entry.waiting = entry.waiting.then(() => writeAll(entry.connection, frame)).then(
      () => void (entry.bytes -= frame.length),
      // A connection that cannot be written ends; reading sees that, and nothing more is sent on it.
      () => closeQuietly(entry.connection),
    );
    return entry.waiting;
  };

  close = (): Promise<void> => {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#close();
    for (const { connection } of this.#connections.values()) closeQuietly(connection);
    this.#connections.clear();
    return Promise.resolve();
  };
}

async function* readFrames(connection: Deno.TcpConn): AsyncGenerator<Buffer> {
  const room = new Uint8Array(16 * 1024);
  let rest = Buffer.alloc(0);
  for (let count = await connection.read(room); count !== null; count = await connection.read(room)) {
    let data = Buffer.concat([rest, room.subarray(0, count)]);
    while (data.length >= LENGTH_BYTES && data.length >= LENGTH_BYTES + data.readUInt16BE(0)) {
      const end = LENGTH_BYTES + data.readUInt16BE(0);
      if (end > LENGTH_BYTES) yield data.subarray(LENGTH_BYTES, end);
      data = data.subarray(end);
    }
    rest = data;
  }
}

async function writeAll(connection: Deno.TcpConn, frame: Uint8Array): Promise<void> {
  for (let at = 0; at < frame.length;) at += await connection.write(frame.subarray(at));
}

function bind(port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname: "::", port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw error;
    log.debug(`no IPv6 here: ${messageOf(error)}`);
    return Deno.listen({ hostname: "0.0.0.0", port });
  }
}

/** Closing twice is no fault: both sides may have been at it. */
function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
