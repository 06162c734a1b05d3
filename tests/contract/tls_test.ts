/**
 * Certificates are made with the program `openssl` (Debian package `openssl`).
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Clock, systemClock, withTimeLimit } from "../../src/async/mod.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { listenAsConfigured, type Listener } from "../../src/http/mod.ts";
import { startServer } from "../../src/server.ts";
import { type IssuedCertificate, overwrite, servedSerial, TestAuthority } from "../support/certificates.ts";
import { eventually, startTestServer, testPipeline } from "../support/test_server.ts";
import { CapturedLog } from "../unit/support/captured_log.ts";
import { ManualClock } from "../unit/support/manual_clock.ts";

const root = new URL("../../", import.meta.url).pathname;
const encoder = new TextEncoder();

/** A listener whose look at the files a test brings about. */
interface Renewable extends AsyncDisposable {
  readonly listener: Listener;
  readonly files: IssuedCertificate;
  readonly clock: ManualClock;
  readonly url: string;
  /** Puts another pair in place and has it noticed. */
  renew(next: IssuedCertificate): Promise<void>;
  look(): Promise<void>;
}

function listenTls(
  { certFile, keyFile }: { certFile: string; keyFile: string },
  { answer, clock = systemClock, port = 0 }: {
    answer: (request: Request, remote: string) => Response | Promise<Response>;
    clock?: Clock;
    port?: number;
  },
): Promise<Listener> {
  return listenAsConfigured({ config: { host: "127.0.0.1", port, certFile, keyFile }, clock }, answer);
}

async function renewable(
  authority: TestAuthority,
  answer: (request: Request, remote: string) => Response | Promise<Response>,
): Promise<Renewable> {
  const clock = new ManualClock();
  const files = await authority.issue("used");
  const listener = await listenTls(files, { answer, clock });
  async function look(): Promise<void> {
    clock.turn(10);
    await eventually("the look is over", () => clock.pending === 1);
  }
  return {
    listener,
    files,
    clock,
    look,
    url: `https://localhost:${listener.addr.port}`,
    async renew(next) {
      await overwrite(files, next);
      await look();
    },
    async [Symbol.asyncDispose]() {
      await listener.shutdown();
      assert.equal(clock.pending, 0, "a timer was left");
    },
  };
}

Deno.test("with certificate and key, pages and API are served over HTTPS", async () => {
  await using authority = await TestAuthority.make();
  const { certFile, keyFile } = await authority.issue("used");
  await using server = await startTestServer(testPipeline("paused"), { certFile, keyFile });
  using client = Deno.createHttpClient({ caCerts: [authority.pem] });
  const url = `https://127.0.0.1:${server.server.port}`;
  const page = await fetch(`${url}/demo/player`, { client });
  assert.equal(page.status, 200);
  assert.match(await page.text(), /<html/);
  const health = await fetch(`${url}/v1/service/health`, { client });
  assert.equal(health.status, 200);
  assert.equal((await health.json()).status, "healthy");
  const head = await fetch(`${url}/demo/player`, { client, method: "HEAD" });
  assert.equal(head.status, 200);
  await head.body?.cancel();
  const offer = { method: "POST", headers: { "content-type": "application/json" } };
  const wrong = await fetch(`${url}/v1/stream/webrtc/offer`, { client, ...offer, body: "{" });
  assert.equal((await wrong.json()).code, "invalid_json");
  const large = await fetch(`${url}/v1/stream/webrtc/offer`, { client, ...offer, body: " ".repeat(3_000_000) });
  assert.equal(large.status, 413);
  assert.equal((await large.json()).code, "body_too_large");
  const after = await fetch(`${url}/v1/service/ready`, { client });
  assert.equal(after.status, 200);
  await after.body?.cancel();
  await assert.rejects(fetch(`${server.url}/demo/player`), TypeError);
});

Deno.test("what cannot be served with ends with 2 and one line with the flag", async () => {
  await using authority = await TestAuthority.make();
  const { certFile, keyFile } = await authority.issue("used");
  const other = await authority.issue("other");
  const expired = await authority.issue("expired", { days: -1 });
  const cases: [string[], RegExp][] = [
    [["--cert-file", certFile], /--cert-file needs the private key as well; add --key-file <file>/],
    [["--key-file", keyFile], /--key-file needs the certificate as well; add --cert-file <file>/],
    [["--cert-file", "none.crt", "--key-file", keyFile], /--cert-file: there is no file none\.crt; check the path/],
    [["--cert-file", certFile, "--key-file", root], /--key-file: .* is not a file/],
    [["--cert-file", "main.ts", "--key-file", keyFile], /--cert-file: main\.ts holds no certificate in PEM; give/],
    [["--cert-file", certFile, "--key-file", other.keyFile], /--key-file: .* does not belong to the certificate in/],
    [["--cert-file", expired.certFile, "--key-file", expired.keyFile], /--cert-file: .* expired on .*; renew it/],
  ];
  for (const [flags, words] of cases) {
    const { code, stdout, stderr } = await telefuser(...flags).output();
    const lines = new TextDecoder().decode(stderr).trimEnd().split("\n");
    assert.equal(code, 2, lines.join("\n"));
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0] ?? "", words);
    assert.equal(stdout.length, 0);
  }
});

