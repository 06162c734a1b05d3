import type { Clock } from "../async/mod.ts";
import { StreamError } from "../errors.ts";
import { DatagramSocket } from "./datagram_socket.ts";
import type { IceCredentials, IceSocket } from "./ice_socket.ts";
import { IceTcpPort } from "./ice_tcp_port.ts";
import { SharedUdpPort } from "./shared_udp_port.ts";

/** Which ports media may use. */
export interface MediaPortsOptions {
  /** One UDP port for all connections; 0 for one each. */
  readonly udpPort: number;
  /** Ports to take one of for each connection; null for any that is free. */
  readonly udpPortRange: { readonly first: number; readonly last: number } | null;
  /** One TCP port for all connections; 0 for none. */
  readonly tcpPort: number;
  /** Whether there is no way but a TURN relay: then no port is opened, whatever is said above. */
  readonly relayOnly?: boolean;
  /** Addresses under which viewers reach this machine, beside its own. */
  readonly publicIps: readonly string[];
  readonly clock: Clock;
}

/** A socket and the families whose addresses reach it. */
export interface BoundSocket {
  readonly socket: IceSocket;
  readonly families: readonly (4 | 6)[];
}

/** The UDP and TCP ports over which all connections of a server run. */
export class MediaPorts {
  readonly publicIps: readonly string[];
  /** Whether media go over TURN relays alone; then no socket of our own is given out. */
  readonly relayOnly: boolean;
  readonly #range: MediaPortsOptions["udpPortRange"];
  readonly #shared: SharedUdpPort | undefined;
  readonly #tcp: IceTcpPort | undefined;

  /** @throws StreamError `port_in_use` when a port that was asked for is taken */
  constructor(options: MediaPortsOptions) {
    const { udpPort, udpPortRange, tcpPort, publicIps, relayOnly = false, clock } = options;
    this.publicIps = publicIps;
    this.relayOnly = relayOnly;
    this.#range = udpPortRange;
    if (relayOnly) return;
    if (udpPort !== 0) this.#shared = bound("--udp-port", udpPort, () => new SharedUdpPort(udpPort));
    try {
      if (tcpPort !== 0) this.#tcp = bound("--tcp-port", tcpPort, () => new IceTcpPort({ port: tcpPort, clock }));
    } catch (error) {
      this.#shared?.close();
      throw error;
    }
  }

  /**
   * UDP sockets for one connection; none when media go over relays alone.
   *
   * @param families those of which this machine has an address
   * @throws StreamError `no_ice_candidates` when no port is free
   */
  openUdp(credentials: IceCredentials, families: readonly (4 | 6)[]): BoundSocket[] {
    if (this.relayOnly) return [];
    const shared = this.#shared;
    if (shared !== undefined) return [{ socket: shared.open(credentials), families: shared.isDual ? [4, 6] : [4] }];
    const opened: BoundSocket[] = [];
    for (const family of families) {
      const socket = this.#openOwn(family);
      if (socket !== null) opened.push({ socket, families: [family] });
    }
    if (opened.length > 0) return opened;
    const range = this.#range;
    throw new StreamError(
      "no_ice_candidates",
      range === null
        ? "no UDP port is free for this connection"
        : `all UDP ports from ${range.first} to ${range.last} are in use; widen --udp-port-range or set --udp-port`,
    );
  }

  /** The TCP connections of one peer; null when there is no TCP port. */
  openTcp(credentials: IceCredentials): BoundSocket | null {
    return this.#tcp === undefined ? null : { socket: this.#tcp.open(credentials), families: [4, 6] };
  }

  close(): void {
    this.#shared?.close();
    this.#tcp?.close();
  }

  #openOwn(family: 4 | 6): DatagramSocket | null {
    const range = this.#range;
    if (range === null) return tryBind(family, 0);
    const count = range.last - range.first + 1;
    const start = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
    for (let tried = 0; tried < count; tried++) {
      const socket = tryBind(family, range.first + (start + tried) % count);
      if (socket !== null) return socket;
    }
    return null;
  }
}

/** A socket on that port; null when the port is taken or the system has no such addresses. */
function tryBind(family: 4 | 6, port: number): DatagramSocket | null {
  try {
    return new DatagramSocket({ family, port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse || family === 6) return null;
    throw error;
  }
}

function bound<T>(...[flag, port, bind]: [flag: string, port: number, bind: () => T]): T {
  try {
    return bind();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AddrInUse)) throw cause;
    const detail = `port ${port} (${flag}) is in use; stop what listens there or choose another with ${flag}`;
    throw new StreamError("port_in_use", detail, { cause });
  }
}
