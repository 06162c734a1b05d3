import assert from "node:assert/strict";
import { TestAuthority } from "../support/certificates.ts";
import { startCoturn, type TurnTransport } from "../support/coturn.ts";
import { doctorCommand, readReport, runDoctor } from "../support/doctor.ts";
import { startFirewalledServer } from "../support/firewalled_server.ts";
import { ADDRESSES, CANNOT_MAKE_NAMESPACES as ignore, Namespaces } from "../support/namespaces.ts";
import { eventually, examplePipeline, startTestServer } from "../support/test_server.ts";

const TRANSPORTS = ["udp", "tcp", "tls"] as const satisfies readonly TurnTransport[];
const MEDIA_PORT = "40000";
/** Room for everything that a test starts, in seconds. */
const LIMIT = "30";

Deno.test("allocation, permission and a packet through the relay work over UDP, TCP and TLS", async () => {
  await using authority = await TestAuthority.make();
  const certificate = await authority.issue("relay");
  await using relay = await startCoturn({ certificate, verbose: true });
  const urls = TRANSPORTS.map((transport) => relay.url(transport));
  const credentials = ["--turn-username", relay.username, "--turn-credential", relay.credential];
  const stun = `stun:127.0.0.1:${relay.port}`;
  const args = ["-p", "0", "--stun-servers", stun, "--turn-server", urls.join(","), ...credentials, "--json"];
  const { code, out, err } = await runDoctor(args, { env: { DENO_CERT: authority.at("ca.crt") } });
  assert.equal(code, 0, out + err);
  const { report, checks } = readReport(out);
  for (const [index, url] of urls.entries()) {
    assert.equal(checks.get(`turn-allocation:${url}`)?.status, "ok");
    const name = `(${TRANSPORTS[index]?.toUpperCase()}) gives the address 127.0.0.1:`;
    assert.ok(checks.get(`turn-allocation:${url}`)?.summary.includes(name));
    assert.equal(checks.get(`turn-permission:${url}`)?.status, "ok");
    assert.equal(checks.get(`turn-data:${url}`)?.status, "ok");
  }
  assert.match(checks.get(`stun:${stun}`)?.summary ?? "", /and sees 127\.0\.0\.1:\d+$/);
  assert.equal(checks.get("udp")?.status, "ok");
  assert.match(checks.get("mtu")?.summary ?? "", /up to 1472 bytes/);
  assert.match(report.verdict, /ready: .* all others at least through the relay/);
  assert.ok(!out.includes(relay.credential));
  const given = () => relay.output().match(/ new, .* lifetime=600/g)?.length;
  const returned = () => relay.output().match(/ refreshed, .* lifetime=0/g)?.length;
  await eventually("every address that it was given has been given back", () => returned() === TRANSPORTS.length);
  assert.equal(given(), TRANSPORTS.length);
});

Deno.test("a relay that shows a certificate nobody trusts, and one that nobody runs, are failures in words", async () => {
  await using relay = await startCoturn();
  using closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const nobody = `turn:127.0.0.1:${closed.addr.port}?transport=tcp`;
  closed.close();
  const servers = [relay.url("tls"), nobody].join(",");
  const credentials = ["--turn-username", relay.username, "--turn-credential", relay.credential];
  const { code, out } = await runDoctor(["-p", "0", "--stun-servers", "", "--turn-server", servers, ...credentials]);
  assert.equal(code, 1);
  assert.match(out, /^FAIL {2}TURN turns:\S+ \(TLS\) gives no address: the certificate is from nobody/m);
  assert.match(
    out,
    /^FAIL {2}TURN turn:\S+ \(TCP\) gives no address: the connection is refused\n {6}→ nothing listens/m,
  );
});

