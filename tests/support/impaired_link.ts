import { type Clock, systemClock } from "../../src/async/mod.ts";
import { ImpairedPath, type PathCounters, type PathSettings, type PathSlot } from "./impaired_path.ts";

/** Largest datagram that passes, in bytes. */
const RECEIVE_BYTES = 65_536;

/** A UDP address. */
export interface UdpAddress {
  readonly hostname: string;
  readonly port: number;
}

/** `up` is from the browser to the server, `down` from the server to the browser. */
export type Direction = "up" | "down";

/**
 * A bad network between browsers and a server on loopback. For each UDP address of the server there is one of the link,
 * on 127.0.0.1; datagrams sent there come out at the server from a port of their own for each sender, and answers go
 * back the same way. All of them share the two directions' queues and limits.
 */
export class ImpairedLink implements Disposable {
  /** Datagrams from the browser that get lost on top of what is lost at random. */
  losesUp: (datagram: Uint8Array) => boolean = () => false;
  readonly #paths: Readonly<Record<Direction, ImpairedPath>>;
  readonly #entrances = new Map<string, Entrance>();

  /** The same seed loses the same packets. */
  constructor({ clock = systemClock, seed = 1 }: { clock?: Clock; seed?: number } = {}) {
    this.#paths = { up: new ImpairedPath({ clock, seed }), down: new ImpairedPath({ clock, seed: seed + 1 }) };
  }

  /** Changes settings at once, of both directions or of one. */
  set(settings: Partial<PathSettings>, direction?: Direction): void {
    for (const name of direction === undefined ? ["up", "down"] as const : [direction]) {
      const path = this.#paths[name];
      path.settings = { ...path.settings, ...settings };
    }
  }

  counters(direction: Direction): PathCounters {
    return this.#paths[direction].counters;
  }

  /** The rate per tenth of a second, from the beginning on. */
  slots(direction: Direction): PathSlot[] {
    return this.#paths[direction].slots;
  }

  /** The address of the link that stands in for an address of the server; the same one each time. */
  standInFor(server: UdpAddress): UdpAddress {
    const key = keyOf(server);
    let entrance = this.#entrances.get(key);
    if (entrance === undefined) {
      entrance = new Entrance(server, { paths: this.#paths, losesUp: (datagram) => this.losesUp(datagram) });
      this.#entrances.set(key, entrance);
    }
    return entrance.address;
  }

  /**
   * Rewrites the candidates of an SDP or of an ICE fragment (RFC 8839, section 5.1) so that the link is the only way:
   * UDP candidates on 127.0.0.1 become those of the link, all others are left out.
   *
   * @throws Error when an SDP has candidates, but none of that kind; a fragment may bring others alone
   */
  rewrite(sdp: string): string {
    let found = 0;
    let kept = 0;
    const lines = sdp.split("\r\n").flatMap((line) => {
      if (!line.startsWith("a=candidate:")) return [line];
      found++;
      const fields = line.split(" ");
      const [, , protocol = "", , hostname = "", port = ""] = fields;
      if (protocol.toLowerCase() !== "udp" || hostname !== "127.0.0.1") return [];
      kept++;
      const address = this.standInFor({ hostname, port: Number(port) });
      return [[...fields.slice(0, 4), address.hostname, String(address.port), ...fields.slice(6)].join(" ")];
    });
    if (sdp.startsWith("v=0") && found > 0 && kept === 0) {
      throw new Error(`no UDP candidate on 127.0.0.1 among:\n${sdp}`);
    }
    return lines.join("\r\n");
  }

  [Symbol.dispose](): void {
    for (const path of Object.values(this.#paths)) path[Symbol.dispose]();
    for (const entrance of this.#entrances.values()) entrance.close();
  }
}

/** What all entrances of a link have in common. */
interface EntranceOptions {
  readonly paths: Readonly<Record<Direction, ImpairedPath>>;
  readonly losesUp: (datagram: Uint8Array) => boolean;
}

/** One address of the link, with a socket towards the server for each sender. */
class Entrance {
  readonly address: UdpAddress;
  readonly #server: UdpAddress;
  readonly #link: EntranceOptions;
  readonly #front: DatagramPort;
  readonly #backs = new Map<string, DatagramPort>();

  constructor(server: UdpAddress, link: EntranceOptions) {
    this.#server = server;
    this.#link = link;
    this.#front = new DatagramPort((data, client) => this.#goUp(data, client));
    this.address = { hostname: "127.0.0.1", port: this.#front.port };
  }

  close(): void {
    this.#front.close();
    for (const back of this.#backs.values()) back.close();
  }

  #goUp(data: Uint8Array, client: UdpAddress): void {
    const back = this.#backFor(client);
    if (this.#link.losesUp(data)) return;
    this.#link.paths.up.send(data.length, () => back.send(data, this.#server));
  }

  #backFor(client: UdpAddress): DatagramPort {
    const key = keyOf(client);
    const known = this.#backs.get(key);
    if (known !== undefined) return known;
    const back = new DatagramPort((data) => {
      this.#link.paths.down.send(data.length, () => this.#front.send(data, client));
    });
    this.#backs.set(key, back);
    return back;
  }
}

/** A UDP socket on a free port of loopback. */
class DatagramPort {
  readonly port: number;
  readonly #socket: Deno.DatagramConn;
  readonly #onData: (data: Uint8Array, from: UdpAddress) => void;
  #isClosed = false;

  constructor(onData: (data: Uint8Array, from: UdpAddress) => void) {
    this.#onData = onData;
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    this.port = (this.#socket.addr as Deno.NetAddr).port;
    void this.#receive();
  }

  send(data: Uint8Array, to: UdpAddress): void {
    if (this.#isClosed) return;
    this.#socket.send(data, { transport: "udp", hostname: to.hostname, port: to.port }).catch((error) => {
      if (!this.#isClosed) throw error;
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.close();
  }

  async #receive(): Promise<void> {
    const room = new Uint8Array(RECEIVE_BYTES);
    while (!this.#isClosed) {
      try {
        const [data, from] = await this.#socket.receive(room);
        this.#onData(data.slice(), from as Deno.NetAddr);
      } catch (error) {
        if (!this.#isClosed) throw error;
      }
    }
  }
}

function keyOf({ hostname, port }: UdpAddress): string {
  return `${hostname} ${port}`;
}
