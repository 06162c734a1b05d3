import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { IceSocket } from "../../../src/webrtc/ice_socket.ts";
import { SharedUdpPort } from "../../../src/webrtc/shared_udp_port.ts";
import { untilUdpPortFree } from "../../support/udp_ports.ts";
import { BINDING_RESPONSE, connectivityCheck, stunPacket } from "../support/stun_packets.ts";

const PASSWORDS = { first: "password of the first one", second: "password of the second one" };
/** Longest wait for a packet on loopback, in milliseconds. */
const LIMIT_MS = 3000;

interface Packet {
  readonly data: Buffer;
  readonly from: readonly [string, number];
}

/** One connection on the port, with everything that came for it. */
interface User {
  readonly socket: IceSocket;
  readonly packets: Packet[];
}

/** A viewer's socket on loopback. */
class Far implements Disposable {
  readonly socket: Deno.DatagramConn;
  readonly #to: Deno.NetAddr;

  constructor(port: number, hostname = "127.0.0.1") {
    this.socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    this.#to = { transport: "udp", hostname, port };
  }

  get address(): [string, number] {
    const { hostname, port } = this.socket.addr as Deno.NetAddr;
    return [hostname, port];
  }

  async send(data: Uint8Array | string): Promise<void> {
    await this.socket.send(Buffer.from(data), this.#to);
  }

  async receive(): Promise<Buffer> {
    const [data] = await this.socket.receive();
    return Buffer.from(data);
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }
}

/** A port with two connections on it. */
class Setup implements Disposable {
  readonly port = new SharedUdpPort(0);
  readonly first = this.open("first");
  readonly second = this.open("second");

  open(name: keyof typeof PASSWORDS): User {
    const socket = this.port.open(() => ({ [name]: PASSWORDS[name] }));
    const packets: Packet[] = [];
    socket.onData = (data, from) => packets.push({ data, from });
    return { socket, packets };
  }

  /** Waits until all that was sent before has been routed: packets on loopback keep their order. */
  async drained(): Promise<void> {
    using far = new Far(this.port.port);
    const last = this.port.open(() => ({ last: "password" }));
    const { promise, resolve } = Promise.withResolvers<void>();
    last.onData = () => resolve();
    await far.send(connectivityCheck({ local: "last", password: "password" }));
    const timer = setTimeout(() => resolve(), LIMIT_MS);
    await promise;
    clearTimeout(timer);
    await last.close();
  }

