import assert from "node:assert/strict";
import { systemClock } from "../../../src/async/mod.ts";
import { loadConfig } from "../../../src/config/mod.ts";
import { JsonClient } from "../../../src/doctor/json_client.ts";
import { checkPorts } from "../../../src/doctor/ports.ts";
import { freeUdpRange } from "../../support/udp_ports.ts";

async function statuses(flags: Record<string, string>): Promise<Record<string, string>> {
  const { signal } = new AbortController();
  const client = new JsonClient({ clock: systemClock, deadline: systemClock.now() + 3, signal });
  const { config } = loadConfig({ flags: { host: "127.0.0.1", port: "0", ...flags }, env: () => undefined });
  return Object.fromEntries((await checkPorts(config, client)).map(({ id, status }) => [id, status]));
}

Deno.test("ports that are free are ok, and those that are not set are not mentioned", async () => {
  const { first } = freeUdpRange(3);
  assert.deepEqual(await statuses({}), {});
  assert.deepEqual(await statuses({ udpPort: `${first}` }), { "udp-port": "ok" });
  assert.deepEqual(await statuses({ udpPortRange: `${first}-${first + 2}` }), { "udp-port-range": "ok" });
});

Deno.test("ports that others have are failures; of a range it depends on how many", async () => {
  const { first } = freeUdpRange(2);
  using tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const udp = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: first });
  const port = `${tcp.addr.port}`;
  assert.deepEqual(await statuses({ tcpPort: port, udpPort: `${first}` }), { "tcp-port": "fail", "udp-port": "fail" });
  assert.deepEqual(await statuses({ udpPortRange: `${first}-${first}` }), { "udp-port-range": "fail" });
  assert.deepEqual(await statuses({ udpPortRange: `${first}-${first + 1}` }), { "udp-port-range": "warn" });
  udp.close();
});

Deno.test("the page's port is a failure when something else has it, and fine when a TeleFuser server has it", async () => {
  for (const [body, status] of [[{}, "fail"], [{ webrtc_max_sessions: 3 }, "ok"]] as const) {
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, () => Response.json(body));
    assert.deepEqual(await statuses({ port: `${server.addr.port}` }), { port: status });
    await server.shutdown();
  }
});