Deno.test("wrong credentials are told as that, over every transport, and are not printed", async () => {
  await using relay = await startCoturn();
  const urls = [relay.url("udp"), relay.url("tcp")];
  const credentials = ["--turn-username", relay.username, "--turn-credential", "not-the-password"];
  const args = ["-p", "0", "--stun-servers", "", "--turn-server", urls.join(","), ...credentials];
  const { code, out, err } = await runDoctor(args);
  assert.equal(code, 1);
  for (const transport of ["UDP", "TCP"]) {
    const line = new RegExp(
      `^FAIL  TURN \\S+ \\(${transport}\\) gives no address: it refuses the user name or password`,
    );
    assert.match(out.split("\n").find((one) => line.test(one)) ?? "", /\(401 /);
  }
  assert.match(out, /→ check --turn-username and --turn-credential/);
  assert.ok(!`${out}${err}`.includes("not-the-password"));
});

Deno.test("the TURN server that the server names is tried with the password that the server made", async () => {
  const secret = "a shared secret";
  await using relay = await startCoturn({ secret });
  for (const [turnSecret, status, exit] of [[secret, "ok", 0], ["another one", "fail", 1]] as const) {
    await using server = await startTestServer(examplePipeline("video_replay"), {
      turnServer: relay.url("udp"),
      turnSecret,
      relayOnly: true,
    });
    const { code, out } = await runDoctor(["--server-url", server.url, "--json"]);
    const { report, checks } = readReport(out);
    assert.equal(code, exit, out);
    assert.equal(checks.get(`turn-allocation:${relay.url("udp")}`)?.status, status);
    assert.equal(checks.get("media-udp")?.status, "skip");
    assert.equal(checks.get("media-relay")?.status, status === "ok" ? "ok" : undefined);
    assert.match(report.verdict, status === "ok" ? /^Relays only, .* that works\.$/ : /^No way/);
    assert.equal(server.server.registry.size, 0);
  }
});

/** Runs it on the left, as a viewer there. */
async function runOnTheLeft(namespaces: Namespaces, args: readonly string[]) {
  const { code, stdout } = await namespaces.run("left", ["timeout", LIMIT, ...doctorCommand([...args, "--json"])]);
  return { code, out: stdout, ...readReport(stdout) };
}

Deno.test("UDP that a firewall drops is told as blocked, and that TCP works", { ignore }, async () => {
  await using namespaces = await Namespaces.make();
  await using server = await startFirewalledServer(namespaces, {
    pipeline: examplePipeline("video_replay"),
    flags: ["--udp-port", MEDIA_PORT, "--tcp-port", MEDIA_PORT],
    place: "middle",
    firewall: { input: "meta l4proto udp drop" },
  });
  const { code, report, checks, out } = await runOnTheLeft(namespaces, ["--server-url", server.url]);
  assert.equal(code, 0, out);
  assert.equal(checks.get("media-udp")?.status, "warn");
  assert.match(checks.get("media-udp")?.summary ?? "", /^UDP: blocked between here and the server/);
  const asked = new RegExp(`host ${ADDRESSES.middleLeft}:${MEDIA_PORT} no answer`);
  assert.match(checks.get("media-udp")?.detail ?? "", asked);
  assert.match(checks.get("tcp")?.summary ?? "", new RegExp(`candidate ${ADDRESSES.middleLeft}:${MEDIA_PORT} answers`));
  assert.equal(checks.get("mtu")?.status, "skip");
  assert.equal(report.verdict, "Only TCP works from here, no UDP gets through.");
});

Deno.test("a machine that lets no UDP out is told so, and that TURN over TCP works", { ignore }, async () => {
  await using namespaces = await Namespaces.make();
  const address = ADDRESSES.middleLeft;
  await using relay = await startCoturn({ namespace: namespaces.name("middle"), address });
  const ruleset = `table inet test {
    chain outgoing { type filter hook output priority 0; meta l4proto udp drop; }
  }`;
  const { success, stderr } = await namespaces.run("left", ["/usr/sbin/nft", ruleset]);
  assert.ok(success, stderr);
  const [udp, tcp] = [relay.url("udp"), relay.url("tcp")];
  const credentials = ["--turn-username", relay.username, "--turn-credential", relay.credential];
  const args = ["-p", "0", "--stun-servers", `stun:${address}:${relay.port}`, "--turn-server", `${udp},${tcp}`];
  const { code, checks, out } = await runOnTheLeft(namespaces, [...args, ...credentials]);
  assert.equal(code, 0, out);
  assert.equal(checks.get(`turn-allocation:${udp}`)?.status, "warn");
  assert.equal(checks.get(`turn-allocation:${tcp}`)?.status, "ok");
  assert.equal(checks.get(`turn-data:${tcp}`)?.status, "warn");
  assert.equal(checks.get("udp")?.status, "warn");
  assert.match(checks.get("udp")?.summary ?? "", /blocked from here.* while TURN over TCP or TLS works/);
});

Deno.test("where neither UDP nor TCP for media passes it fails", { ignore }, async () => {
  await using namespaces = await Namespaces.make();
  await using server = await startFirewalledServer(namespaces, {
    pipeline: examplePipeline("video_replay"),
    flags: ["--tcp-port", MEDIA_PORT],
    place: "middle",
    firewall: { input: `meta l4proto udp drop; tcp dport ${MEDIA_PORT} reject with tcp reset` },
  });
  const { code, report, checks, out } = await runOnTheLeft(namespaces, ["--server-url", server.url]);
  assert.equal(code, 1, out);
  assert.equal(checks.get("media-udp")?.status, "fail");
  assert.equal(checks.get("tcp")?.status, "fail");
  assert.match(checks.get("tcp")?.remedy ?? "", /--tcp-port/);
  assert.equal(report.verdict, "No way for pictures from this server to here works.");
});

Deno.test("the largest datagram that passes is found, and one that is too small is a warning", { ignore }, async () => {
  for (
    const [most, status, words] of [[1250, "ok", /up to 1200 bytes/], [1000, "warn", /no datagram of 1200/]] as const
  ) {
    await using namespaces = await Namespaces.make();
    await using server = await startFirewalledServer(namespaces, {
      pipeline: examplePipeline("video_replay"),
      flags: [],
      place: "middle",
      firewall: { input: `meta l4proto udp meta length > ${most} drop` },
    });
    const { checks, out } = await runOnTheLeft(namespaces, ["--server-url", server.url]);
    assert.equal(checks.get("mtu")?.status, status, out);
    assert.match(checks.get("mtu")?.summary ?? "", words);
  }
});

Deno.test("where there is no direct route but a relay, only the relay works", { ignore }, async () => {
  await using namespaces = await Namespaces.make();
  await using relay = await startCoturn({
    namespace: namespaces.name("middle"),
    address: ADDRESSES.middleLeft,
    relayAddress: ADDRESSES.middleLeft,
  });
  await using server = await startFirewalledServer(namespaces, {
    pipeline: examplePipeline("video_replay"),
    flags: ["--udp-port", MEDIA_PORT],
    place: "middle",
    // What comes from the relay beside it comes over loopback.
    firewall: { input: `udp dport ${MEDIA_PORT} drop` },
  });
  const turn = ["--turn-server", relay.url("udp"), "--turn-username", relay.username];
  const args = ["--server-url", server.url, ...turn, "--turn-credential", relay.credential];
  const { code, report, checks, out } = await runOnTheLeft(namespaces, args);
  assert.equal(code, 0, out);
  assert.equal(checks.get("media-udp")?.status, "warn");
  assert.match(checks.get("media-udp")?.summary ?? "", /^UDP: it goes out from here, but nothing comes back/);
  assert.match(checks.get("media-relay")?.summary ?? "", /^relay: connected through TURN alone, relay to /);
  assert.equal(report.verdict, "Only a relay works from here, there is no direct way.");
});
