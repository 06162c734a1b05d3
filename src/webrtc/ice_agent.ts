import { Candidate, candidateFoundation, candidatePriority, serverReflexiveCandidate, StunProtocol } from "werift";
import type { RTCIceTransport } from "werift";
import { type Clock, withTimeLimit } from "../async/mod.ts";
import { messageOf, StreamError } from "../errors.ts";
import { isWorthLogging, type Log } from "../log.ts";
import { hostAddresses } from "./host_addresses.ts";
import { type IceServer, readIceServerUrl } from "./ice_server.ts";
import { type Address, isSigned, isStun, isStunRequest } from "./ice_socket.ts";
import type { BoundSocket, MediaPorts } from "./media_ports.ts";
import { MAX_CANDIDATES } from "./sdp_lines.ts";
import { openRelay } from "./turn_relay.ts";

/** Characters of our username fragments: 48 bits, so that those of one port are distinct (RFC 8445, section 5.3). */
const FRAGMENT_BYTES = 6;
/** State of a pair whose check was answered. */
const SUCCEEDED = 3;

const NOTHING_SENT = Promise.resolve();

/** What the agent is made with. */
export interface IceAgentOptions {
  readonly transport: RTCIceTransport;
  readonly ports: MediaPorts;
  readonly servers: readonly IceServer[];
  /** Whether the viewer is on this machine, so that loopback addresses help. */
  readonly loopback: boolean;
  /** Seconds that a STUN or TURN server has to answer. */
  readonly serverLimit: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** What names one end of an ICE session (RFC 8445, section 5.3). */
export interface IceParameters {
  readonly usernameFragment: string;
  readonly password: string;
}

/** The parts of werift's ICE agent used here; they are there but not in its exported types. */
interface Connection {
  localUsername: string;
  localPassword: string;
  userHistory: Record<string, string>;
  generation: number;
  localCandidates: Candidate[];
  readonly remoteCandidates: readonly Candidate[];
  localCandidatesStart: boolean;
  localCandidatesEnd: boolean;
  nominated: Pair | undefined;
  checkList: Pair[];
  protocols: Protocol[];
  gatherCandidates(): Promise<void>;
  restart(): Promise<void>;
  ensureProtocol(protocol: Protocol): void;
  pairLocalProtocol(protocol: Protocol): void;
  appendLocalCandidate(candidate: Candidate): void;
  addRemoteCandidate(candidate: Candidate): Promise<void>;
  queryConsent(): void;
  setState(state: "completed"): void;
  canSendApplicationData(): boolean;
  send(data: Buffer): Promise<void>;
}

interface Pair {
  readonly protocol: Protocol;
  readonly remoteAddr: Address;
  readonly state: number;
  nominated: boolean;
}

type Protocol = Pick<StunProtocol, "localIp" | "localCandidate" | "request" | "onDataReceived" | "sendData"> & object;

/**
 * What ICE does beyond werift's connectivity checks: gathers candidates on the ports of this server, in both families,
 * with its public addresses; drops checks that are not signed; follows the viewer when it sends from another address;
 * restarts (RFC 8445, section 9).
 */
export class IceAgent {
  readonly #options: IceAgentOptions;
  readonly #connection: Connection;
  readonly #abort = new AbortController();
  /** Candidates of this end, in the order in which they came up; after a restart they are told again. */
  readonly #candidates: Candidate[] = [];
  #gathering: Promise<void> | undefined;
  #failure: unknown;
  #told = 0;
  /** Whether it has been logged that the viewer has too many candidates. */
  #hasOverflowed = false;

  constructor(options: IceAgentOptions) {
    this.#options = options;
    const connection = this.#connection = options.transport.connection as unknown as Connection;
    const restart = connection.restart.bind(connection);
    connection.restart = async () => {
      const before = connection.userHistory;
      await restart();
      this.#rename(before);
    };
    connection.gatherCandidates = () => this.#gather();
    connection.send = (data) => this.#send(data);
    this.#rename({});
  }

  /** What the viewer checks us with. */
  get parameters(): IceParameters {
    const { localUsername, localPassword } = this.#connection;
    return { usernameFragment: localUsername, password: localPassword };
  }

  /** Candidates, as `a=` values, that have come up since they were last taken (RFC 8839, section 5.1). */
  takeCandidates(): string[] {
    const fresh = this.#candidates.slice(this.#told);
    this.#told = this.#candidates.length;
    return fresh.map((candidate) => `candidate:${candidate.toSdp()}`);
  }

  /** Why there are no candidates of ours, if there are none but those over TCP. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Resolves when everything has been gathered. */
  async gathered(): Promise<void> {
    await this.#gathering;
  }

