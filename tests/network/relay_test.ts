import assert from "node:assert/strict";
import { openPage } from "../support/browser.ts";
import { addClient, callClient, seesAndHears } from "../support/client_page.ts";
import { startCoturn, type TurnTransport } from "../support/coturn.ts";
import { openFirefoxPage } from "../support/firefox.ts";
import { examplePipeline, startTestServer } from "../support/test_server.ts";

for (const transport of ["udp", "tcp", "tls"] as const satisfies readonly TurnTransport[]) {
  Deno.test(`Chromium plays picture and sound through a TURN relay alone, which it reaches over ${transport}`, async () => {
    await using relay = await startCoturn();
    await using server = await startTestServer(examplePipeline("video_replay"));
    await using browser = await openPage(`${server.url}/v1/service/health`, {
      flags: [`--ignore-certificate-errors-spki-list=${relay.publicKeyHash}`],
    });
    const { page, errors } = browser;
    await addClient(page);
    const { username, credential } = relay;
    const iceServers = [{ urls: [relay.url(transport)], username, credential }];
    await callClient(page, "connect", { iceServers, iceTransportPolicy: "relay" });
    const { path, codec } = await seesAndHears(page);
    assert.deepEqual(path, { type: "relay", relayProtocol: transport });
    assert.equal(codec, "video/H264");
    await callClient(page, "stop");
    assert.equal(server.server.registry.size, 0);
    assert.deepEqual(errors, []);
  });
}

Deno.test("Firefox plays picture and sound through a TURN relay alone", async () => {
  await using relay = await startCoturn();
  await using server = await startTestServer(examplePipeline("video_replay"));
  await using browser = await openFirefoxPage(`${server.url}/v1/service/health`);
  const { page, errors } = browser;
  await addClient(page);
  const { username, credential } = relay;
  const iceServers = [{ urls: [relay.url("udp")], username, credential }];
  await callClient(page, "connect", { iceServers, iceTransportPolicy: "relay" });
  const { path } = await seesAndHears(page);
  assert.equal(path.type, "relay");
  await callClient(page, "stop");
  assert.deepEqual(errors, []);
});

Deno.test("a relay whose certificate is not trusted gives no way, and relay-only finds none past it", async () => {
  await using relay = await startCoturn();
  await using server = await startTestServer(examplePipeline("video_replay"));
  await using browser = await openPage(`${server.url}/v1/service/health`);
  await addClient(browser.page);
  const { username, credential } = relay;
  const iceServers = [{ urls: [relay.url("tls")], username, credential }];
  const connect = callClient(browser.page, "connect", {
    iceServers,
    iceTransportPolicy: "relay",
    connectTimeoutMs: 3000,
  });
  await assert.rejects(connect, /TURN/);
});
