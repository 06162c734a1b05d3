import assert from "node:assert/strict";
import { ImpairedLink, type UdpAddress } from "../../support/impaired_link.ts";
import { ImpairedPath, type PathSettings } from "../../support/impaired_path.ts";
import { ManualClock } from "./manual_clock.ts";

/** A datagram that is 100 bytes on the link: 8 ms at 100 kbit/s. */
const PAYLOAD = 72;

/** A path on a clock of its own, and when each packet came out, in milliseconds. */
function openPath(settings: Partial<PathSettings> = {}, seed = 1) {
  const clock = new ManualClock();
  const path = new ImpairedPath({ clock, seed });
  path.settings = { ...path.settings, ...settings };
  const out: { number: number; ms: number }[] = [];
  let number = 0;
  function send(count = 1): void {
    for (let sent = 0; sent < count; sent++) {
      const own = number++;
      path.send(PAYLOAD, () => out.push({ number: own, ms: Math.round(clock.now() * 1000) }));
    }
  }
  return { clock, path, out, send, numbers: () => out.map((one) => one.number), times: () => out.map((one) => one.ms) };
}

/** Two sockets with a link between them. */
class LinkedSockets implements Disposable {
  readonly link = new ImpairedLink();
  readonly server = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly clients = [1, 2].map(() => Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 }));

  get serverAddress(): UdpAddress {
    return this.server.addr as Deno.NetAddr;
  }

  async say(client: number, text: string): Promise<void> {
    const to = { transport: "udp", ...this.link.standInFor(this.serverAddress) } as const;
    await this.clients[client]?.send(new TextEncoder().encode(text), to);
  }

  [Symbol.dispose](): void {
    this.link[Symbol.dispose]();
    for (const socket of [this.server, ...this.clients]) socket.close();
  }
}

async function hear(socket: Deno.DatagramConn | undefined): Promise<{ text: string; from: Deno.NetAddr }> {
  if (socket === undefined) throw new Error("no socket");
  const [data, from] = await socket.receive(new Uint8Array(2048));
  return { text: new TextDecoder().decode(data), from: from as Deno.NetAddr };
}

Deno.test("a clear path hands packets on at once and leaves no timer behind", () => {
  const { clock, out, send } = openPath();
  send(3);
  assert.deepEqual(out, [0, 1, 2].map((number) => ({ number, ms: 0 })));
  assert.equal(clock.pending, 0);
});

Deno.test("a delay holds each packet that long, with one timer for all", () => {
  const { clock, times, send } = openPath({ delay: 0.04 });
  for (let sent = 0; sent < 50; sent++) {
    send();
    clock.turn(0.001);
    assert.ok(clock.pending <= 1, `${clock.pending} timers`);
  }
  clock.turn(0.1);
  assert.deepEqual(times(), Array.from({ length: 50 }, (_, at) => 40 + at));
  assert.equal(clock.pending, 0);
});

Deno.test("jitter varies the delay within its bounds and keeps the order", () => {
  const { clock, out, numbers, send } = openPath({ delay: 0.03, jitter: 0.02 });
  for (let sent = 0; sent < 200; sent++) {
    send();
    clock.turn(0.015);
  }
  clock.turn(0.1);
  assert.deepEqual(numbers(), Array.from({ length: 200 }, (_, at) => at));
  const delays = out.map(({ number, ms }) => ms - number * 15);
  assert.ok(Math.min(...delays) >= 30 && Math.min(...delays) <= 34, `shortest ${Math.min(...delays)} ms`);
  assert.ok(Math.max(...delays) <= 51 && Math.max(...delays) >= 46, `longest ${Math.max(...delays)} ms`);
});

Deno.test("a limited rate spaces packets out by their size and drops at the tail of its queue", () => {
  const { clock, path, times, send } = openPath({ rate: 100_000, queueLimit: 0.04 });
  send(20);
  assert.ok(path.counters.queueDelay > 0.04, `${path.counters.queueDelay} s`);
  clock.turn(1);
  assert.deepEqual(times(), [8, 16, 24, 32, 40, 48]);
  const { dropped, overflowed, deliveredPackets, deliveredBytes, queueDelay, maxQueueDelay } = path.counters;
  assert.deepEqual([dropped, overflowed, deliveredPackets, deliveredBytes, queueDelay], [14, 14, 6, 600, 0]);
  assert.ok(Math.abs(maxQueueDelay - 0.04) < 1e-9, `${maxQueueDelay} s`);
});

Deno.test("late timers do not lower the rate", () => {
  const clock = new ManualClock({ lateness: () => 0.0037 });
  using path = new ImpairedPath({ clock });
  path.settings = { ...path.settings, rate: 1_000_000, queueLimit: 2 };
  for (let sent = 0; sent < 1000; sent++) path.send(PAYLOAD, () => undefined);
  clock.turn(0.5);
  const { deliveredBytes } = path.counters;
  assert.ok(Math.abs(deliveredBytes * 8 / 0.5 - 1_000_000) < 10_000, `${deliveredBytes * 16} bit/s`);
});

Deno.test("a new rate holds for what waits in the queue already", () => {
  const { clock, path, times, send } = openPath({ rate: 100_000 });
  send(6);
  clock.turn(0.017);
  path.settings = { ...path.settings, rate: 50_000 };
  clock.turn(1);
  assert.deepEqual(times(), [8, 16, 24, 40, 56, 72]);
  path.settings = { ...path.settings, rate: Infinity };
  send(2);
  assert.equal(times().at(-1), 1017);
});

