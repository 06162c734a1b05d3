import assert from "node:assert/strict";
import { StreamError } from "../../../src/errors.ts";
import { type BoundSocket, MediaPorts, type MediaPortsOptions } from "../../../src/webrtc/media_ports.ts";
import { freeUdpRange, untilUdpPortFree } from "../../support/udp_ports.ts";
import { ManualClock } from "../support/manual_clock.ts";

const CREDENTIALS = () => ({ ours: "a password" });

function mediaPorts(options: Partial<MediaPortsOptions> = {}): MediaPorts {
  return new MediaPorts({
    udpPort: 0,
    udpPortRange: null,
    tcpPort: 0,
    publicIps: [],
    clock: new ManualClock(),
    ...options,
  });
}

/** Closes it and waits until the system has the port back. */
async function close({ socket }: BoundSocket): Promise<void> {
  const { port } = socket;
  await socket.close();
  await untilUdpPortFree(port);
}

function assertFault(run: () => unknown, { code, words }: { code: string; words: RegExp }): void {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof StreamError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, words);
    return true;
  });
}

Deno.test("with nothing set, each connection has a port of its own for each family, and no TCP", async () => {
  const ports = mediaPorts();
  const opened = [...ports.openUdp(CREDENTIALS, [4]), ...ports.openUdp(CREDENTIALS, [4])];
  assert.equal(new Set(opened.map(({ socket }) => socket.port)).size, 2);
  assert.deepEqual(opened.map(({ families }) => families), [[4], [4]]);
  assert.equal(ports.openTcp(CREDENTIALS), null);
  for (const { socket } of opened) await socket.close();
  ports.close();
});

Deno.test("connections take the ports of a range, each once, and give them back", async () => {
  const range = freeUdpRange(3);
  const ports = mediaPorts({ udpPortRange: range });
  const opened = [1, 2, 3].flatMap(() => ports.openUdp(CREDENTIALS, [4]));
  const numbers = opened.map(({ socket }) => socket.port).sort();
  assert.deepEqual(numbers, [range.first, range.first + 1, range.last]);
  assertFault(() => ports.openUdp(CREDENTIALS, [4]), {
    code: "no_ice_candidates",
    words: new RegExp(`^all UDP ports from ${range.first} to ${range.last} are in use; widen --udp-port-range`),
  });
  const given = opened[1]?.socket.port;
  await close(opened[1] as BoundSocket);
  const [again] = ports.openUdp(CREDENTIALS, [4]);
  assert.equal(again?.socket.port, given);
  for (const bound of [...opened, again]) await bound?.socket.close();
});

Deno.test("a port of the range that another program has is passed over", async () => {
  const range = freeUdpRange(2);
  using stack = new DisposableStack();
  stack.adopt(Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: range.first }), (one) => one.close());
  const ports = mediaPorts({ udpPortRange: range });
  for (let count = 0; count < 4; count++) {
    const [opened] = ports.openUdp(CREDENTIALS, [4]);
    assert.equal(opened?.socket.port, range.last);
    await close(opened as BoundSocket);
  }
});

Deno.test("one UDP port serves all connections in both families", async () => {
  const { first } = freeUdpRange(1);
  const ports = mediaPorts({ udpPort: first });
  const opened = [...ports.openUdp(CREDENTIALS, [4, 6]), ...ports.openUdp(CREDENTIALS, [4, 6])];
  assert.deepEqual(opened.map(({ socket }) => socket.port), [first, first]);
  assert.ok(opened.every(({ families }) => families.includes(4)));
  for (const { socket } of opened) await socket.close();
  ports.close();
  await untilUdpPortFree(first);
  mediaPorts({ udpPort: first }).close();
});

Deno.test("a TCP port that is set is opened for both families", async () => {
  const probe = Deno.listen({ hostname: "::", port: 0 });
  const { port: tcpPort } = probe.addr;
  probe.close();
  const ports = mediaPorts({ tcpPort });
  const bound = ports.openTcp(CREDENTIALS);
  assert.deepEqual([bound?.socket.type, bound?.socket.port, bound?.families], ["tcp", tcpPort, [4, 6]]);
  await bound?.socket.close();
  ports.close();
});

Deno.test("when there is no way but a relay, no port is opened, whatever else is set", () => {
  using stack = new DisposableStack();
  const udp = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  stack.defer(() => udp.close());
  const { port: udpPort } = udp.addr as Deno.NetAddr;
  using tcp = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const ports = mediaPorts({ relayOnly: true, udpPort, tcpPort: tcp.addr.port });
  assert.deepEqual([ports.openUdp(CREDENTIALS, [4, 6]), ports.openTcp(CREDENTIALS)], [[], null]);
  ports.close();
});

Deno.test("a port that is taken is named with its flag, and nothing stays open", async () => {
  using stack = new DisposableStack();
  const udp = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  stack.defer(() => udp.close());
  const { port: udpPort } = udp.addr as Deno.NetAddr;
  assertFault(() => mediaPorts({ udpPort }), {
    code: "port_in_use",
    words: new RegExp(`^port ${udpPort} \\(--udp-port\\) is in use; .* another with --udp-port$`),
  });
  using tcp = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const { port: tcpPort } = tcp.addr;
  const { first: free } = freeUdpRange(1);
  assertFault(() => mediaPorts({ udpPort: free, tcpPort }), {
    code: "port_in_use",
    words: new RegExp(`^port ${tcpPort} \\(--tcp-port\\) is in use`),
  });
  await untilUdpPortFree(free);
  mediaPorts({ udpPort: free }).close();
});