Deno.test("the banner shows https and the names of the certificate, SIGTERM ends with 0", async () => {
  await using authority = await TestAuthority.make();
  const { certFile, keyFile } = await authority.issue("used", { names: "DNS:localhost,DNS:*.example,IP:127.0.0.1" });
  const child = telefuser("--cert-file", certFile, "--key-file", keyFile).spawn();
  let out = "";
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  while (!/service\/health\n/.test(out)) {
    const { value, done } = await reader.read();
    if (done) break;
    out += value;
  }
  const [, port] = /open +https:\/\/localhost:(\d+)\/demo\/player\n/.exec(out) ?? [];
  assert.ok(port !== undefined, out);
  assert.match(out, new RegExp(`\\n +https://127\\.0\\.0\\.1:${port}/demo/player\\n`));
  assert.match(out, new RegExp(`API +https://localhost:${port}/v1/service/health\\n`));
  assert.ok(!out.includes("http://") && !out.includes("*"), out);
  using client = Deno.createHttpClient({ caCerts: [authority.pem] });
  const page = await fetch(`https://localhost:${port}/demo/player`, { client });
  await page.body?.cancel();
  assert.equal(page.status, 200);
  child.kill("SIGTERM");
  const stderr = await new Response(child.stderr).text();
  assert.equal((await child.status).code, 0, stderr);
  await reader.cancel();
});

function telefuser(...flags: string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "main.ts",
      "stream-serve",
      "tests/pipelines/paused.ts",
      "--host",
      "127.0.0.1",
      "-p",
      "0",
      ...flags,
    ],
    cwd: root,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  });
}

Deno.test("a second server on the same port is told port_in_use, whichever of them has TLS", async () => {
  await using authority = await TestAuthority.make();
  const files = await authority.issue("used");
  const plain = { certFile: "", keyFile: "" };
  const answer = () => new Response("ok");
  for (const [first, second] of [[files, files], [files, plain], [plain, files]] as const) {
    const listener = await listenTls(first, { answer });
    const { port } = listener.addr;
    await assert.rejects(
      async () => await listenTls(second, { answer, port }),
      { code: "port_in_use", message: `port ${port} is in use; stop what listens there or choose another with --port` },
    );
    await listener.shutdown();
  }
});

Deno.test("an address that is not of this machine is told as a fault of the configuration", async () => {
  await using authority = await TestAuthority.make();
  const { certFile, keyFile } = await authority.issue("used");
  const flags = { host: "192.0.2.1", port: "0", certFile, keyFile };
  const loaded = loadConfig({ flags, env: () => undefined });
  await assert.rejects(startServer({ loaded, pipelineFile: testPipeline("paused") }), {
    code: "invalid_config",
    message: /cannot listen on 192\.0\.2\.1:0/,
  });
});

Deno.test("twenty renewals under a steady load fail no request, and new connections see each new certificate", async () => {
  await using authority = await TestAuthority.make();
  using log = new CapturedLog("info");
  const server = await renewable(authority, async (request, remote) => {
    return new Response(`${remote} ${(await request.text()).length}`);
  });
  const { port } = server.listener.addr;
  const next = [await authority.issue("even"), await authority.issue("odd")] as const;
  const failures: string[] = [];
  let answered = { fresh: 0, kept: 0 };
  let over = false;
  /** Sends request after request, each over a connection of its own or all over one. */
  async function load(kind: "fresh" | "kept"): Promise<void> {
    let client = Deno.createHttpClient({ caCerts: [authority.pem] });
    while (!over) {
      try {
        const body = "x".repeat(2000);
        const text = await (await fetch(server.url, { client, method: "POST", body })).text();
        if (text === "127.0.0.1 2000") answered = { ...answered, [kind]: answered[kind] + 1 };
        else failures.push(text);
      } catch (error) {
        failures.push(`${kind}: ${error}`);
      }
      if (kind === "fresh") {
        client.close();
        client = Deno.createHttpClient({ caCerts: [authority.pem] });
      }
    }
    client.close();
  }
  const loads = ["fresh", "fresh", "fresh", "kept", "kept"] as const;
  const running = Promise.all(loads.map(load));
  const seen: string[] = [];
  for (let count = 0; count < 20; count++) {
    const before = answered;
    await eventually("requests go on", () => answered.fresh > before.fresh + 2 && answered.kept > before.kept + 2);
    await server.renew(next[count % 2 === 0 ? 0 : 1]);
    seen.push(await servedSerial(port, authority));
  }
  over = true;
  await running;
  await server[Symbol.asyncDispose]();
  assert.deepEqual(failures, []);
  assert.deepEqual(seen, Array.from({ length: 10 }, () => [next[0].serial, next[1].serial]).flat());
  assert.equal(log.lines.length, 20, log.text);
});