  /**
   * Adds a candidate of the viewer's, as an `a=` value. One that cannot be used is passed over, one that is there already, and
   * those beyond 100 of one ICE session: each is paired with all of ours.
   */
  async add(line: string): Promise<void> {
    const text = line.replace(/^candidate:/, "");
    const [, component, , , host = ""] = text.split(" ");
    // Names of mDNS take seconds to look up, and are found by the viewer's own checks anyhow.
    if (component !== "1" || host.endsWith(".local")) return;
    try {
      const candidate = Candidate.fromSdp(text);
      if (this.#isWanted(candidate)) await this.#connection.addRemoteCandidate(candidate);
    } catch (error) {
      this.#options.log.debug(`a candidate was passed over: ${messageOf(error)}`);
    }
  }

  /**
   * Begins again with new parameters on both sides, over the same ports; resolves when our candidates are there. Media stop
   * until the new checks are through.
   */
  async restart(remote: IceParameters): Promise<void> {
    const { transport, log } = this.#options;
    transport.setRemoteParams({ iceLite: false, ...remote });
    this.#told = 0;
    await transport.gather();
    transport.start().catch((error) => log.debug(`ICE did not come up after a restart: ${messageOf(error)}`));
  }

  /** Gives up servers that have not answered. */
  close(): void {
    this.#abort.abort();
  }

  /** Whether a candidate is new; a restart forgets those there were. What the viewer's checks come from does not count. */
  #isWanted({ type, transport, host, port }: Candidate): boolean {
    const known = this.#connection.remoteCandidates.filter((one) => one.type !== "prflx");
    const isKnown = known.some((one) => {
      return one.port === port && one.host === host && one.type === type && one.transport === transport;
    });
    if (isKnown) return false;
    if (known.length < MAX_CANDIDATES) return true;
    if (!this.#hasOverflowed) {
      this.#hasOverflowed = true;
      this.#options.log.warn(`the viewer has more than ${MAX_CANDIDATES} ICE candidates; the others are passed over`);
    }
    return false;
  }

  /** As werift's, without its two asynchronous functions for each packet. */
  #send(data: Buffer): Promise<void> {
    const { nominated } = this.#connection;
    if (nominated === undefined || !this.#connection.canSendApplicationData()) return NOTHING_SENT;
    return nominated.protocol.sendData(data, nominated.remoteAddr);
  }

  /** Own names: werift's have 16 bits, too few to tell a hundred connections on one port apart. */
  #rename(before: Record<string, string>): void {
    const connection = this.#connection;
    connection.localUsername = crypto.getRandomValues(new Uint8Array(FRAGMENT_BYTES)).toHex();
    connection.userHistory = { ...before, [connection.localUsername]: connection.localPassword };
    for (const { localCandidate } of connection.protocols) {
      if (localCandidate !== undefined) localCandidate.ufrag = connection.localUsername;
    }
  }

