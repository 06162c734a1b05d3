import { messageOf } from "../errors.ts";
import { Log } from "../log.ts";
import { type Address, type IceSocket, isLoss } from "./ice_socket.ts";

const log = new Log("udp");

/** Largest datagram that is taken in, in bytes. */
export const RECEIVE_BYTES = 4096;

const sent = () => undefined;

/**
 * A UDP socket of Deno's own in the place of werift's, which goes through the Node compatibility layer and costs twice
 * as much per datagram.
 */
export class DatagramSocket implements IceSocket {
  readonly type = "udp";
  onData: (data: Buffer, address: Address) => void = () => undefined;
  readonly addressFamily: 4 | 6;
  readonly #socket: Deno.DatagramConn;
  #closed = false;

  /** @throws Deno.errors.AddrInUse when that port is taken */
  constructor({ family, port }: { family: 4 | 6; port: number }) {
    this.addressFamily = family;
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname: family === 4 ? "0.0.0.0" : "::", port });
    void this.#receive();
  }

  get closed(): boolean {
    return this.#closed;
  }

  get address(): { address: string; port: number; family: string } {
    const { hostname, port } = this.#socket.addr as Deno.NetAddr;
    return { address: hostname, port, family: `IPv${this.addressFamily}` };
  }

  get host(): string {
    return this.address.address;
  }

  get port(): number {
    return this.address.port;
  }

  send = (data: Uint8Array, [hostname, port]: Address): Promise<void> => {
    if (this.#closed) return Promise.resolve();
    return this.#socket.send(data, { transport: "udp", hostname, port }).then(sent, this.#refused);
  };

  #refused = (error: unknown): void => {
    if (!isLoss(error) && !this.#closed) throw error;
  };

  close = (): Promise<void> => {
    if (!this.#closed) {
      this.#closed = true;
      this.#socket.close();
    }
    return Promise.resolve();
  };

  async #receive(): Promise<void> {
    const room = new Uint8Array(RECEIVE_BYTES);
    while (!this.#closed) {
      try {
        const [data, from] = await this.#socket.receive(room);
        const { hostname, port } = from as Deno.NetAddr;
        this.onData(Buffer.from(data), [hostname, port]);
      } catch (error) {
        if (this.#closed || isLoss(error)) continue;
        // A socket that cannot be read any more is one on which nothing is heard: the silence watchdog ends the session.
        log.warn(`a UDP socket failed: ${messageOf(error)}`);
        return await this.close();
      }
    }
  }
}
