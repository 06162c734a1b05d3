import assert from "node:assert/strict";
import { type FakeAnswer, FakePage, type FakeRequest } from "./fake_page.ts";
import { FakeTime } from "./fake_time.ts";

type Message = { type: string } & Record<string, unknown>;

interface Client extends EventTarget {
  readonly state: string;
  connect(): Promise<unknown>;
  send(message: Message): boolean;
  control(message: Message): Promise<number | null>;
  stats(): Promise<Readonly<Record<string, number | string | null>>>;
  stop(): Promise<void>;
}

/** The modules as they are used here: their own types are those of a browser. */
interface ClientModule {
  StreamClient: new (options: { bidirectional: boolean; resumeKey?: string }) => Client;
}
interface ResumeModule {
  keepSession(key: string, session: Record<string, unknown>): void;
}

const [CLIENT, RESUME]: string[] = ["../../../static/telefuser-client.js", "../../../static/telefuser-resume.js"];
const { StreamClient } = await import(CLIENT ?? "") as ClientModule;
const { keepSession } = await import(RESUME ?? "") as ResumeModule;

const OFFER = "POST /v1/stream/webrtc/offer";
const ANSWER = { session_id: "s", sdp: "v=0\r\n", resume_token: "t", hold_seconds: 30 };

/** Opens a session and the doors to it: what it told, and whether its server is there. */
function openClient(options: { resumeKey?: string } = {}) {
  const network = { isThere: true };
  const page = new FakePage(({ line }: FakeRequest): FakeAnswer | null => {
    if (!network.isThere) return null;
    if (line === OFFER) return { status: 200, body: ANSWER };
    // The server has lost the connection, not the session: another one is wanted.
    return line.startsWith("PATCH") ? { status: 409, body: {} } : { status: 404, body: {} };
  });
  const client = new StreamClient({ bidirectional: true, ...options });
  const told: string[] = [];
  const detailOf = (event: Event) => (event as CustomEvent).detail;
  client.addEventListener("state", (event) => void told.push(detailOf(event)));
  client.addEventListener("resumed", () => void told.push("resumed"));
  client.addEventListener("error", (event) => void told.push(`error ${detailOf(event).code}`));
  return { client, told, page, network };
}

/** The report of a peer that has received that much. */
function received({ at, frames, bytes }: { at: number; frames: number; bytes: number }) {
  const video = { type: "inbound-rtp", kind: "video", timestamp: at, framesDecoded: frames, bytesReceived: bytes };
  return new Map([["v", { id: "v", ...video }]]);
}

/** Lets 20 ms pass, and long chains of promises go on meanwhile. */
async function passSlowly(time: FakeTime): Promise<void> {
  for (let ms = 0; ms < 20; ms++) await time.pass(1);
}

function keysOf(sent: readonly string[]): unknown[] {
  return sent.map((text) => JSON.parse(text).key ?? JSON.parse(text).keys);
}

Deno.test("what was sent while the session came back goes first, then the moment comes to say how things are", async () => {
  using time = new FakeTime();
  const { client, told, page } = openClient();
  using _page = page;
  client.addEventListener("state", () => {
    if (client.state === "live") client.send({ type: "control", key: "at live" });
  });
  client.addEventListener("resumed", () => void client.send({ type: "control", keys: [] }));
  const opened = client.connect();
  await time.pass(10);
  page.peer.comeUp();
  await opened;
  assert.deepEqual(told, ["connecting", "live"], "a session that begins is not one that is live again");
  page.peer.become("failed");
  assert.equal(client.send({ type: "control", key: "while away" }), true);
  await time.pass(1000);
  page.peer.comeUp();
  await time.pass(100);
  assert.deepEqual(told, ["connecting", "live", "reconnecting", "live", "resumed"]);
  assert.deepEqual(keysOf(page.peer.channel.sent), ["while away", "at live", []]);
  const stopped = client.stop();
  await time.pass(5000);
  await stopped;
});

Deno.test("a session that was kept for the page is live again when it comes up", async () => {
  const locks = Object.getOwnPropertyDescriptor(Navigator.prototype, "locks");
  assert.ok(locks !== undefined);
  Reflect.deleteProperty(Navigator.prototype, "locks");
  using time = new FakeTime();
  try {
    keepSession("page", { id: "s", token: "t", lastMessage: 7, holdSeconds: 30, keptAt: Date.now() });
    const { client, told, page } = openClient({ resumeKey: "page" });
    using _page = page;
    const opened = client.connect();
    await time.pass(10);
    page.peer.comeUp();
    await opened;
    assert.deepEqual(told, ["connecting", "live", "resumed"]);
    const stopped = client.stop();
    await time.pass(5000);
    await stopped;
  } finally {
    Object.defineProperty(Navigator.prototype, "locks", locks);
  }
});

