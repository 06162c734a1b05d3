import assert from "node:assert/strict";
import { eventuallyInPage, openPage, type TestPage } from "../support/browser.ts";
import { CHROMIUM } from "../support/chromium.ts";
import { addClient, callClient } from "../support/client_page.ts";
import { startCoturn } from "../support/coturn.ts";
import { play, playInFirefox, type Playing } from "../support/far_viewer.ts";
import { IPV6, makeIpv6Only, makeRouted, makeTunnel, startFirewalledServer } from "../support/firewalled_server.ts";
import { ADDRESSES, CANNOT_MAKE_NAMESPACES as ignore, Namespaces } from "../support/namespaces.ts";
import { examplePipeline, testPipeline } from "../support/test_server.ts";

const PORT = 40_000;
const RANGE = { first: PORT, last: PORT + 3 } as const;

const UDP_PORT = ["--udp-port", `${PORT}`] as const;
const TCP_PORT = ["--tcp-port", `${PORT}`] as const;
const UDP_RANGE = ["--udp-port-range", `${RANGE.first}-${RANGE.last}`] as const;

/** Firewalls at the server, as statements of nftables. */
const ONLY_UDP_PORT = { input: `udp dport != ${PORT} drop`, output: `udp sport != ${PORT} drop` };
const ONLY_UDP_RANGE = {
  input: `udp dport != ${RANGE.first}-${RANGE.last} drop`,
  output: `udp sport != ${RANGE.first}-${RANGE.last} drop`,
};
const NO_UDP = { input: "meta l4proto udp drop", output: "meta l4proto udp drop" };

/**
 * Chromium on Linux binds the group of mDNS without the interface it is on, which IPv6 refuses. Where there is no IPv4 at
 * all it thus cannot hide its addresses, and a page without a camera gathers none.
 */
const WITHOUT_MDNS = ["--disable-features=WebRtcHideLocalIpsWithMdns"] as const;

/** The server next to the viewers. */
function serve(
  namespaces: Namespaces,
  { flags, firewall, ipv6 = false, pipeline = examplePipeline("video_replay") }: {
    flags: readonly string[];
    firewall: { readonly input?: string; readonly output?: string };
    ipv6?: boolean;
    pipeline?: string;
  },
) {
  return startFirewalledServer(namespaces, { pipeline, flags, place: "middle", firewall, ipv6 });
}

/** Opens Chromium on the left. */
async function openChromium(
  namespaces: Namespaces,
  { url, flags = [] }: { url: string; flags?: readonly string[] },
): Promise<TestPage> {
  const executablePath = await namespaces.launcher("left", CHROMIUM);
  return await openPage(`${url}/v1/service/health`, { executablePath, flags });
}

/** Plays in Chromium on the left and stops. */
async function playInChromium(
  namespaces: Namespaces,
  options: { url: string; flags?: readonly string[] },
): Promise<Playing> {
  await using browser = await openChromium(namespaces, options);
  const playing = await play(browser.page);
  await callClient(browser.page, "stop");
  assert.deepEqual(browser.errors, []);
  return playing;
}

function report({ firstPictureMs, words, local, remote }: Playing): void {
  const way = `${local.candidateType} to ${remote.candidateType} ${remote.address} port ${remote.port}`;
  console.log(`first picture after ${firstPictureMs} ms: ${words}, ${way}`);
}

for (const [title, firewall] of [["no UDP", NO_UDP], ["one UDP port alone", ONLY_UDP_PORT]] as const) {
  Deno.test(`a server of which nothing is set is not reached where ${title} passes, and the viewer is told`, {
    ignore,
  }, async () => {
    await using namespaces = await Namespaces.make();
    await using server = await serve(namespaces, { flags: [], firewall });
    await using browser = await openChromium(namespaces, server);
    await addClient(browser.page);
    await assert.rejects(callClient(browser.page, "connect", { connectTimeoutMs: 3000 }), /cannot get through/);
  });
}

