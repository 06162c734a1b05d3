import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { IceSocket } from "../../../src/webrtc/ice_socket.ts";
import { IceTcpPort } from "../../../src/webrtc/ice_tcp_port.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { BINDING_RESPONSE, connectivityCheck, stunPacket } from "../support/stun_packets.ts";

const PASSWORD = "password of the only one";
const CHECK = connectivityCheck({ local: "ours", password: PASSWORD });
/** Longest wait for a packet on loopback, in milliseconds. */
const LIMIT_MS = 3000;

/** A packet with its length in front (RFC 4571, section 2). */
function frame(packet: Uint8Array | string): Buffer {
  const data = Buffer.from(packet);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(data.length);
  return Buffer.concat([length, data]);
}

/** A port with one connection behind it, whose packets are kept. */
class Setup implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly port = new IceTcpPort({ port: 0, clock: this.clock });
  readonly socket: IceSocket = this.port.open(() => ({ ours: PASSWORD }));
  readonly packets: { data: Buffer; from: readonly [string, number] }[] = [];
  readonly #connections: Deno.TcpConn[] = [];

  constructor() {
    this.socket.onData = (data, from) => void this.packets.push({ data, from });
  }

  async connect(hostname = "127.0.0.1"): Promise<Deno.TcpConn> {
    const connection = await Deno.connect({ hostname, port: this.port.port });
    this.#connections.push(connection);
    return connection;
  }

  /** Waits until that many packets have come. */
  async received(count: number): Promise<string[]> {
    await eventually(() => this.packets.length >= count);
    return this.packets.map(({ data }) => data.toString());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.socket.close();
    this.port.close();
    for (const connection of this.#connections) {
      try {
        connection.close();
      } catch (error) {
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

async function eventually(holds: () => boolean): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!holds()) {
    if (performance.now() > end) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function write(connection: Deno.TcpConn, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length;) at += await connection.write(data.subarray(at));
}

/** Reads one frame. */
async function readFrame(connection: Deno.TcpConn): Promise<Buffer> {
  const length = Buffer.from(await readExactly(connection, 2)).readUInt16BE(0);
  return Buffer.from(await readExactly(connection, length));
}

async function readExactly(connection: Deno.TcpConn, length: number): Promise<Uint8Array> {
  const data = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await connection.read(data.subarray(at));
    assert.notEqual(count, null, "the connection ended");
    at += count ?? 0;
  }
  return data;
}

/** Whether the other side closes the connection within the limit without sending anything. */
async function isClosed(connection: Deno.TcpConn): Promise<boolean> {
  const timer = setTimeout(() => connection.close(), LIMIT_MS);
  try {
    return await connection.read(new Uint8Array(1)) === null;
  } catch (error) {
    return error instanceof Deno.errors.ConnectionReset;
  } finally {
    clearTimeout(timer);
  }
}

Deno.test("packets come whole however the stream is cut", async () => {
  await using setup = new Setup();
  const expected = [CHECK.toString(), "one", "x".repeat(40_000), "three"];
  const stream = Buffer.concat([frame(CHECK), frame("one"), frame(""), frame("x".repeat(40_000)), frame("three")]);
  const cuts = [[stream.length], [
    1,
    2,
    3,
    CHECK.length + 1,
    CHECK.length + 3,
    CHECK.length + 8,
    30_000,
    stream.length,
  ]];
  for (const ends of cuts) {
    setup.packets.length = 0;
    const connection = await setup.connect();
    connection.setNoDelay(true);
    let begin = 0;
    for (const end of ends) {
      await write(connection, stream.subarray(begin, end));
      await new Promise((resolve) => setTimeout(resolve, 5));
      begin = end;
    }
    assert.deepEqual(await setup.received(expected.length), expected);
    const { hostname, port } = connection.localAddr;
    assert.deepEqual(setup.packets[0]?.from, [hostname, port]);
  }
});

Deno.test("packets go out framed, in order, to the connection that the address names", async () => {
  await using setup = new Setup();
  const [a, b] = [await setup.connect(), await setup.connect()];
  for (const one of [a, b]) await write(one, frame(CHECK));
  await setup.received(2);
  const addressOf = ({ localAddr }: Deno.TcpConn) => [localAddr.hostname, localAddr.port] as const;
  void setup.socket.send(Buffer.from("first"), addressOf(a));
  void setup.socket.send(Buffer.from("second"), addressOf(a));
  void setup.socket.send(Buffer.from("other"), addressOf(b));
  await setup.socket.send(Buffer.from("nobody"), ["127.0.0.1", 9]);
  assert.equal((await readFrame(a)).toString(), "first");
  assert.equal((await readFrame(a)).toString(), "second");
  assert.equal((await readFrame(b)).toString(), "other");
});

Deno.test("who begins with anything but a signed check is closed and heard by nobody", async (context) => {
  await using setup = new Setup();
  const beginnings: readonly [string, Buffer][] = [
    ["text", frame("hello")],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n".padEnd(0x4745 + 2))],
    ["unsigned", frame(connectivityCheck({ local: "ours" }))],
    ["wrong password", frame(connectivityCheck({ local: "ours", password: "another" }))],
    ["unknown fragment", frame(connectivityCheck({ local: "theirs", password: PASSWORD }))],
    ["an answer", frame(stunPacket({ type: BINDING_RESPONSE, password: PASSWORD }))],
    ["cut short", frame(CHECK.subarray(0, 40))],
  ];
  for (const [name, bytes] of beginnings) {
    await context.step(name, async () => {
      const connection = await setup.connect();
      await write(connection, Buffer.concat([bytes, frame(CHECK)]));
      assert.equal(await isClosed(connection), true);
      assert.deepEqual(setup.packets, []);
    });
  }
  assert.equal(setup.clock.pending, 0, "no timer is left");
});

Deno.test("who says nothing is closed after ten seconds, who said it at once is not", async () => {
  await using setup = new Setup();
  const known = await setup.connect();
  await write(known, frame(CHECK));
  await setup.received(1);
  const silent = await setup.connect();
  await write(silent, frame(CHECK).subarray(0, 20));
  await eventually(() => setup.clock.pending === 1);
  await setup.clock.advance(9.9);
  assert.equal(setup.clock.pending, 1, "not before its time");
  await setup.clock.advance(0.2);
  assert.equal(await isClosed(silent), true);
  await write(known, frame("still here"));
  assert.equal((await setup.received(2))[1], "still here");
});

Deno.test("no more than 128 may wait to be known; the one that has waited longest makes room, so that silent ones keep nobody out", async () => {
  await using setup = new Setup();
  const silent: Deno.TcpConn[] = [];
  for (let count = 1; count <= 128; count++) {
    silent.push(await setup.connect());
    await eventually(() => setup.clock.pending === count);
  }
  assert.equal(setup.clock.pending, 128);
  const viewer = await setup.connect();
  const [oldest, ...others] = silent;
  assert.ok(oldest !== undefined);
  assert.equal(await isClosed(oldest), true);
  assert.equal(setup.clock.pending, 128);
  await write(viewer, frame(CHECK));
  assert.equal((await setup.received(1)).length, 1);
  await eventually(() => setup.clock.pending === 127);
  for (const one of others) await write(one, frame(CHECK));
  assert.equal((await setup.received(128)).length, 128, "the others were left alone");
});

Deno.test("a slow reader has no more than half a megabyte waiting for it; what comes beyond is lost", async () => {
  await using setup = new Setup();
  const slow = await setup.connect();
  await write(slow, frame(CHECK));
  await setup.received(1);
  const address = [slow.localAddr.hostname, slow.localAddr.port] as const;
  const packet = new Uint8Array(60_000);
  let isWaiting = false;
  let accepted = 0;
  // The system takes some megabytes; then sends wait, and beyond the limit they come back at once.
  for (let count = 0; count < 2000; count++) {
    let isDone = false;
    void setup.socket.send(packet, address).then(() => void (isDone = true));
    await Promise.resolve();
    await Promise.resolve();
    if (isDone && isWaiting) break; // No system call is as quick as that.
    await new Promise((resolve) => setImmediate(resolve));
    if (count % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    if (!isDone) isWaiting = true;
    accepted++;
  }
  assert.ok(isWaiting && accepted < 2000, `${accepted} packets were taken`);
  let read = 0;
  const count = accepted;
  for (let index = 0; index < count; index++) read += (await readFrame(slow)).length;
  assert.equal(read, count * packet.length, "what was taken arrives whole");
  await setup.socket.send(Buffer.from("later"), address);
  while (true) if ((await readFrame(slow)).toString() === "later") break;
});

Deno.test("a connection that is closed closes its viewers' and takes no new ones", async () => {
  await using setup = new Setup();
  const connection = await setup.connect();
  await write(connection, frame(CHECK));
  await setup.received(1);
  assert.equal(setup.socket.closed, false);
  await setup.socket.close();
  await setup.socket.close();
  assert.equal(setup.socket.closed, true);
  assert.equal(await isClosed(connection), true);
  const late = await setup.connect();
  await write(late, frame(CHECK));
  assert.equal(await isClosed(late), true);
});

Deno.test("closing the port drops those that are not known, leaves those that are, and frees the port", async () => {
  await using setup = new Setup();
  const known = await setup.connect();
  await write(known, frame(CHECK));
  await setup.received(1);
  const unknown = await setup.connect();
  await eventually(() => setup.clock.pending === 1);
  const { port } = setup.port;
  assert.throws(() => new IceTcpPort({ port, clock: setup.clock }), Deno.errors.AddrInUse);
  setup.port.close();
  assert.equal(await isClosed(unknown), true);
  await write(known, frame("to the end"));
  assert.equal((await setup.received(2))[1], "to the end");
});

Deno.test("IPv4 over the dual-stack listener is written as IPv4", async () => {
  await using setup = new Setup();
  await write(await setup.connect("127.0.0.1"), frame(CHECK));
  await setup.received(1);
  assert.equal(setup.packets[0]?.from[0], "127.0.0.1");
});