  [Symbol.dispose](): void {
    this.port.close();
  }
}

const check = (name: keyof typeof PASSWORDS) => connectivityCheck({ local: name, password: PASSWORDS[name] });
const texts = ({ packets }: User) => packets.map(({ data }) => data.toString());

Deno.test("two connections on one port: checks go to the one they name, media to whose address it is", async () => {
  using setup = new Setup();
  const { port, first, second } = setup;
  using a = new Far(port.port);
  using b = new Far(port.port);
  await a.send(check("first"));
  await b.send(check("second"));
  await setup.drained();
  await a.send("media of a");
  await b.send("media of b");
  await setup.drained();
  assert.deepEqual(texts(first), [check("first").toString(), "media of a"]);
  assert.deepEqual(texts(second), [check("second").toString(), "media of b"]);
  assert.deepEqual(first.packets[1]?.from, a.address);
  assert.equal(first.socket.port, port.port);
  assert.equal(second.socket.address.port, port.port);
});

Deno.test("media of strangers, unsigned checks and checks for nobody reach no one", async () => {
  using setup = new Setup();
  const { port, first, second } = setup;
  using far = new Far(port.port);
  await far.send("media before any check");
  await far.send(connectivityCheck({ local: "first" }));
  await far.send(connectivityCheck({ local: "first", password: PASSWORDS.second }));
  await far.send(connectivityCheck({ local: "nobody", password: PASSWORDS.first }));
  await far.send(connectivityCheck({ local: "__proto__", password: "undefined" }));
  await far.send(stunPacket());
  await far.send(check("first").subarray(0, 30));
  await far.send("");
  await far.send("media after them");
  await setup.drained();
  assert.deepEqual([texts(first), texts(second)], [[], []]);
});

Deno.test("an unsigned check takes no address away from the connection that has it", async () => {
  using setup = new Setup();
  const { port, first, second } = setup;
  using far = new Far(port.port);
  await far.send(check("first"));
  await far.send(connectivityCheck({ local: "second" }));
  await far.send("media");
  await setup.drained();
  assert.deepEqual(texts(first).at(-1), "media");
  assert.deepEqual(texts(second), []);
});

Deno.test("a signed check from another address brings that one along, and from another's address takes it over", async () => {
  using setup = new Setup();
  const { port, first, second } = setup;
  using a = new Far(port.port);
  using moved = new Far(port.port);
  await a.send(check("first"));
  await moved.send(check("first"));
  await moved.send("from elsewhere");
  await a.send("from before");
  await setup.drained();
  assert.deepEqual(texts(first).slice(2), ["from elsewhere", "from before"]);
  await a.send(check("second"));
  await a.send("for the second now");
  await setup.drained();
  assert.deepEqual(texts(second).slice(1), ["for the second now"]);
  await first.socket.close();
  await a.send("still for the second");
  await setup.drained();
  assert.deepEqual(texts(second).slice(2), ["still for the second"], "closing the first does not forget it");
});

Deno.test("an answer goes to the connection that asked, once, and unasked answers to nobody", async () => {
  using setup = new Setup();
  const { port, first, second } = setup;
  using far = new Far(port.port);
  const transaction = "a1a2a3a4a5a6a7a8a9aaabac";
  await second.socket.send(stunPacket({ transaction }), far.address);
  assert.deepEqual(await far.receive(), stunPacket({ transaction }));
  const answer = stunPacket({ type: BINDING_RESPONSE, transaction });
  await far.send(answer);
  await far.send(answer);
  await far.send(stunPacket({ type: BINDING_RESPONSE, transaction: "b1b2b3b4b5b6b7b8b9babbbc" }));
  await setup.drained();
  assert.deepEqual(second.packets.map(({ data }) => data), [answer]);
  assert.deepEqual(first.packets, []);
});

Deno.test("requests that nobody answers are forgotten, the oldest first", async () => {
  using setup = new Setup();
  const { port, first } = setup;
  using far = new Far(port.port);
  const transaction = (index: number) => index.toString(16).padStart(24, "0");
  for (let index = 0; index <= 512; index++) {
    await first.socket.send(stunPacket({ transaction: transaction(index) }), far.address);
  }
  for (const index of [0, 1, 512]) {
    await far.send(stunPacket({ type: BINDING_RESPONSE, transaction: transaction(index) }));
  }
  await setup.drained();
  const answered = first.packets.map(({ data }) => data.subarray(8, 20).toString("hex"));
  assert.deepEqual(answered, [transaction(1), transaction(512)]);
});

Deno.test("a connection that is closed is forgotten: its address, its name and what it asked", async () => {
  using setup = new Setup();
  const { port, first, second } = setup;
  using far = new Far(port.port);
  await far.send(check("first"));
  await setup.drained();
  const transaction = "c1c2c3c4c5c6c7c8c9cacbcc";
  await first.socket.send(stunPacket({ transaction }), far.address);
  assert.equal(first.socket.closed, false);
  await first.socket.close();
  await first.socket.close();
  assert.equal(first.socket.closed, true);
  await far.send("media");
  await far.send(check("first"));
  await far.send(stunPacket({ type: BINDING_RESPONSE, transaction }));
  await setup.drained();
  assert.equal(first.packets.length, 1);
  await first.socket.send(Buffer.from("nothing"), far.address);
  await second.socket.send(Buffer.from("something"), far.address);
  await far.receive();
  assert.equal((await far.receive()).toString(), "something", "a closed one sends nothing");
});

Deno.test("IPv4 over a dual-stack socket is seen and written as IPv4, both ways; IPv6 too", async () => {
  using setup = new Setup();
  const { port, first } = setup;
  for (const hostname of port.isDual ? ["127.0.0.1", "::1"] : ["127.0.0.1"]) {
    using far = new Far(port.port, hostname);
    await far.send(check("first"));
    await setup.drained();
    assert.deepEqual(first.packets.at(-1)?.from, far.address);
    await first.socket.send(Buffer.from(`to ${hostname}`), far.address);
    assert.equal((await far.receive()).toString(), `to ${hostname}`);
  }
});

Deno.test("what cannot be sent is lost, and the port goes on", async () => {
  using setup = new Setup();
  const { port, first } = setup;
  using far = new Far(port.port);
  await first.socket.send(Buffer.alloc(70_000), far.address);
  await first.socket.send(Buffer.from("to nobody"), ["127.0.0.1", 9]);
  await first.socket.send(Buffer.from("a name"), ["255.255.255.255", 9]);
  await far.send(check("first"));
  await setup.drained();
  assert.equal(first.packets.length, 1);
});

Deno.test("the port is taken while it is open, and free when it is closed", async () => {
  const port = new SharedUdpPort(0);
  assert.throws(() => new SharedUdpPort(port.port), Deno.errors.AddrInUse);
  const number = port.port;
  port.close();
  port.close();
  await untilUdpPortFree(number);
  new SharedUdpPort(number).close();
});
