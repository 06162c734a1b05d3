import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { CHROMIUM, CHROMIUM_FLAGS } from "../support/chromium.ts";
import { addClient, callClient, seesAndHears } from "../support/client_page.ts";
import { startCoturn } from "../support/coturn.ts";
import { ADDRESSES, CANNOT_MAKE_NAMESPACES as ignore, IP, Namespaces } from "../support/namespaces.ts";
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
  const ask = `for (let attempt = 0; attempt < 200; attempt++) {
    try {
      if ((await fetch("${url}/v1/service/ready")).ok) Deno.exit(0);
    } catch { /* It does not listen yet. */ }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  Deno.exit(3)`;
  const { code, stderr } = await namespaces.run("left", [Deno.execPath(), "eval", ask]);
  assert.equal(code, 0, `the server is not ready: ${stderr}`);
  return url;
}

/** A program that runs Chromium in the left one, to be started in its place. */
async function writeLauncher(namespaces: Namespaces): Promise<string> {
  const path = await Deno.makeTempFile({ prefix: "chromium-", suffix: ".sh" });
  await Deno.writeTextFile(path, `#!/bin/sh\nexec ${IP} netns exec ${namespaces.name("left")} ${CHROMIUM} "$@"\n`);
  await Deno.chmod(path, 0o755);
  return path;
}

Deno.test("without a direct route a viewer comes through the relay by itself", { ignore }, async () => {
  await using namespaces = await Namespaces.make();
  await using relay = await startCoturn({
    namespace: namespaces.name("middle"),
    address: ADDRESSES.middleLeft,
    relayAddress: ADDRESSES.middleRight,
  });
  const url = await serve(namespaces);
  await using stack = new AsyncDisposableStack();
  const executablePath = await writeLauncher(namespaces);
  stack.defer(() => Deno.remove(executablePath));
  const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_FLAGS] });
  stack.defer(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`${url}/v1/service/health`);
  await addClient(page);
  await assert.rejects(callClient(page, "connect", { connectTimeoutMs: 3000 }), /cannot get through/);
  const { username, credential } = relay;
  const iceServers = [{ urls: [relay.url("udp")], username, credential }];
  await callClient(page, "connect", { iceServers });
  const { path } = await seesAndHears(page);
  assert.deepEqual(path, { type: "relay", relayProtocol: "udp" });
  await callClient(page, "stop");
});
