import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  BODY_MUTATIONS,
  LINE_MUTATIONS,
  type Mutation,
  OFFER_MUTATIONS,
  SeededRandom,
} from "../support/sdp_mutations.ts";
import { eventually, startTestServer, testPipeline, type TestServer } from "../support/test_server.ts";
import { undisturbed } from "../support/undisturbed.ts";
import { connectViewer } from "../support/viewer.ts";
import { CHROMIUM_OFFER, FIREFOX_OFFER, SAFARI_OFFER } from "../unit/support/offers.ts";

const OFFERS = [CHROMIUM_OFFER, FIREFOX_OFFER, SAFARI_OFFER];
const SEED = 20_261_121;
const OFFER_COUNT = 10_000;
/** Parts of them, after each of which the memory is looked at. */
const ROUNDS = 4;
const BODY_COUNT = 500;
const FRAGMENT_COUNT = 2000;
/** Clients at the same time. */
const CONCURRENCY = 12;
/** Milliseconds within which each request is answered. */
const ANSWER_LIMIT = 1000;
/** Longest time a client waits before it counts the server as hung, in milliseconds. */
const HUNG = 20_000;

/** One damaged request. */
interface Damaged {
  readonly name: string;
  readonly body: string;
}

/** What the answers were like. */
class Tally {
  readonly statuses = new Map<number, number>();
  /** Names of the damage that was answered 200, and how often. */
  readonly taken = new Map<string, number>();
  readonly faults: string[] = [];
  /** What was answered too late. */
  readonly slow: Damaged[] = [];
  slowest: { ms: number; name: string } = { ms: 0, name: "" };

  count(damaged: Damaged, answer: { status: number; ms: number; text: string }): void {
    const { status, ms, text } = answer;
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (status === 200) this.taken.set(damaged.name, (this.taken.get(damaged.name) ?? 0) + 1);
    if (ms > this.slowest.ms) this.slowest = { ms, name: damaged.name };
    const isRefused = status >= 400 && status < 500;
    if (ms > ANSWER_LIMIT) this.slow.push(damaged);
    if (!isRefused && status !== 200 && status !== 204) {
      this.faults.push(`${damaged.name}: ${status} after ${ms.toFixed(0)} ms: ${text.slice(0, 300)}`);
    }
  }

  toString(): string {
    const statuses = [...this.statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
    return `${statuses.join(", ")}; slowest ${this.slowest.ms.toFixed(0)} ms (${this.slowest.name})`;
  }
}

/** Damaged requests one by one: each kind of damage in turn, on each browser's offer in turn. */
function* damage(
  { kinds, originals, count, seed = SEED }: {
    kinds: readonly Mutation[];
    originals: readonly string[];
    count: number;
    seed?: number;
  },
): Generator<Damaged> {
  const random = new SeededRandom(seed);
  for (let index = 0; index < count; index++) {
    const kind = kinds[index % kinds.length] as Mutation;
    yield { name: kind.name, body: kind.apply(random.pick(originals), random) };
  }
}

/** Lets several clients work through the requests. */
async function workThrough(requests: Iterator<Damaged>, send: (damaged: Damaged) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: CONCURRENCY }, async () => {
    for (let next = requests.next(); next.done !== true; next = requests.next()) await send(next.value);
  }));
}

async function timed(
  server: TestServer,
  path: string,
  init: RequestInit,
): Promise<{ status: number; ms: number; text: string }> {
  const begin = performance.now();
  const response = await server.fetch(path, { ...init, signal: AbortSignal.timeout(HUNG) });
  const text = await response.text();
  return { status: response.status, ms: performance.now() - begin, text };
}

/** Whatever was answered too late is answered in time when it comes alone. */
async function retry(tally: Tally, send: (damaged: Damaged, tally: Tally) => Promise<void>): Promise<void> {
  for (const damaged of tally.slow.splice(0)) {
    await undisturbed(async () => {
      const alone = new Tally();
      await send(damaged, alone);
      assert.deepEqual([alone.faults, alone.slow], [[], []], String(alone));
    });
  }
}

/** Offers, and closes what was opened by an offer that could be answered all the same. */
async function offer(server: TestServer, damaged: Damaged, tally: Tally): Promise<void> {
  const answer = await timed(server, "/v1/stream/webrtc/offer", { method: "POST", body: damaged.body });
  tally.count(damaged, answer);
  if (answer.status !== 200) {
    const problem = JSON.parse(answer.text);
    if (typeof problem.code !== "string" || problem.detail === "") tally.faults.push(`${damaged.name}: ${answer.text}`);
    return;
  }
  const { session_id } = JSON.parse(answer.text);
  const closed = await server.fetch(`/v1/stream/webrtc/${session_id}`, { method: "DELETE" });
  await closed.body?.cancel();
  if (closed.status !== 200) tally.faults.push(`${damaged.name}: DELETE ${closed.status}`);
}

