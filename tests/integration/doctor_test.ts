import assert from "node:assert/strict";
import { doctorCommand, readReport, runDoctor } from "../support/doctor.ts";
import { TestAuthority } from "../support/certificates.ts";
import { eventually, examplePipeline, startTestServer, testPipeline } from "../support/test_server.ts";
import { undisturbed } from "../support/undisturbed.ts";
import { connectViewer } from "../support/viewer.ts";

Deno.test("a server that works is ok in every line: pictures come over UDP, its TCP port answers, and no session stays", async () => {
  await using server = await startTestServer(examplePipeline("video_replay"), { tcpPort: `${freeTcpPort()}` });
  const { code, out, err } = await runDoctor(["--server-url", server.url]);
  assert.equal(code, 0, out + err);
  assert.equal(err, "");
  assert.match(out, /^ok {4}http:\/\/127\.0\.0\.1:\d+ answers in [\d.]+ ms: healthy, 0 of 10 sessions$/m);
  assert.match(out, /^ok {4}clock: /m);
  assert.match(out, /^ok {4}the server names no STUN and TURN servers/m);
  assert.match(out, /^ok {4}UDP: connected directly, host to (host|prflx) \S+:\d+/m);
  assert.match(out, /^ok {4}media: \d+ pictures in H264 \([1-9]\d* packets\) and [1-9]\d* packets of sound came$/m);
  assert.match(out, /^ok {4}TCP: the server's candidate \S+ answers in [\d.]+ ms \(ICE-TCP\)$/m);
  assert.match(out, /^ok {4}MTU: datagrams of up to 1[24]\d\d bytes get to /m);
  assert.doesNotMatch(out, /^(FAIL|warn|skip)/m);
  assert.ok(out.endsWith("\n\nA viewer here gets a direct connection over UDP.\n"), out);
  assert.equal(server.server.registry.size, 0);
});

Deno.test("--json prints one document of the same", async () => {
  await using server = await startTestServer(examplePipeline("video_replay"));
  const { code, out } = await runDoctor(["--server-url", `${server.url}/`, "--json"]);
  const { report, checks } = readReport(out);
  assert.equal(code, 0);
  assert.equal(report.ok, true);
  assert.equal(report.verdict, "A viewer here gets a direct connection over UDP.");
  assert.deepEqual([...checks].map(([id, { status }]) => [id, status]), [
    ["http", "ok"],
    ["clock", "ok"],
    ["ice-servers", "ok"],
    ["candidates", "ok"],
    ["media-udp", "ok"],
    ["pictures", "ok"],
    ["tcp", "skip"],
    ["mtu", "ok"],
  ]);
});

Deno.test("a server that is not there exits with 1 and says what to do", async () => {
  const { code, out } = await runDoctor(["--server-url", `http://127.0.0.1:${freeTcpPort()}`]);
  assert.equal(code, 1);
  assert.match(out, /^FAIL {2}http:\S+ cannot be reached: the connection is refused\n {6}→ start the server/);
  assert.match(out, /The server cannot be reached from here/);
});

Deno.test("something else behind the address is told as that", async () => {
  const other = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, () => new Response("hello"));
  const { code, out } = await runDoctor(["--server-url", `http://127.0.0.1:${other.addr.port}`]);
  await other.shutdown();
  assert.equal(code, 1);
  assert.match(out, /^FAIL {2}http:\S+ answers 200, but is no TeleFuser server/);
});

Deno.test("a certificate that nobody trusts, or for another name, is told in words", async () => {
  await using authority = await TestAuthority.make();
  for (
    const [names, trusted, words] of [
      ["IP:127.0.0.1", false, /from nobody that this machine trusts/],
      ["DNS:example.org", true, /for another name/],
    ] as const
  ) {
    const { certFile, keyFile } = await authority.issue("server", { names });
    await using server = await startTestServer(testPipeline("paused"), { certFile, keyFile });
    const env: Record<string, string> = trusted ? { DENO_CERT: authority.at("ca.crt") } : {};
    const { code, out } = await runDoctor(["--server-url", `https://127.0.0.1:${server.server.port}`], { env });
    assert.equal(code, 1, out);
    assert.match(out, words);
    const plain = await runDoctor(["--server-url", `http://127.0.0.1:${server.server.port}`]);
    assert.equal(plain.code, 1);
    assert.match(plain.out, /→ check http or https/);
  }
});

Deno.test("a two-way pipeline is connected to as well, and is not blamed for waiting for input", async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  const { code, out } = await runDoctor(["--server-url", server.url]);
  assert.equal(code, 0, out);
  assert.match(out, /^ok {4}UDP: connected directly/m);
  assert.match(out, /^skip {2}media: no picture came; this pipeline may wait for input/m);
  assert.equal(server.server.registry.size, 0);
});

