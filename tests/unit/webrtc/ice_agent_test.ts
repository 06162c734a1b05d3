import assert from "node:assert/strict";
import { RTCIceGatherer, RTCIceTransport } from "werift";
import { systemClock } from "../../../src/async/mod.ts";
import { StreamError } from "../../../src/errors.ts";
import { Log } from "../../../src/log.ts";
import { IceAgent, type IceAgentOptions } from "../../../src/webrtc/ice_agent.ts";
import { MediaPorts, type MediaPortsOptions } from "../../../src/webrtc/media_ports.ts";
import { CapturedLog } from "../support/captured_log.ts";

const PASSWORD = "twenty-two characters or more".replaceAll(/\W/g, "0");

/** An agent at one end of a connection that nobody has offered yet. */
class Setup implements AsyncDisposable {
  readonly transport = new RTCIceTransport(new RTCIceGatherer());
  readonly agent: IceAgent;
  readonly #ports: MediaPorts;

  constructor(options: Partial<IceAgentOptions> = {}, ports: Partial<MediaPortsOptions> = {}) {
    const clock = systemClock;
    this.#ports = new MediaPorts({ udpPort: 0, udpPortRange: null, tcpPort: 0, publicIps: [], clock, ...ports });
    this.agent = new IceAgent({
      transport: this.transport,
      ports: this.#ports,
      servers: [],
      loopback: true,
      serverLimit: 2,
      clock,
      log: new Log("test"),
      ...options,
    });
  }

  /** Candidates of the viewer's that are checked. */
  get remote(): string[] {
    return this.transport.connection.remoteCandidates.map(({ host, port, type }) => `${type} ${host}:${port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.agent.close();
    await this.transport.stop();
    this.#ports.close();
  }
}

function hostCandidate(port: number, host = "203.0.113.7"): string {
  return `candidate:1 1 udp 2113937151 ${host} ${port} typ host`;
}

Deno.test("a candidate that comes again is passed over", async () => {
  await using setup = new Setup();
  const { agent } = setup;
  const mapped = "candidate:2 1 udp 1677729535 203.0.113.7 4000 typ srflx raddr 0.0.0.0 rport 0";
  for (const line of [hostCandidate(4000), hostCandidate(4000), mapped, mapped, hostCandidate(4001)]) {
    await agent.add(line);
  }
  assert.deepEqual(setup.remote, ["host 203.0.113.7:4000", "srflx 203.0.113.7:4000", "host 203.0.113.7:4001"]);
});

Deno.test("no more than 100 are taken, however many fragments they come in, and that is logged once", async () => {
  using log = new CapturedLog();
  await using setup = new Setup();
  const { agent } = setup;
  for (let port = 1; port <= 250; port++) await agent.add(hostCandidate(port));
  assert.equal(setup.remote.length, 100);
  assert.equal(setup.remote.at(-1), "host 203.0.113.7:100");
  assert.equal(log.text.match(/more than 100 ICE candidates; the others are passed over/g)?.length, 1);
});

Deno.test("after a restart candidates are taken anew, those of before included", async () => {
  using _log = new CapturedLog();
  await using setup = new Setup();
  const { agent, transport } = setup;
  transport.setRemoteParams({ iceLite: false, usernameFragment: "before", password: PASSWORD });
  for (let port = 1; port <= 101; port++) await agent.add(hostCandidate(port, "127.0.0.1"));
  assert.equal(setup.remote.length, 100);
  await agent.restart({ usernameFragment: "after", password: PASSWORD });
  assert.deepEqual(setup.remote, []);
  for (let port = 1; port <= 3; port++) await agent.add(hostCandidate(port, "127.0.0.1"));
  assert.equal(setup.remote.length, 3);
});

Deno.test("host candidates come at once", async () => {
  await using setup = new Setup();
  await setup.transport.gather();
  const candidates = setup.agent.takeCandidates();
  assert.ok(candidates.some((line) => / 127\.0\.0\.1 \d+ typ host /.test(line)), candidates.join("\n"));
  assert.deepEqual(setup.agent.takeCandidates(), [], "each is told once");
});

Deno.test("with a relay alone there are no candidates of this machine, and what is wrong with the TURN server is told", async () => {
  using log = new CapturedLog();
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = closed.addr;
  closed.close();
  const urls = `turn:127.0.0.1:${port}?transport=tcp`;
  const servers = [{ urls: "stun:127.0.0.1:9" }, { urls, username: "viewer", credential: "relay-me" }];
  await using setup = new Setup({ servers }, { relayOnly: true });
  const { agent } = setup;
  await setup.transport.gather();
  assert.deepEqual(agent.takeCandidates(), []);
  assert.deepEqual(setup.transport.connection.localCandidates, []);
  const { failure } = agent;
  assert.ok(failure instanceof StreamError && failure.code === "no_ice_candidates");
  assert.match(failure.message, /^no TURN server gives this server an address, .*--relay-only.*: .*refused/i);
  assert.match(log.text, /the TURN server turn:\S+ gives no address/);
});