Deno.test("rates of another connection are not made from the counts of the one before", async () => {
  using time = new FakeTime();
  const { client, page } = openClient();
  using _page = page;
  const opened = client.connect();
  await time.pass(10);
  page.peer.comeUp();
  await opened;
  const first = page.peer;
  first.report = received({ at: 1000, frames: 300, bytes: 500_000 });
  await client.stats();
  first.report = received({ at: 2000, frames: 330, bytes: 625_000 });
  const before = await client.stats();
  assert.deepEqual([before["fps"], before["bitrateKbps"]], [30, 1000]);
  first.become("failed");
  await time.pass(1000);
  assert.notEqual(page.peer, first);
  page.peer.comeUp();
  await time.pass(100);
  page.peer.report = received({ at: 4000, frames: 3, bytes: 9000 });
  const fresh = await client.stats();
  assert.deepEqual([fresh["fps"], fresh["bitrateKbps"]], [null, null]);
  page.peer.report = received({ at: 5000, frames: 33, bytes: 134_000 });
  const after = await client.stats();
  assert.deepEqual([after["fps"], after["bitrateKbps"]], [30, 1000]);
  const stopped = client.stop();
  await time.pass(5000);
  await stopped;
});

Deno.test("a message that is too large is told and not sent, at once and while away, and holds up no other", async () => {
  using time = new FakeTime();
  const { client, told, page } = openClient();
  using _page = page;
  const opened = client.connect();
  await time.pass(10);
  page.peer.comeUp();
  await opened;
  told.length = 0;
  const tooLarge = (text: string) => text.length > 1000 ? new TypeError("too large") : null;
  page.peer.channel.refuse = tooLarge;
  const large = { type: "control", prompt: "x".repeat(2000) };
  assert.equal(client.send(large), false);
  assert.equal(await client.control(large), null);
  assert.deepEqual(told, ["error message_too_large", "error message_too_large"]);
  page.peer.become("failed");
  client.send(large);
  client.send({ type: "control", key: "a" });
  await time.pass(1000);
  page.peer.channel.refuse = tooLarge;
  page.peer.comeUp();
  await time.pass(100);
  assert.deepEqual(told.slice(2), ["reconnecting", "error message_too_large", "live", "resumed"]);
  assert.deepEqual(keysOf(page.peer.channel.sent), ["a"]);
  const stopped = client.stop();
  await time.pass(5000);
  await stopped;
});

Deno.test("while a session comes back, the network's return is followed by a try at once", async () => {
  using time = new FakeTime();
  const { client, page, network } = openClient();
  using _page = page;
  const opened = client.connect();
  await time.pass(10);
  page.peer.comeUp();
  await opened;
  network.isThere = false;
  page.peer.become("failed");
  await time.pass(5000); // The last try was at 4500 ms, the next one is at 5500 ms.
  network.isThere = true;
  const offers = page.count(OFFER);
  await passSlowly(time);
  assert.equal(page.count(OFFER), offers, "in the middle of a pause");
  globalThis.dispatchEvent(new Event("online"));
  await passSlowly(time);
  assert.equal(page.count(OFFER), offers + 1);
  page.peer.comeUp();
  await time.pass(100);
  assert.equal(client.state, "live");
  const stopped = client.stop();
  await time.pass(5000);
  await stopped;
});

Deno.test("a control whose picture was not seen before another track came is not measured by that track's pictures", async () => {
  using time = new FakeTime();
  const { client, page } = openClient();
  using _page = page;
  const opened = client.connect();
  await time.pass(10);
  page.peer.bring({ kind: "video" });
  page.peer.comeUp();
  await opened;
  let latency: number | null | undefined;
  void client.control({ type: "control", key: "a" }).then((measured) => latency = measured);
  const chunk = { type: "chunk", data: { applied_controls: ["c1"] }, rtp_timestamp: 90_000 };
  page.peer.channel.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(chunk) }));
  page.peer.become("failed");
  await time.pass(1000);
  assert.equal(latency, undefined);
  page.peer.bring({ kind: "video" });
  await time.pass(10);
  assert.equal(latency, null);
  page.peer.comeUp();
  await time.pass(100);
  const stopped = client.stop();
  await time.pass(5000);
  await stopped;
});
