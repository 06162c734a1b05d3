import assert from "node:assert/strict";
import { openPage } from "../support/browser.ts";
import { CHROMIUM } from "../support/chromium.ts";
import { addClient, callClient, seesAndHears } from "../support/client_page.ts";
import { startCoturn } from "../support/coturn.ts";
import { untilReady } from "../support/firewalled_server.ts";
import { ADDRESSES, CANNOT_MAKE_NAMESPACES as ignore, Namespaces } from "../support/namespaces.ts";
import { examplePipeline } from "../support/test_server.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const HTTP_PORT = 8088;

/** Starts the server on the right and a program in the middle that passes HTTP on; returns the URL for the left. */
async function serve(namespaces: Namespaces): Promise<string> {
  const args = ["stream-serve", examplePipeline("video_replay"), "--host", ADDRESSES.right, "--port", `${HTTP_PORT}`];
  const outputs = { stdout: "null", stderr: "null", stdin: "null" } as const;
  const command = [Deno.execPath(), "run", "-A", "--no-prompt", "main.ts", ...args, "--stun-servers", ""];
  namespaces.start("right", command, { ...outputs, cwd: ROOT });
  const forward = `Deno.serve({ hostname: "${ADDRESSES.middleLeft}", port: ${HTTP_PORT} }, (request) => {
    const url = new URL(request.url);
    url.hostname = "${ADDRESSES.right}";
    return fetch(new Request(url, request));
  })`;
  namespaces.start("middle", [Deno.execPath(), "eval", forward], outputs);
  const url = `http://${ADDRESSES.middleLeft}:${HTTP_PORT}`;
  await untilReady(namespaces, url);
  return url;
}

Deno.test("without a direct route a viewer comes through the relay by itself", { ignore }, async () => {
  await using namespaces = await Namespaces.make();
  await using relay = await startCoturn({
    namespace: namespaces.name("middle"),
    address: ADDRESSES.middleLeft,
    relayAddress: ADDRESSES.middleRight,
  });
  const url = await serve(namespaces);
  const executablePath = await namespaces.launcher("left", CHROMIUM);
  await using browser = await openPage(`${url}/v1/service/health`, { executablePath });
  const { page } = browser;
  await addClient(page);
  await assert.rejects(callClient(page, "connect", { connectTimeoutMs: 3000 }), /cannot get through/);
  const { username, credential } = relay;
  const iceServers = [{ urls: [relay.url("udp")], username, credential }];
  await callClient(page, "connect", { iceServers });
  const { path } = await seesAndHears(page);
  assert.deepEqual(path, { type: "relay", relayProtocol: "udp" });
  await callClient(page, "stop");
});
