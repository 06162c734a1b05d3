import { messageOf } from "../errors.ts";
import { Log } from "../log.ts";
import { RECEIVE_BYTES } from "./datagram_socket.ts";
import {
  type Address,
  type IceCredentials,
  type IceSocket,
  isLoss,
  isSigned,
  isStun,
  isStunRequest,
  localFragmentOf,
  plainAddress,
  transactionOf,
} from "./ice_socket.ts";

const log = new Log("udp");

/** Requests of ours that may wait for an answer; older ones are forgotten first. */
const MAX_TRANSACTIONS = 512;

/**
 * One UDP port for all connections, in both families where the system has both. A packet finds its connection by the
 * address it comes from; a connectivity check by the username fragment it names, and if it is signed, its address belongs
 * to that connection from then on; an answer to a request of ours by its transaction.
 */
export class SharedUdpPort {
  readonly #socket: Deno.DatagramConn;
  readonly #isDual: boolean;
  readonly #users = new Set<SharedUdpSocket>();
  readonly #byAddress = new Map<string, SharedUdpSocket>();
  readonly #byTransaction = new Map<string, SharedUdpSocket>();
  #closed = false;

  /** @throws Deno.errors.AddrInUse */
  constructor(port: number) {
    const { socket, isDual } = bind(port);
    this.#socket = socket;
    this.#isDual = isDual;
    void this.#receive();
  }

  get port(): number {
    return (this.#socket.addr as Deno.NetAddr).port;
  }

  /** Whether it takes IPv6 as well. */
  get isDual(): boolean {
    return this.#isDual;
  }

  /** A socket on this port for one connection. */
  open(credentials: IceCredentials): IceSocket {
    const user: SharedUdpSocket = new SharedUdpSocket({
      port: this.port,
      isDual: this.#isDual,
      credentials,
      send: (data, address) => this.#send(user, { data, address }),
      close: () => this.#forget(user),
    });
    this.#users.add(user);
    return user;
  }

  /** Stops receiving; connections that are left hear nothing any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  async #send(user: SharedUdpSocket, { data, address }: { data: Uint8Array; address: Address }): Promise<void> {
    if (this.#closed) return;
    if (isStun(data) && isStunRequest(data)) this.#expectAnswer(user, data);
    const [host, port] = address;
    const hostname = this.#isDual && !host.includes(":") ? `::ffff:${host}` : host;
    try {
      await this.#socket.send(data, { transport: "udp", hostname, port });
    } catch (error) {
      if (!isLoss(error) && !this.#closed) throw error;
    }
  }

  #expectAnswer(user: SharedUdpSocket, data: Uint8Array): void {
    this.#byTransaction.set(transactionOf(data), user);
    if (this.#byTransaction.size <= MAX_TRANSACTIONS) return;
    const oldest = this.#byTransaction.keys().next();
    if (oldest.done === false) this.#byTransaction.delete(oldest.value);
  }

  async #receive(): Promise<void> {
    const room = new Uint8Array(RECEIVE_BYTES);
    while (!this.#closed) {
      try {
        const [data, from] = await this.#socket.receive(room);
        const { hostname, port } = from as Deno.NetAddr;
        this.#route(Buffer.from(data), [plainAddress(hostname), port]);
      } catch (error) {
        if (this.#closed || isLoss(error)) continue;
        log.error(`the UDP port ${this.port} failed, nobody can connect any more: ${messageOf(error)}`);
        return this.close();
      }
    }
  }

  #route(data: Buffer, address: Address): void {
    const key = keyOf(address);
    if (!isStun(data)) return this.#byAddress.get(key)?.onData(data, address);
    if (!isStunRequest(data)) {
      const transaction = transactionOf(data);
      const user = this.#byTransaction.get(transaction);
      this.#byTransaction.delete(transaction);
      return user?.onData(data, address);
    }
    const user = this.#userOf(data);
    if (user === undefined) return;
    const before = this.#byAddress.get(key);
    if (before !== user) {
      if (!isSigned(data, user.credentials())) return;
      before?.addresses.delete(key);
      this.#byAddress.set(key, user);
      user.addresses.add(key);
    }
    user.onData(data, address);
  }

  #userOf(check: Uint8Array): SharedUdpSocket | undefined {
    const fragment = localFragmentOf(check);
    if (fragment === undefined) return undefined;
    for (const user of this.#users) if (Object.hasOwn(user.credentials(), fragment)) return user;
    return undefined;
  }

  #forget(user: SharedUdpSocket): void {
    this.#users.delete(user);
    for (const key of user.addresses) this.#byAddress.delete(key);
    for (const [transaction, owner] of this.#byTransaction) {
      if (owner === user) this.#byTransaction.delete(transaction);
    }
  }
}

/** One connection's share of the port. */
class SharedUdpSocket implements IceSocket {
  readonly type = "udp";
  readonly addressFamily: 0 | 4;
  readonly host = "0.0.0.0";
  readonly port: number;
  readonly credentials: IceCredentials;
  /** Where packets for this connection come from. */
  readonly addresses = new Set<string>();
  onData: (data: Buffer, address: Address) => void = () => undefined;
  readonly #send: (data: Uint8Array, address: Address) => Promise<void>;
  readonly #close: () => void;
  #closed = false;

  constructor(options: {
    port: number;
    isDual: boolean;
    credentials: IceCredentials;
    send: (data: Uint8Array, address: Address) => Promise<void>;
    close: () => void;
  }) {
    this.port = options.port;
    this.addressFamily = options.isDual ? 0 : 4;
    this.credentials = options.credentials;
    this.#send = options.send;
    this.#close = options.close;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get address(): { address: string; port: number; family: string } {
    return { address: this.host, port: this.port, family: "IPv4" };
  }

  send = async (data: Uint8Array, address: Address): Promise<void> => {
    if (!this.#closed) await this.#send(data, address);
  };

  close = (): Promise<void> => {
    if (!this.#closed) {
      this.#closed = true;
      this.#close();
    }
    return Promise.resolve();
  };
}

/** A socket for both families if the system has IPv6, else for IPv4. */
function bind(port: number): { socket: Deno.DatagramConn; isDual: boolean } {
  try {
    return { socket: Deno.listenDatagram({ transport: "udp", hostname: "::", port }), isDual: true };
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw error;
    log.debug(`no IPv6 here: ${messageOf(error)}`);
    return { socket: Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port }), isDual: false };
  }
}

function keyOf([host, port]: Address): string {
  return `${host} ${port}`;
}
