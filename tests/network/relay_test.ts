import assert from "node:assert/strict";
import { openPage } from "../support/browser.ts";
import { addClient, callClient, seesAndHears } from "../support/client_page.ts";
import { startCoturn, type TurnTransport } from "../support/coturn.ts";
import { openFirefoxPage } from "../support/firefox.ts";
import { connectViewer } from "../support/viewer.ts";
import { eventually, examplePipeline, startTestServer } from "../support/test_server.ts";

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
  await assert.rejects(connect, /TURN server turns:.* does not answer/);
});

Deno.test("nothing is configured twice: the page takes TURN from the server, with a password that the server made", async () => {
  const secret = "a shared secret";
  await using relay = await startCoturn({ secret });
  await using server = await startTestServer(examplePipeline("video_replay"), {
    turnServer: relay.url("udp"),
    turnSecret: secret,
    relayOnly: true,
  });
  await using browser = await openPage(`${server.url}/v1/service/health`);
  const { page, errors } = browser;
  await addClient(page);
  await callClient(page, "connect", {});
  const { path } = await seesAndHears(page);
  assert.deepEqual(path, { type: "relay", relayProtocol: "udp" });
  await callClient(page, "stop");
  assert.deepEqual(errors, []);
});

Deno.test("with --relay-only the server, too, is reached through the relay alone, by a viewer who would go straight", async () => {
  await using relay = await startCoturn();
  const { username: turnUsername, credential: turnCredential } = relay;
  for (const transport of ["udp", "tcp"] as const) {
    const turnServer = relay.url(transport);
    await using server = await startTestServer(examplePipeline("video_replay"), {
      turnServer,
      turnUsername,
      turnCredential,
      relayOnly: true,
    });
    await using viewer = await connectViewer(server);
    const candidates = viewer.answerSdp.split("\r\n").filter((line) => line.startsWith("a=candidate:"));
    assert.ok(candidates.length > 0, viewer.answerSdp);
    for (const line of candidates) assert.match(line, / typ relay raddr 0\.0\.0\.0 rport 9 /);
    await eventually("pictures and sound come", () => viewer.video.length > 100 && viewer.audio.length > 20);
  }
});

Deno.test("credentials that the TURN server refuses are told as that, to the viewer and in the log", async () => {
  await using relay = await startCoturn();
  await using server = await startTestServer(examplePipeline("video_replay"), {
    turnServer: relay.url("udp"),
    turnUsername: relay.username,
    turnCredential: "not the password",
  });
  await using browser = await openPage(`${server.url}/v1/service/health`);
  await addClient(browser.page);
  const iceServers = [{ urls: [relay.url("udp")], username: relay.username, credential: "not the password" }];
  await assert.rejects(
    callClient(browser.page, "connect", { iceServers, iceTransportPolicy: "relay" }),
    /TURN server turn:.* refused the user name or password/,
  );
  await eventually("the server's log says so", () => {
    return server.logged.some((line) => /TURN server turn:.* refuses the user name or password \(401/.test(line));
  });
});

Deno.test("a server with --relay-only that gets no address at the TURN server refuses viewers in words", async () => {
  await using relay = await startCoturn();
  await using server = await startTestServer(examplePipeline("video_replay"), {
    turnServer: relay.url("udp"),
    turnUsername: relay.username,
    turnCredential: "not the password",
    relayOnly: true,
  });
  const refused = /refused: 503 .*--relay-only leaves it no other way: turn:\S+: it refuses the user name or password/;
  await assert.rejects(connectViewer(server), refused);
  assert.equal(server.server.registry.size, 0);
});