Deno.test("a renewal that does not fit leaves the old certificate in use and is logged once", async () => {
  await using authority = await TestAuthority.make();
  using log = new CapturedLog("info");
  await using server = await renewable(authority, () => new Response("ok"));
  const { port } = server.listener.addr;
  const next = await authority.issue("next");
  await Deno.copyFile(next.certFile, server.files.certFile);
  for (let count = 0; count < 4; count++) await server.look();
  assert.equal(await servedSerial(port, authority), server.files.serial);
  assert.equal(log.lines.length, 1, log.text);
  assert.match(log.text, /ERROR tls: the renewed certificate cannot be used, .*: --key-file: .* does not belong to/);
  await Deno.writeTextFile(server.files.keyFile, "not a key\n");
  for (let count = 0; count < 4; count++) await server.look();
  assert.equal(await servedSerial(port, authority), server.files.serial);
  assert.equal(log.lines.length, 2, log.text);
  await server.renew(next);
  assert.equal(await servedSerial(port, authority), next.serial);
});

Deno.test("a response that is under way survives a renewal", async () => {
  await using authority = await TestAuthority.make();
  using _log = new CapturedLog();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  await using server = await renewable(authority, () => new Response(readable));
  using client = Deno.createHttpClient({ caCerts: [authority.pem] });
  const writer = writable.getWriter();
  writer.write(encoder.encode("before "));
  const response = await fetch(server.url, { client });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader?.read())?.value, "before ");
  const next = await authority.issue("next");
  await server.renew(next);
  assert.equal(await servedSerial(server.listener.addr.port, authority), next.serial);
  writer.write(encoder.encode("after"));
  assert.equal((await reader?.read())?.value, "after");
  await writer.close();
  assert.equal((await reader?.read())?.done, true);
});

Deno.test("headers, addresses and bodies arrive as they were sent", async () => {
  await using authority = await TestAuthority.make();
  using _log = new CapturedLog();
  await using server = await renewable(authority, async (request) => {
    const body = new Uint8Array(await request.arrayBuffer());
    const headers = new Headers([["x-got", request.headers.get("x-sent") ?? ""], ["x-url", request.url]]);
    headers.append("set-cookie", "a=1");
    headers.append("set-cookie", "b=2");
    return new Response(body, { status: 201, headers });
  });
  using client = Deno.createHttpClient({ caCerts: [authority.pem] });
  const sent = crypto.getRandomValues(new Uint8Array(60_000));
  const response = await fetch(`${server.url}//twice/?q=%20`, {
    client,
    method: "PATCH",
    headers: { "x-sent": "yes" },
    body: sent,
  });
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("x-got"), "yes");
  assert.equal(response.headers.get("x-url"), `${server.url}//twice/?q=%20`);
  assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
  assert.deepEqual(new Uint8Array(await response.arrayBuffer()), sent);
});

Deno.test("a request whose address cannot be read is answered with 400", async () => {
  await using authority = await TestAuthority.make();
  using _log = new CapturedLog();
  await using server = await renewable(authority, () => new Response("ok"));
  const { port } = server.listener.addr;
  using connection = await Deno.connectTls({ hostname: "localhost", port, caCerts: [authority.pem] });
  await connection.write(encoder.encode("GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n"));
  const answer = await new Response(connection.readable).text();
  assert.match(answer, /^HTTP\/1\.1 400 /);
});

Deno.test("a viewer that goes ends its request's signal and the body of the answer", async () => {
  await using authority = await TestAuthority.make();
  using log = new CapturedLog();
  let aborted = false;
  let cancelled = false;
  await using server = await renewable(authority, (request) => {
    request.signal.addEventListener("abort", () => aborted = true);
    return new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(encoder.encode("first")),
        cancel: () => void (cancelled = true),
      }),
    );
  });
  using client = Deno.createHttpClient({ caCerts: [authority.pem] });
  const response = await fetch(server.url, { client });
  await response.body?.cancel();
  await eventually("the answer has ended", () => aborted && cancelled);
  assert.ok(log.lines.every(({ level }) => level === "debug"), log.text);
});

Deno.test("noise in place of a handshake harms nobody, stopping waits for answers and for nothing else", async () => {
  await using authority = await TestAuthority.make();
  using log = new CapturedLog();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let asked = false;
  const server = await renewable(authority, async () => {
    asked = true;
    await gate;
    return new Response("y".repeat(2_000_000));
  });
  const { port } = server.listener.addr;
  const idle: Deno.Conn[] = [];
  for (const bytes of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01", "\x00\xff", ""]) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(encoder.encode(bytes));
    idle.push(connection);
  }
  const silent = await Deno.connectTls({ hostname: "localhost", port, caCerts: [authority.pem] });
  await silent.handshake();
  idle.push(silent);
  using client = Deno.createHttpClient({ caCerts: [authority.pem] });
  const response = fetch(server.url, { client });
  await eventually("the request has come", () => asked);
  const stopped = server[Symbol.asyncDispose]();
  open();
  assert.equal((await (await response).text()).length, 2_000_000);
  assert.notEqual(await withTimeLimit(systemClock, 20, Promise.resolve(stopped)), "timeout");
  for (const connection of idle) connection.close();
  assert.ok(log.lines.every(({ level }) => level === "debug"), log.text);
});
