import assert from "node:assert/strict";
import { FakeTime } from "./fake_time.ts";

interface KeptSession {
  id: string;
  token: string;
  lastMessage: number;
  holdSeconds: number;
  keptAt: number;
}

interface Keeper {
  claim(): Promise<KeptSession | null>;
  begin(read: () => KeptSession): Promise<void>;
  leave(session: KeptSession): void;
  forget(): void;
}

/** The module as it is used here: its own types are those of a browser. */
interface ResumeModule {
  SessionKeeper: { new (key: string): Keeper; hasSession(key: string): Promise<boolean> };
  keepSession(key: string, session: KeptSession): void;
  keptSession(key: string, now: number): KeptSession | null;
  forgetSession(key: string): void;
}

const MODULE: string = "../../../static/telefuser-resume.js";
const { SessionKeeper, forgetSession, keepSession, keptSession } = await import(MODULE) as ResumeModule;

const SESSION = { id: "a", token: "t", lastMessage: 7, holdSeconds: 30, keptAt: 1_000_000 };

/** Has the session been kept a moment ago, with that last message? */
function session(id: string, lastMessage = 0): KeptSession {
  return { ...SESSION, id, lastMessage, keptAt: Date.now() };
}

/** Takes the locks away, as on a page without TLS. */
function withoutLocks(): Disposable {
  const own = Object.getOwnPropertyDescriptor(Navigator.prototype, "locks");
  assert.ok(own !== undefined);
  Reflect.deleteProperty(Navigator.prototype, "locks");
  return { [Symbol.dispose]: () => void Object.defineProperty(Navigator.prototype, "locks", own) };
}

Deno.test("a session is kept by its key until the server gives it up, or until it is forgotten", () => {
  keepSession("page", SESSION);
  assert.deepEqual(keptSession("page", 1_029_000), SESSION);
  assert.equal(keptSession("page", 1_031_000), null);
  assert.equal(keptSession("other", 1_000_000), null);
  forgetSession("page");
  assert.equal(keptSession("page", 1_000_000), null);
});

Deno.test("what is no session is none", () => {
  for (const text of ["", "no JSON", "null", "{}", '{"id":1,"token":"t"}']) {
    sessionStorage.setItem("telefuser:odd", text);
    assert.equal(keptSession("odd", 0), null, text);
  }
  sessionStorage.removeItem("telefuser:odd");
});

Deno.test("a session is kept from the moment it is up, and what is kept follows it", async () => {
  using time = new FakeTime();
  const keeper = new SessionKeeper("page");
  let lastMessage = 1;
  await keeper.begin(() => session("up", lastMessage));
  assert.equal(keptSession("page", Date.now())?.lastMessage, 1);
  lastMessage = 9;
  await time.pass(31_000);
  assert.equal(keptSession("page", Date.now())?.lastMessage, 9, "and it has not grown old");
  keeper.forget();
  await time.pass(5000);
  assert.equal(keptSession("page", Date.now()), null);
});

Deno.test("a copy of a page does not get the session while the first page shows it; afterwards the next page does", async () => {
  const first = new SessionKeeper("page");
  await first.begin(() => session("shown"));
  assert.equal(await SessionKeeper.hasSession("page"), false);
  assert.equal(await new SessionKeeper("page").claim(), null);
  first.leave(session("shown", 5));
  assert.equal(await SessionKeeper.hasSession("page"), true);
  const next = new SessionKeeper("page");
  assert.equal((await next.claim())?.lastMessage, 5);
  assert.equal(await new SessionKeeper("page").claim(), null);
  next.forget();
  assert.equal(await SessionKeeper.hasSession("page"), false);
});

Deno.test("a page that is stopped while it asks for its session lets go of it", async () => {
  keepSession("page", session("asked"));
  const stopped = new SessionKeeper("page");
  const claimed = stopped.claim();
  stopped.forget();
  await claimed;
  keepSession("page", session("asked"));
  const next = new SessionKeeper("page");
  assert.equal((await next.claim())?.id, "asked");
  next.forget();
});

Deno.test("without locks a session is kept only for the page after, which takes it away", async () => {
  using _none = withoutLocks();
  const first = new SessionKeeper("page");
  await first.begin(() => session("plain"));
  assert.equal(await SessionKeeper.hasSession("page"), false);
  first.leave(session("plain", 5));
  assert.equal(await SessionKeeper.hasSession("page"), true);
  assert.equal((await new SessionKeeper("page").claim())?.lastMessage, 5);
  assert.equal(await new SessionKeeper("page").claim(), null);
});