Deno.test("a server that is full, or whose pipeline refuses the offer, could not be tried, which is no failure", async () => {
  await using full = await startTestServer(testPipeline("two_way"), { webrtcMaxSessions: "1" });
  await using _viewer = await connectViewer(full, { channel: true });
  const first = await runDoctor(["--server-url", full.url]);
  assert.equal(first.code, 0, first.out);
  assert.match(first.out, /^skip {2}UDP, TCP: could not be tried, .* \(sessions_full\).*\n {6}→ try again/m);
  assert.match(first.out, /could not be tried\.\n$/);
  assert.equal(full.server.registry.size, 1);
  await using refusing = await startTestServer(testPipeline("refusing"));
  await undisturbed(async () => {
    const second = await runDoctor(["--server-url", refusing.url]);
    assert.equal(second.code, 0, second.out);
    assert.match(second.out, /could not be tried, .* \(pipeline_failed\): steps must be 1 to 50/);
  });
});

Deno.test("a pipeline that did not start is a failure with its words", async () => {
  await using server = await startTestServer(testPipeline("start_fails"));
  const { code, out } = await runDoctor(["--server-url", server.url]);
  assert.equal(code, 1);
  assert.match(out, /^FAIL {2}http:\S+ answers in .*the weights are missing: put model\.bin/);
});

Deno.test("this machine by itself: codecs, ports and candidates; a STUN server that is silent is a warning", async () => {
  const silent = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const stun = `stun:127.0.0.1:${(silent.addr as Deno.NetAddr).port}`;
  const { code, out } = await runDoctor(["-p", `${freeTcpPort()}`, "--stun-servers", stun]);
  silent.close();
  assert.equal(code, 0, out);
  for (const codec of ["H264", "VP8", "Opus"]) assert.match(out, new RegExp(`^ok {4}${codec}: `, "m"));
  assert.match(out, /^ok {4}port \d+ \(--port\) is free$/m);
  assert.match(out, /^(ok {2}|warn) {2}candidates of this machine: host /m);
  assert.match(
    out,
    /^warn {2}STUN stun:127\.0\.0\.1:\d+ gives no address: no answer within 3 s\n {6}→ viewers in the same/m,
  );
  assert.match(out, /^warn {2}UDP: nothing comes back/m);
});

Deno.test("a port that is taken and a key that does not fit are failures with their remedy", async () => {
  await using authority = await TestAuthority.make();
  const [good, other] = [await authority.issue("good"), await authority.issue("other")];
  using taken = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const port = `${taken.addr.port}`;
  const files = ["--cert-file", good.certFile, "--key-file", other.keyFile];
  const args = ["-p", `${freeTcpPort()}`, "--tcp-port", port, "--stun-servers", "", ...files];
  const { code, out } = await runDoctor(args);
  assert.equal(code, 1);
  assert.match(out, /^FAIL {2}port \d+ \(--tcp-port\) is in use\n {6}→ .*--tcp-port$/m);
  assert.match(out, /^FAIL {2}--key-file: .* does not belong to the certificate .*\n {6}→ give the key/m);
  assert.match(out, /not ready to serve with these settings: 2 checks failed\.\n$/);
});

Deno.test("--help names the flags that matter and the exit codes", async () => {
  const { code, out } = await runDoctor(["--help"]);
  assert.equal(code, 0);
  for (const flag of ["--server-url <url>", "--json", "--turn-server <urls>", "--stun-servers", "--udp-port-range"]) {
    assert.ok(out.includes(flag), flag);
  }
  assert.ok(!out.includes("--encoder-effort"));
  assert.match(out, /Exit code: 0 .* 1 .* 2 /);
});

Deno.test("what cannot be read exits with 2 and one line", async () => {
  for (
    const args of [["--server-url", "server:8088"], ["--server-url", "http://me:hush@server"], ["--tcp-port", "x"]]
  ) {
    const { code, out, err } = await runDoctor(args);
    assert.equal(code, 2, err);
    assert.equal(err.trimEnd().split("\n").length, 1);
    assert.equal(out, "");
    assert.ok(!err.includes("hush"), err);
  }
});

Deno.test("Ctrl-C ends it at once, and the session that it opened is closed", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  const [program = "", ...args] = doctorCommand(["--server-url", server.url]);
  const child = new Deno.Command(program, { args, stdout: "null", stderr: "null" }).spawn();
  await eventually("it has opened a session", () => server.server.registry.size === 1, 20_000);
  child.kill("SIGINT");
  assert.equal((await child.status).code, 130);
  await eventually("the session is gone", () => server.server.registry.size === 0);
});

Deno.test("where nothing answers it still ends by itself", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const udp = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const [port, udpPort] = [silent.addr.port, (udp.addr as Deno.NetAddr).port];
  const turn = `turn:127.0.0.1:${udpPort},turn:127.0.0.1:${port}?transport=tcp,turns:127.0.0.1:${port}`;
  const servers = ["--stun-servers", `stun:127.0.0.1:${udpPort}`, "--turn-server", turn];
  for (const args of [["-p", `${freeTcpPort()}`], ["--server-url", `http://127.0.0.1:${port}`]]) {
    const { code, out, duration } = await runDoctor([...args, ...servers]);
    assert.equal(code, 1, out);
    assert.ok(duration < 15, `it took ${duration} s`);
  }
  udp.close();
});

/** A port that was free a moment ago. */
function freeTcpPort(): number {
  using listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  return listener.addr.port;
}