Deno.test("one open UDP port is enough, and no other is bound", { ignore }, async () => {
  await using namespaces = await Namespaces.make();
  await using server = await serve(namespaces, { flags: UDP_PORT, firewall: ONLY_UDP_PORT });
  await using browser = await openChromium(namespaces, server);
  const playing = await play(browser.page);
  report(playing);
  assert.equal(playing.words, "Direct over UDP");
  assert.equal(playing.remote.port, PORT);
  assert.deepEqual(await server.udpPorts(), [PORT]);
  await callClient(browser.page, "stop");
  assert.deepEqual(browser.errors, []);
  const inFirefox = await playInFirefox(namespaces, { place: "left", url: server.url });
  report(inFirefox);
  assert.equal(inFirefox.remote.port, PORT);
});

Deno.test("two viewers at once on one UDP port each get their own picture", { ignore }, async () => {
  await using namespaces = await Namespaces.make();
  const pipeline = testPipeline("plain_color");
  await using server = await serve(namespaces, { pipeline, flags: UDP_PORT, firewall: ONLY_UDP_PORT });
  await using browser = await openChromium(namespaces, server);
  const { page: red } = browser;
  const blue = await red.context().browser()?.newPage();
  assert.ok(blue);
  await blue.goto(red.url());
  for (const [page, rgb] of [[red, [200, 30, 30]], [blue, [30, 30, 200]]] as const) {
    await addClient(page);
    await callClient(page, "connect", { extra: { rgb } });
  }
  for (const [page, color] of [[red, "red"], [blue, "blue"], [red, "red"], [blue, "blue"]] as const) {
    const { frames } = await callClient(page, "look");
    await eventuallyInPage(`${color} pictures come`, async () => (await callClient(page, "look")).frames > frames + 24);
    assert.equal(await page.evaluate(COLOR), color);
  }
  assert.deepEqual(await server.udpPorts(), [PORT]);
  for (const page of [red, blue]) await callClient(page, "stop");
});

const COLOR = `(() => {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  context.drawImage(document.querySelector("video"), 0, 0, canvas.width, canvas.height);
  const [red, green, blue] = context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data;
  if (red > green + 80 && red > blue + 80) return "red";
  return blue > green + 80 && blue > red + 80 ? "blue" : [red, green, blue].join(" ");
})()`;

Deno.test("a range of four open UDP ports is enough, and no port beside it is bound", { ignore }, async () => {
  await using namespaces = await Namespaces.make();
  await using server = await serve(namespaces, { flags: UDP_RANGE, firewall: ONLY_UDP_RANGE });
  await using browser = await openChromium(namespaces, server);
  const playing = await play(browser.page);
  report(playing);
  assert.equal(playing.words, "Direct over UDP");
  const bound = await server.udpPorts();
  assert.ok(bound.includes(playing.remote.port), `${bound}`);
  assert.deepEqual(bound.filter((port) => port < RANGE.first || port > RANGE.last), []);
  await callClient(browser.page, "stop");
  assert.deepEqual(browser.errors, []);
  const inFirefox = await playInFirefox(namespaces, { place: "left", url: server.url });
  report(inFirefox);
  assert.equal(inFirefox.words, "Direct over UDP");
});

for (const browser of ["Chromium", "Firefox"] as const) {
  Deno.test(`where no UDP passes, ${browser} plays over TCP and the page says so`, { ignore }, async () => {
    await using namespaces = await Namespaces.make();
    await using server = await serve(namespaces, { flags: TCP_PORT, firewall: NO_UDP });
    const { url } = server;
    const playing = browser === "Chromium"
      ? await playInChromium(namespaces, { url })
      : await playInFirefox(namespaces, { place: "left", url });
    report(playing);
    const { words, local, remote } = playing;
    assert.equal(words, "Direct over TCP");
    assert.equal(local.protocol, "tcp");
    assert.deepEqual([remote.protocol, remote.address, remote.port], ["tcp", ADDRESSES.middleLeft, PORT]);
    assert.deepEqual(await server.tcpPeers(PORT), [], "its connections are closed with it");
  });
}