/** Sockets of this process that carry media: those of UDP. */
function mediaSockets(): number {
  const own = new Set<string>();
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/self/fd/${name}`))?.[1];
    if (inode !== undefined) own.add(inode);
  }
  const tables = ["/proc/self/net/udp", "/proc/self/net/udp6"].map((path) => Deno.readTextFileSync(path));
  const inodes = tables.flatMap((text) => text.split("\n")).map((line) => line.trim().split(/ +/)[9] ?? "");
  return inodes.filter((inode) => own.has(inode)).length;
}

/** Where a link leads; nowhere when it went away meanwhile. */
function linkOf(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** Bytes that live JavaScript objects hold, after the garbage collector has run. */
async function liveMemory(server: TestServer): Promise<number> {
  server.clearLog();
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  for (let pass = 0; pass < 3; pass++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

Deno.test("10,000 damaged offers are each answered 4xx, or taken and closed, within a second; nothing stays", async () => {
  await using server = await startTestServer(testPipeline("paused"), { webrtcMaxSessions: "100" });
  const tally = new Tally();
  const whole = OFFERS.map((sdp) => JSON.stringify({ sdp, type: "offer", task: "t2v" }));
  for (const body of whole) await offer(server, { name: "an undamaged offer", body }, tally);
  assert.deepEqual([...tally.statuses], [[200, OFFERS.length]]);
  assert.equal(mediaSockets(), 0);
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const offers = damage({
      kinds: OFFER_MUTATIONS,
      originals: OFFERS,
      count: OFFER_COUNT / ROUNDS,
      seed: SEED + round,
    });
    await workThrough(offers, async ({ name, body: sdp }) => {
      await offer(server, { name, body: JSON.stringify({ sdp, type: "offer", task: "t2v" }) }, tally);
      if (server.logged.length > 10_000) server.clearLog();
    });
    await retry(tally, (damaged, alone) => offer(server, damaged, alone));
    await eventually("no session is left", () => server.server.registry.size === 0);
    rounds.push(await liveMemory(server));
  }
  await workThrough(damage({ kinds: BODY_MUTATIONS, originals: whole, count: BODY_COUNT }), (damaged) => {
    return offer(server, damaged, tally);
  });
  await retry(tally, (damaged, alone) => offer(server, damaged, alone));
  const mib = rounds.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(" → ");
  console.log(`offers ${tally}; live memory ${mib} MiB`);
  assert.deepEqual(tally.faults, []);
  const [first = 0, last = 0] = [rounds[0], rounds.at(-1)];
  assert.ok(last - first <= first * 0.05, `live memory grows: ${mib} MiB`);
  await eventually("no session is left", () => server.server.registry.size === 0);
  await eventually("no socket is left", () => mediaSockets() === 0);
  for (const body of whole) await offer(server, { name: "an undamaged offer", body }, tally);
  assert.deepEqual([tally.faults, tally.slow], [[], []], "the server still takes offers");
});

Deno.test("2,000 damaged SDP fragments are each answered within a second, and nothing of the session stays", async () => {
  await using server = await startTestServer(testPipeline("fast_generator"));
  await using viewer = await connectViewer(server);
  await eventually("frames arrive", () => viewer.frames > 10);
  const path = `/v1/stream/webrtc/${viewer.sessionId}`;
  const description = viewer.peer.localDescription?.sdp ?? "";
  const fragment = [
    /a=ice-ufrag:.*/.exec(description)?.[0],
    /a=ice-pwd:.*/.exec(description)?.[0],
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "a=mid:0",
    "a=candidate:1 1 udp 2113937151 203.0.113.9 5000 typ host",
    "a=end-of-candidates",
    "",
  ].join("\r\n");
  const tally = new Tally();
  const requests = damage({ kinds: LINE_MUTATIONS, originals: [fragment], count: FRAGMENT_COUNT });
  const sockets = mediaSockets();
  const headers = { "Content-Type": "application/trickle-ice-sdpfrag" };
  const send = async (damaged: Damaged, counted: Tally) => {
    counted.count(damaged, await timed(server, path, { method: "PATCH", body: damaged.body, headers }));
    if (server.logged.length > 10_000) server.clearLog();
  };
  await workThrough(requests, (damaged) => send(damaged, tally));
  await retry(tally, send);
  console.log(`fragments ${tally}`);
  assert.deepEqual(tally.faults, []);
  assert.equal(server.server.registry.size, 1);
  assert.equal(mediaSockets(), sockets, "no fragment opens a socket");
  const closed = await server.fetch(path, { method: "DELETE" });
  await closed.body?.cancel();
  assert.equal(closed.status, 200);
  assert.equal(server.server.registry.size, 0);
  await viewer.peer.close();
  await eventually("no socket is left", () => mediaSockets() === 0);
});