Deno.test("loss takes its share, the same packets for the same seed", () => {
  const [first, second, other] = [
    openPath({ loss: 0.1 }, 7),
    openPath({ loss: 0.1, delay: 1 }, 7),
    openPath({ loss: 0.1 }, 8),
  ];
  for (const { clock, send } of [first, second, other]) {
    send(5000);
    clock.turn(2);
  }
  assert.deepEqual(first.numbers(), second.numbers());
  assert.notDeepEqual(first.numbers(), other.numbers());
  const { lost, dropped } = first.path.counters;
  assert.ok(lost > 430 && lost < 570 && dropped === lost, `${lost} of 5000`);
  assert.equal(first.numbers().length, 5000 - lost);
});

Deno.test("reordering lets later packets overtake its share of them, and loses none", () => {
  const { clock, numbers, send } = openPath({ delay: 0.01, reorder: 0.1, reorderBy: 0.025 });
  for (let sent = 0; sent < 1000; sent++) {
    send();
    clock.turn(0.01);
  }
  clock.turn(1);
  const came = numbers();
  assert.deepEqual(came.toSorted((a, b) => a - b), Array.from({ length: 1000 }, (_, at) => at));
  const overtaken = came.filter((number, at) => came.slice(0, at).some((before) => before > number)).length;
  assert.ok(overtaken > 60 && overtaken < 140, `${overtaken} of 1000`);
});

Deno.test("a blocked path lets nothing pass, not even what is under way, and opens again", () => {
  const { clock, path, numbers, send } = openPath({ delay: 0.05 });
  send();
  clock.turn(0.02);
  path.settings = { ...path.settings, blocked: true };
  send();
  clock.turn(1);
  assert.deepEqual(numbers(), []);
  path.settings = { ...path.settings, blocked: false };
  send();
  clock.turn(1);
  assert.deepEqual(numbers(), [2]);
  assert.equal(path.counters.blocked, 2);
});

Deno.test("the rate over time tells what was sent, what came out and how long it waited, each tenth of a second", () => {
  const { clock, path, send } = openPath({ rate: 100_000, queueLimit: 0.1 });
  for (const count of [5, 50, 0, 0]) {
    send(count);
    clock.turn(0.1);
  }
  const slots = path.slots;
  assert.deepEqual(slots.map(({ at }) => Math.round(at * 10)), [0, 1, 2, 3, 4]);
  assert.deepEqual(slots.map(({ sent }) => Math.round(sent)), [40_000, 400_000, 0, 0, 0]);
  assert.deepEqual(slots.map(({ delivered }) => Math.round(delivered / 8000)), [5, 12, 1, 0, 0]);
  assert.ok(Math.abs((slots[1]?.queueDelay ?? 0) - 0.088) < 0.009, `${slots[1]?.queueDelay} s`);
});

Deno.test("a path that is closed delivers nothing more", () => {
  const { clock, path, out, send } = openPath({ delay: 0.05, rate: 100_000 });
  send(4);
  path[Symbol.dispose]();
  send();
  clock.turn(1);
  assert.deepEqual(out, []);
  assert.equal(clock.pending, 0);
});

Deno.test("the link carries datagrams both ways and keeps its senders apart", async () => {
  using sockets = new LinkedSockets();
  const { link, server, clients, serverAddress } = sockets;
  const sources: Deno.NetAddr[] = [];
  for (const client of [0, 1, 0]) {
    await sockets.say(client, `from ${client}`);
    const { text, from } = await hear(server);
    assert.equal(text, `from ${client}`);
    sources.push(from);
    await server.send(new TextEncoder().encode(`to ${client}`), { ...from, transport: "udp" });
    const answer = await hear(clients[client]);
    assert.equal(answer.text, `to ${client}`);
    assert.equal(answer.from.port, link.standInFor(serverAddress).port);
  }
  assert.equal(sources[0]?.port, sources[2]?.port);
  assert.notEqual(sources[0]?.port, sources[1]?.port);
  assert.equal(link.counters("up").deliveredPackets, 3);
  assert.equal(link.counters("down").deliveredBytes, 3 * (4 + 28));
});

Deno.test("each direction of the link has settings of its own", async () => {
  using sockets = new LinkedSockets();
  const { link, server, clients } = sockets;
  link.set({ blocked: true }, "down");
  await sockets.say(0, "hello");
  const { from } = await hear(server);
  await server.send(new TextEncoder().encode("lost"), { ...from, transport: "udp" });
  while (link.counters("down").packets === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  link.set({ blocked: false });
  await server.send(new TextEncoder().encode("heard"), { ...from, transport: "udp" });
  assert.equal((await hear(clients[0])).text, "heard");
  assert.deepEqual([link.counters("up").dropped, link.counters("down").dropped], [0, 1]);
});

Deno.test("candidates are rewritten so that the link is the only way", () => {
  using link = new ImpairedLink();
  const sdp = [
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "a=candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host generation 0",
    "a=candidate:2 1 udp 2130706431 192.0.2.7 5000 typ host",
    "a=candidate:3 1 tcp 1518280447 127.0.0.1 5001 typ host tcptype passive",
    "a=candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host generation 0",
    "a=end-of-candidates",
    "",
  ];
  const { port } = link.standInFor({ hostname: "127.0.0.1", port: 5000 });
  const ours = `a=candidate:1 1 udp 2130706431 127.0.0.1 ${port} typ host generation 0`;
  assert.deepEqual(link.rewrite(sdp.join("\r\n")).split("\r\n"), [sdp[0], ours, ours, sdp[5], ""]);
  assert.equal(link.rewrite(`a=mid:0\r\n${sdp[2]}\r\n`), "a=mid:0\r\n");
  assert.throws(() => link.rewrite(`v=0\r\n${sdp[2]}\r\n`), /no UDP candidate on 127\.0\.0\.1/);
  assert.equal(link.rewrite("v=0\r\n"), "v=0\r\n");
});
