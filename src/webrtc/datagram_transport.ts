import type { RTCIceTransport } from "werift";
import { messageOf } from "../errors.ts";
import { Log } from "../log.ts";

const log = new Log("udp");

/** Largest datagram that is taken in, in bytes. */
const RECEIVE_BYTES = 4096;

/** Host and port. */
type Address = readonly [string, number];

/** The parts of werift's ICE agent used here; they are public there but not in its exported types. */
interface IceConnectionInternals {
  ensureProtocol(protocol: StunProtocolInternals): void;
}

interface StunProtocolInternals {
  readonly type: string;
  transport: DatagramTransport;
  connectionMade(useIpv4: boolean): Promise<void>;
  datagramReceived(data: Buffer, address: Address): void;
}

/**
 * A UDP socket of Deno's own in the place of werift's, which goes through the Node compatibility layer and costs twice
 * as much per datagram.
 */
export class DatagramTransport {
  readonly type = "udp";
  onData: (data: Buffer, address: Address) => void = () => undefined;
  closed = false;
  readonly #socket: Deno.DatagramConn;
  readonly #isIpv4: boolean;

  constructor(options: { ipv4: boolean }) {
    this.#isIpv4 = options.ipv4;
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname: options.ipv4 ? "0.0.0.0" : "::", port: 0 });
    void this.#receive();
  }

  get address(): { address: string; port: number; family: string } {
    const { hostname, port } = this.#socket.addr as Deno.NetAddr;
    return { address: hostname, port, family: this.#isIpv4 ? "IPv4" : "IPv6" };
  }

  get addressFamily(): 4 | 6 {
    return this.#isIpv4 ? 4 : 6;
  }

  get host(): string {
    return this.address.address;
  }

  get port(): number {
    return this.address.port;
  }

  /** Sends one datagram. One that the system refuses is lost, as any datagram may be. */
  send = async (data: Uint8Array, address: Address): Promise<void> => {
    if (this.closed) return;
    try {
      await this.#socket.send(data, { transport: "udp", hostname: address[0], port: address[1] });
    } catch (error) {
      if (!isLoss(error)) throw error;
    }
  };

  close = (): Promise<void> => {
    if (!this.closed) {
      this.closed = true;
      this.#socket.close();
    }
    return Promise.resolve();
  };

  async #receive(): Promise<void> {
    const room = new Uint8Array(RECEIVE_BYTES);
    while (!this.closed) {
      try {
        const [data, from] = await this.#socket.receive(room);
        const { hostname, port } = from as Deno.NetAddr;
        this.onData(Buffer.from(data), [hostname, port]);
      } catch (error) {
        if (this.closed || isLoss(error)) continue;
        // A socket that cannot be read any more is one on which nothing is heard: the silence watchdog ends the session.
        log.warn(`a UDP socket failed: ${messageOf(error)}`);
        return await this.close();
      }
    }
  }
}

/** Has an ICE transport gather its UDP candidates on sockets of this kind. */
export function useDatagramTransport(transport: RTCIceTransport): void {
  const connection = transport.connection as unknown as IceConnectionInternals;
  const ensure = connection.ensureProtocol.bind(connection);
  connection.ensureProtocol = (protocol) => {
    if (protocol.type === "stun") {
      protocol.connectionMade = (useIpv4) => {
        protocol.transport = new DatagramTransport({ ipv4: useIpv4 });
        protocol.transport.onData = (data, address) => protocol.datagramReceived(data, address);
        return Promise.resolve();
      };
    }
    ensure(protocol);
  };
}

/** Refusals that say something about the way or the other side, not about the socket. */
function isLoss(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NetworkUnreachable ||
    error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.InvalidData ||
    (error instanceof Error && /os error (11|90|101|105|113)/.test(error.message));
}