Deno.test("where UDP and TCP pass, UDP is taken", { ignore }, async () => {
  await using namespaces = await Namespaces.make();
  await using server = await serve(namespaces, { flags: [...UDP_PORT, ...TCP_PORT], firewall: ONLY_UDP_PORT });
  const playing = await playInChromium(namespaces, server);
  assert.equal(playing.words, "Direct over UDP");
});

const IPV6_WAYS = [
  { title: "with a port for each viewer", flags: [], firewall: {}, words: "Direct over UDP" },
  { title: "over one UDP port", flags: UDP_PORT, firewall: ONLY_UDP_PORT, words: "Direct over UDP" },
  { title: "over TCP alone", flags: TCP_PORT, firewall: NO_UDP, words: "Direct over TCP" },
] as const;

for (const { title, flags, firewall, words } of IPV6_WAYS) {
  for (const browser of ["Chromium", "Firefox"] as const) {
    Deno.test(`where there is only IPv6, ${browser} plays ${title}`, { ignore }, async () => {
      await using namespaces = await Namespaces.make();
      await makeIpv6Only(namespaces);
      await using server = await serve(namespaces, { flags, firewall, ipv6: true });
      const { url } = server;
      const playing = browser === "Chromium"
        ? await playInChromium(namespaces, { url, flags: WITHOUT_MDNS })
        : await playInFirefox(namespaces, { place: "left", url });
      report(playing);
      assert.equal(playing.words, words);
      assert.equal(playing.remote.address?.replace(/^\[|\]$/g, ""), IPV6.middleLeft);
      if (flags.length > 0) assert.equal(playing.remote.port, PORT);
    });
  }
}

Deno.test("a Chromium that has IPv4 for others plays from a server that has only IPv6", { ignore }, async () => {
  await using namespaces = await Namespaces.make();
  await makeIpv6Only(namespaces, { others: true });
  await using server = await serve(namespaces, { flags: [], firewall: {}, ipv6: true });
  const playing = await playInChromium(namespaces, server);
  report(playing);
  assert.equal(playing.remote.address?.replace(/^\[|\]$/g, ""), IPV6.middleLeft);
});

Deno.test("a server whose only way to its viewers is a tunnel is reached through that", { ignore }, async () => {
  await using namespaces = await Namespaces.make();
  await makeTunnel(namespaces);
  await using server = await serve(namespaces, { flags: [], firewall: {} });
  const playing = await playInChromium(namespaces, server);
  report(playing);
  assert.equal(playing.remote.address, ADDRESSES.middleLeft);
});

for (const hasRelay of [true, false]) {
  const title = hasRelay
    ? "a server that UDP reaches from its TURN server alone is reached through that, by viewers that need none"
    : "without a TURN server it is not reached at all";
  Deno.test(title, { ignore }, async () => {
    await using namespaces = await Namespaces.make();
    await makeRouted(namespaces);
    await using relay = await startCoturn({ namespace: namespaces.name("middle"), address: ADDRESSES.middleRight });
    const { username, credential, port } = relay;
    const turn = ["--turn-server", relay.url("udp"), "--turn-username", username, "--turn-credential", credential];
    await using server = await startFirewalledServer(namespaces, {
      pipeline: examplePipeline("video_replay"),
      flags: hasRelay ? turn : [],
      place: "right",
      firewall: { input: `meta l4proto udp ip saddr != ${ADDRESSES.middleRight} drop; udp sport != ${port} drop` },
    });
    if (!hasRelay) {
      await using browser = await openChromium(namespaces, server);
      await addClient(browser.page);
      const connect = callClient(browser.page, "connect", { connectTimeoutMs: 3000 });
      return await assert.rejects(connect, /cannot get through/);
    }
    for (
      const playing of [
        await playInChromium(namespaces, server),
        await playInFirefox(namespaces, { place: "left", url: server.url }),
      ]
    ) {
      report(playing);
      const { words, local, remote } = playing;
      assert.equal(words, "Through a relay over UDP");
      assert.notEqual(local.candidateType, "relay", "the relay is the server's");
      assert.deepEqual([remote.candidateType, remote.address], ["relay", ADDRESSES.middleRight]);
    }
  });
}
