import assert from "node:assert/strict";

interface Configuration {
  iceServers: { urls: string }[];
  iceTransportPolicy: "all" | "relay";
}

interface Given extends Configuration {
  ttlSeconds: number | null;
}

interface IceOptions extends Partial<Configuration> {
  ask(): Promise<Given | null>;
}

/** The module as it is used here: its own types are those of a browser. */
interface IceModule {
  IceServers: new (
    options: IceOptions,
  ) => { readonly known: Configuration; update(now: number): Promise<Configuration> };
}

const MODULE: string = "../../../static/telefuser-ice.js";
const { IceServers } = await import(MODULE) as IceModule;

function given(name: string, ttlSeconds: number | null): Given {
  return { iceServers: [{ urls: `turn:${name}` }], iceTransportPolicy: "relay", ttlSeconds };
}

/** Servers that answer as told, one answer after the other, and how often they were asked. */
function makeServers(answers: (Given | null)[], own: Partial<Configuration> = {}) {
  let asked = 0;
  const servers = new IceServers({ ask: () => Promise.resolve(answers[asked++] ?? null), ...own });
  return { servers, asked: () => asked };
}

Deno.test("credentials are asked for again when half of their time has passed, and not before", async () => {
  const { servers, asked } = makeServers([given("a", 60), given("b", 60)]);
  await servers.update(1_000_000);
  await servers.update(1_029_999);
  assert.deepEqual([asked(), servers.known.iceServers], [1, [{ urls: "turn:a" }]]);
  const { iceServers, iceTransportPolicy } = await servers.update(1_030_000);
  assert.deepEqual([asked(), iceServers, iceTransportPolicy], [2, [{ urls: "turn:b" }], "relay"]);
  await servers.update(1_059_999);
  assert.equal(asked(), 2, "their time begins anew");
});

Deno.test("credentials without an end are asked for once", async () => {
  const { servers, asked } = makeServers([given("a", null)]);
  await servers.update(0);
  await servers.update(1e12);
  assert.equal(asked(), 1);
});

Deno.test("when the server does not say, those that are known stay, and it is asked again", async () => {
  const { servers, asked } = makeServers([null, given("a", 60), null, given("b", 60)]);
  assert.deepEqual(await servers.update(0), { iceServers: [], iceTransportPolicy: "all" });
  await servers.update(1000);
  assert.deepEqual((await servers.update(61_000)).iceServers, [{ urls: "turn:a" }]);
  assert.deepEqual((await servers.update(62_000)).iceServers, [{ urls: "turn:b" }]);
  assert.equal(asked(), 4);
});

Deno.test("with servers of the caller's own the stream server is not asked, and its policy does not count", async () => {
  const { servers, asked } = makeServers([given("a", 60)], { iceServers: [{ urls: "stun:own" }] });
  assert.deepEqual(await servers.update(0), { iceServers: [{ urls: "stun:own" }], iceTransportPolicy: "all" });
  assert.equal(asked(), 0);
});

Deno.test("the caller's own policy goes before that of the server", async () => {
  const { servers } = makeServers([given("a", 60)], { iceTransportPolicy: "all" });
  assert.deepEqual(await servers.update(0), { iceServers: [{ urls: "turn:a" }], iceTransportPolicy: "all" });
});
