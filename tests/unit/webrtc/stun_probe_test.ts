import assert from "node:assert/strict";
import { parseMessage } from "werift";
import { systemClock } from "../../../src/async/mod.ts";
import { isSigned } from "../../../src/webrtc/ice_socket.ts";
import { bindingRequest, checkOverTcp, StunProbe } from "../../../src/webrtc/stun_probe.ts";
import { Collector } from "../support/collector.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { BINDING_RESPONSE, stunPacket } from "../support/stun_packets.ts";

const CREDENTIALS = { username: "theirs:ours", password: "a password of 22 chars" };
const TIMING = { clock: systemClock, limit: 3 };
/** XOR-MAPPED-ADDRESS of 192.0.2.1:32853, from the test vectors of RFC 5769, section 2.2. */
const MAPPED = { type: 0x0020, value: Uint8Array.of(0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43) };

/** A signed answer to that request. */
function answerTo(request: Uint8Array, password?: string): Buffer {
  const transaction = request.subarray(8, 20).toHex();
  const signed = password === undefined ? {} : { password };
  return stunPacket({ type: BINDING_RESPONSE, transaction, attributes: [MAPPED], ...signed });
}

/** Answers datagrams with what `answer` makes of them until it is closed. */
function listen(answer: (data: Uint8Array) => Uint8Array | null): Deno.DatagramConn {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  (async () => {
    for await (const [data, from] of socket) {
      const reply = answer(data);
      if (reply !== null) await socket.send(reply, from);
    }
  })();
  return socket;
}

Deno.test("a request has the size that was asked for, signed or not, and can be read", () => {
  for (const bytes of [1200, 1280, 1400, 1472]) {
    assert.equal(bindingRequest({ bytes }).length, bytes);
    const signed = bindingRequest({ bytes, credentials: CREDENTIALS });
    assert.equal(signed.length, bytes);
    assert.ok(isSigned(signed, { theirs: CREDENTIALS.password }));
    assert.ok(!isSigned(signed, { theirs: "another password" }));
    assert.ok(parseMessage(signed)?.getAttributeValue("FINGERPRINT") !== undefined);
  }
  assert.ok(bindingRequest().length < 100);
});

Deno.test("an answer says where it sees us, and silence is null", async () => {
  const server = listen((data) => answerTo(data));
  const { port } = server.addr as Deno.NetAddr;
  await using probe = new StunProbe({ family: 4 });
  const reply = await probe.ask(["127.0.0.1", port], TIMING);
  assert.deepEqual([reply?.mapped, reply?.errorCode], [["192.0.2.1", 32853], null]);
  server.close();
  assert.equal(await probe.ask(["127.0.0.1", port], { ...TIMING, limit: 0.05 }), null);
});

Deno.test("a request that gets lost is sent again", async () => {
  const clock = new ManualClock();
  const arrived = new Collector<Uint8Array>();
  const server = listen((data) => {
    arrived.add(data);
    return arrived.items.length < 2 ? null : answerTo(data);
  });
  await using probe = new StunProbe({ family: 4 });
  const asking = probe.ask(["127.0.0.1", (server.addr as Deno.NetAddr).port], { clock, limit: 3 });
  await arrived.until(1);
  await clock.advance(0.25);
  assert.ok((await asking)?.mapped);
  assert.equal(arrived.items.length, 2);
  server.close();
});

Deno.test("a signed request takes none but a signed answer, and a refusal is one", async () => {
  const passwords: (string | undefined)[] = [undefined, "another password", CREDENTIALS.password];
  const server = listen((data) => answerTo(data, passwords.shift()));
  await using probe = new StunProbe({ family: 4 });
  const address = ["127.0.0.1", (server.addr as Deno.NetAddr).port] as const;
  const reply = await probe.ask(address, { credentials: CREDENTIALS, ...TIMING });
  assert.ok(reply?.mapped);
  assert.equal(passwords.length, 0);
  server.close();
  const refusing = listen((data) => {
    const transaction = data.subarray(8, 20).toHex();
    return stunPacket({ type: 0x0111, transaction, attributes: [{ type: 9, value: Uint8Array.of(0, 0, 4, 1) }] });
  });
  const refused = await probe.ask(["127.0.0.1", (refusing.addr as Deno.NetAddr).port], TIMING);
  assert.deepEqual([refused?.mapped, refused?.errorCode], [null, 401]);
  refusing.close();
});

Deno.test("over TCP the answer is found among the other side's own packets, in whatever pieces it comes", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = (async () => {
    using connection = await listener.accept();
    const room = new Uint8Array(2000);
    const count = await connection.read(room) ?? 0;
    assert.equal(count, 2 + (room[0] ?? 0) * 256 + (room[1] ?? 0));
    const frames = [stunPacket(), answerTo(room.subarray(2, count), CREDENTIALS.password)].map((packet) => {
      return Buffer.concat([Buffer.of(packet.length >> 8, packet.length & 255), packet]);
    });
    const all = Buffer.concat(frames);
    await connection.write(all.subarray(0, 25));
    await connection.write(all.subarray(25));
    await connection.read(room);
  })();
  const { port } = listener.addr;
  const reply = await checkOverTcp(["127.0.0.1", port], { credentials: CREDENTIALS, ...TIMING });
  assert.ok(reply?.mapped);
  await served;
});

Deno.test("over TCP silence is null, a closed connection too, and a refused one is an error", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = ["127.0.0.1", listener.addr.port] as const;
  assert.equal(await checkOverTcp(address, { credentials: CREDENTIALS, clock: systemClock, limit: 0.05 }), null);
  (await listener.accept()).close();
  const closing = listener.accept().then((connection) => connection.close());
  assert.equal(await checkOverTcp(address, { credentials: CREDENTIALS, ...TIMING }), null);
  await closing;
  listener.close();
  await assert.rejects(checkOverTcp(address, { credentials: CREDENTIALS, ...TIMING }), Deno.errors.ConnectionRefused);
});