  /** Host candidates come at once, so that checks can begin; those of servers follow. A relay alone is waited for. */
  #gather(): Promise<void> {
    const connection = this.#connection;
    if (connection.localCandidatesStart) return Promise.resolve();
    connection.localCandidatesStart = true;
    for (const candidate of this.#candidates) {
      candidate.generation = connection.generation;
      candidate.ufrag = connection.localUsername;
      connection.appendLocalCandidate(candidate);
    }
    this.#gathering ??= this.#gatherAll();
    connection.localCandidatesEnd = true;
    connection.setState("completed");
    if (!this.#options.ports.relayOnly) return Promise.resolve();
    const { clock, serverLimit } = this.#options;
    return withTimeLimit(clock, serverLimit, this.#gathering).then(() => undefined);
  }

  async #gatherAll(): Promise<void> {
    const { ports, loopback } = this.#options;
    if (ports.relayOnly) this.#failure = noRelay("none answers");
    const addresses = [...ports.publicIps, ...hostAddresses(), ...(loopback ? ["127.0.0.1"] : [])];
    const families = ([4, 6] as const).filter((family) => addresses.some((address) => familyOf(address) === family));
    const credentials = () => this.#connection.userHistory;
    const tcp = ports.openTcp(credentials);
    if (tcp !== null) this.#host(tcp, addresses);
    const udp: StunProtocol[] = [];
    try {
      udp.push(...ports.openUdp(credentials, families).map((bound) => this.#host(bound, addresses)));
    } catch (error) {
      this.#failure = error;
    }
    await Promise.all([...udp.map((protocol) => this.#askStun(protocol)), this.#askTurn()]);
  }

  /** Makes the candidates of one socket: one for each address that reaches it. */
  #host({ socket, families }: BoundSocket, addresses: readonly string[]): StunProtocol {
    const connection = this.#connection;
    const protocol = new StunProtocol();
    const isTcp = socket.type === "tcp";
    protocol.transport = socket as unknown as StunProtocol["transport"];
    protocol.sendData = (data, address) => socket.closed ? NOTHING_SENT : socket.send(data, address);
    socket.onData = (data, address) => this.#receive(protocol, { data, address });
    connection.ensureProtocol(protocol);
    const reachable = addresses.filter((address) => families.includes(familyOf(address)));
    for (const [index, address] of reachable.entries()) {
      const candidate = new Candidate(
        candidateFoundation("host", isTcp ? "tcp" : "udp", address),
        1,
        isTcp ? "tcp" : "udp",
        // The first addresses are the ones that are meant to be reached.
        candidatePriority(
          "host",
          isTcp ? { transport: "tcp", tcptype: "passive", otherPreference: 8191 - index } : 65535 - index,
        ),
        address,
        socket.port,
        "host",
        undefined,
        undefined,
        isTcp ? "passive" : undefined,
        connection.generation,
        connection.localUsername,
      );
      if (index === 0) {
        protocol.localIp = address;
        protocol.localCandidate = candidate;
        connection.protocols.push(protocol);
        connection.pairLocalProtocol(protocol);
      }
      this.#append(candidate);
    }
    return protocol;
  }

  #append(candidate: Candidate): void {
    this.#candidates.push(candidate);
    this.#connection.appendLocalCandidate(candidate);
  }

  #receive(protocol: StunProtocol, { data, address }: { data: Buffer; address: Address }): void {
    if (isStun(data)) {
      if (isStunRequest(data) && !isSigned(data, this.#connection.userHistory)) return;
    } else {
      this.#follow(protocol, address);
    }
    (protocol as unknown as { datagramReceived(data: Buffer, address: Address): void }).datagramReceived(data, address);
  }

  /** The viewer sends from elsewhere, over a way that has been checked: from now on we answer there. */
  #follow(protocol: Protocol, [host, port]: Address): void {
    const connection = this.#connection;
    const { nominated } = connection;
    if (nominated === undefined) return;
    const [presentHost, presentPort] = nominated.remoteAddr;
    if (nominated.protocol === protocol && presentPort === port && presentHost === host) return;
    const pair = connection.checkList.find((one) => {
      return one.protocol === protocol && one.state === SUCCEEDED && one.remoteAddr[0] === host &&
        one.remoteAddr[1] === port;
    });
    if (pair === undefined) return;
    pair.nominated = true;
    connection.nominated = pair;
    connection.queryConsent();
  }

  async #askStun(protocol: StunProtocol): Promise<void> {
    const { servers, clock, serverLimit } = this.#options;
    const local = protocol.localCandidate;
    // Who has a public address needs no server to tell it.
    if (local === undefined || this.#options.ports.publicIps.length > 0) return;
    const asked = servers.flatMap(({ urls }) => readIceServerUrl(urls) ?? []).filter(({ kind }) => kind === "stun");
    await Promise.all(asked.map(async ({ address }) => {
      const mapped = await withTimeLimit(clock, serverLimit, mappedAddress(protocol, address));
      if (mapped === "timeout" || mapped === null) return;
      const [host, port] = mapped;
      if (this.#candidates.some((one) => one.host === host && one.port === port)) return;
      this.#append(
        new Candidate(
          candidateFoundation("srflx", "udp", local.host),
          1,
          "udp",
          candidatePriority("srflx"),
          host,
          port,
          "srflx",
          local.host,
          local.port,
          undefined,
          this.#connection.generation,
          this.#connection.localUsername,
        ),
      );
    }));
  }

  async #askTurn(): Promise<void> {
    const { servers, ports, serverLimit: limit, clock, log } = this.#options;
    const { relay, faults } = await openRelay({ servers, limit, clock, signal: this.#abort.signal });
    for (const [url, fault] of faults) reportFault(log, { url, fault });
    if (relay === null) {
      const all = [...faults].map(([url, fault]) => `${url}: ${fault}`).join("; ");
      if (ports.relayOnly && all !== "") this.#failure = noRelay(all);
      return;
    }
    const connection = this.#connection;
    const [host, port] = relay.turn.relayedAddress;
    // Where relays are all there is, nobody learns our address (RFC 8839, section 5.1).
    const [relatedHost, relatedPort] = ports.relayOnly ? ["0.0.0.0", 9] as const : relay.turn.mappedAddress;
    connection.ensureProtocol(relay as unknown as Protocol);
    connection.protocols.push(relay as unknown as Protocol);
    const candidate = relay.localCandidate = new Candidate(
      candidateFoundation("relay", "udp", host),
      1,
      "udp",
      candidatePriority("relay"),
      host,
      port,
      "relay",
      relatedHost,
      relatedPort,
      undefined,
      connection.generation,
      connection.localUsername,
    );
    connection.pairLocalProtocol(relay as unknown as Protocol);
    this.#append(candidate);
  }
}

function noRelay(fault: string): StreamError {
  const detail = `no TURN server gives this server an address, and --relay-only leaves it no other way: ${fault}`;
  return new StreamError("no_ice_candidates", detail);
}

/** Faults by server, so that a wrong password is told once in a while and not with every viewer. */
const faultCounts = new Map<string, number>();

function reportFault(log: Log, { url, fault }: { url: string; fault: string }): void {
  const times = (faultCounts.get(url) ?? 0) + 1;
  faultCounts.set(url, times);
  if (isWorthLogging(times)) log.warn(`the TURN server ${url} gives no address: ${fault}`, { times });
}

/** Where a STUN server sees our packets come from; null when it does not say. */
async function mappedAddress(protocol: StunProtocol, server: Address): Promise<Address | null> {
  const candidate = await serverReflexiveCandidate(protocol, [...server]);
  return candidate === undefined ? null : [candidate.host, candidate.port];
}

function familyOf(address: string): 4 | 6 {
  return address.includes(":") ? 6 : 4;
}
