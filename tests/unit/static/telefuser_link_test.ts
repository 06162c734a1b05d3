import assert from "node:assert/strict";
import { FakePeer } from "./fake_peer.ts";
import { FakeTime } from "./fake_time.ts";

interface Ice {
  iceServers: { urls: string }[];
  iceTransportPolicy: "all" | "relay";
}

interface LinkOptions {
  ice: Ice;
  patch: (fragment: string) => Promise<string | null>;
  isTwoWay: boolean;
  listener: Record<string, (value: unknown) => void>;
}

interface Link {
  readonly isUp: boolean;
  readonly refusedBy: string | null;
  readonly unreached: string | null;
  describe(gatherLimitMs: number): Promise<{ sdp: string } | null>;
  accept(sdp: string): Promise<void>;
  restart(ice: Ice): Promise<boolean>;
  send(text: string): boolean;
  close(): void;
}

/** The module as it is used here: its own types are those of a browser. */
interface LinkModule {
  Link: new (options: LinkOptions) => Link;
}

const MODULE: string = "../../../static/telefuser-link.js";
const { Link } = await import(MODULE) as LinkModule;

const NO_SERVERS: Ice = { iceServers: [], iceTransportPolicy: "all" };
const TURN: Ice = { iceServers: [{ urls: "turn:a" }], iceTransportPolicy: "relay" };
const HOST = "candidate:1 1 udp 1 192.0.2.1 5 typ host";
const ANSWER = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=ice-ufrag:server1\r\na=ice-pwd:p\r\n";

/** A link over a made-up peer, with the fragments that the server got; `answers` are those it gives, else null. */
function makeLink({ ice = NO_SERVERS, isTwoWay = false, answers = [] }: {
  ice?: Ice;
  isTwoWay?: boolean;
  answers?: (string | Error)[];
} = {}) {
  const fragments: string[] = [];
  const faults: string[] = [];
  const listener = new Proxy({}, { get: (_, name) => (value: unknown) => faults.push(`${String(name)} ${value}`) });
  const link = new Link({
    ice,
    isTwoWay,
    listener,
    patch: (fragment) => {
      fragments.push(fragment);
      const answer = answers.shift() ?? null;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  });
  const peer = FakePeer.made.at(-1);
  assert.ok(peer !== undefined);
  return { link, peer, fragments, faults };
}

/** Of what a fragment is about: its round and its candidates. */
function gist(fragment: string): string[] {
  return fragment.split("\r\n").filter((line) => /^a=(ice-ufrag|candidate|end-of)/.test(line)).map((line) =>
    line.replace("a=ice-ufrag:", "").replace("a=", "")
  );
}

Deno.test("candidates go to the server once it has answered, under the ufrag of their round; names of mDNS do not", async () => {
  using _peers = FakePeer.install();
  using time = new FakeTime();
  const { link, peer, fragments } = makeLink({ ice: TURN });
  await link.describe(0);
  peer.find(HOST);
  peer.find("candidate:2 1 udp 1 3f0e.local 5 typ host");
  await time.pass(500);
  assert.deepEqual(fragments, []);
  await link.accept(ANSWER);
  peer.find("");
  peer.find(null);
  await time.pass(500);
  assert.deepEqual(fragments.map(gist), [["round1", HOST, "end-of-candidates"]]);
});

Deno.test("candidates of the server that come back are used, whatever the others among them are", async () => {
  using _peers = FakePeer.install();
  using time = new FakeTime();
  const told = "a=ice-ufrag:s\r\na=ice-pwd:p\r\na=candidate:bad\r\na=candidate:2 1 udp 1 192.0.2.9 6 typ relay\r\n";
  const { link, peer, fragments } = makeLink({ answers: [told] });
  await link.describe(0);
  await link.accept(ANSWER);
  peer.find(HOST);
  await time.pass(60_000);
  assert.deepEqual(peer.added, ["candidate:2 1 udp 1 192.0.2.9 6 typ relay"]);
  assert.equal(fragments.length, 1, "and nothing is sent again because of them");
});

Deno.test("a restart begins a new round with the new servers, and the old round's candidates are not told", async () => {
  using _peers = FakePeer.install();
  using time = new FakeTime();
  const told = "a=ice-ufrag:server2\r\na=ice-pwd:q\r\na=candidate:7 1 udp 1 192.0.2.9 6 typ host\r\n";
  const { link, peer, fragments } = makeLink({ answers: [told] });
  await link.describe(0);
  await link.accept(ANSWER);
  peer.find(HOST);
  assert.equal(await link.restart(TURN), true);
  assert.deepEqual(peer.configurations.at(-1), TURN);
  assert.match(peer.remoteDescription?.sdp ?? "", /ice-ufrag:server2[^]*candidate:7/);
  peer.find("candidate:3 1 udp 1 192.0.2.3 5 typ relay");
  await time.pass(500);
  assert.deepEqual(fragments.map(gist), [["round2"], ["round2", "candidate:3 1 udp 1 192.0.2.3 5 typ relay"]]);
});

Deno.test("a server that knows no fragments cannot restart", async () => {
  using _peers = FakePeer.install();
  const { link } = makeLink();
  await link.describe(0);
  await link.accept(ANSWER);
  assert.equal(await link.restart(NO_SERVERS), false);
});

Deno.test("nothing is sent after it was closed", async () => {
  using _peers = FakePeer.install();
  using time = new FakeTime();
  const { link, peer, fragments } = makeLink({ answers: [new TypeError("fetch failed")] });
  await link.describe(0);
  await link.accept(ANSWER);
  peer.find(HOST);
  await time.pass(100);
  assert.equal(fragments.length, 1);
  link.close();
  await time.pass(60_000);
  assert.equal(fragments.length, 1);
});

Deno.test("a relay that refuses the credentials is told, once there is no other way", async () => {
  using _peers = FakePeer.install();
  const { link, peer, faults } = makeLink({ ice: TURN });
  await link.describe(0);
  peer.refuse(701, "stun:b");
  peer.refuse(401, "turn:a");
  assert.deepEqual([link.unreached, link.refusedBy, faults], ["stun:b", "turn:a", []]);
  peer.find(null);
  assert.match(faults.join(), /^noCandidates .*turn:a refused the user name or password/);
});

Deno.test("a two-way link is up when its channel is open as well", () => {
  using _peers = FakePeer.install();
  for (const isTwoWay of [false, true]) {
    const { link, peer } = makeLink({ isTwoWay });
    assert.equal(link.isUp, false);
    peer.connectionState = "connected";
    assert.equal(link.isUp, !isTwoWay);
    peer.channel.readyState = "open";
    assert.equal(link.isUp, true);
  }
});

Deno.test("a text larger than the server takes is refused in words that name the limit; a full channel is no fault", () => {
  using _peers = FakePeer.install();
  const { link, peer: { channel }, peer } = makeLink();
  assert.equal(link.send("early"), false);
  channel.readyState = "open";
  peer.sctp = { maxMessageSize: 1200 };
  assert.equal(link.send("ä".repeat(600)), true);
  const tooLarge = { code: "message_too_large", message: /has 1,202 bytes, .* takes 1,200, .* not sent\. Send less/ };
  assert.throws(() => link.send("ä".repeat(601)), tooLarge);
  peer.sctp = null;
  channel.refuse = () => new TypeError("larger than the maximum message size");
  assert.throws(() => link.send("x"), { code: "message_too_large", message: /has 1 bytes, more than/ });
  channel.refuse = () => new DOMException("send queue is full", "OperationError");
  assert.equal(link.send("x"), false);
  assert.equal(channel.sent.length, 1);
});
