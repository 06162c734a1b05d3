import assert from "node:assert/strict";
import { FakeTime } from "./fake_time.ts";

/** The modules as they are used here: their own types are those of a browser. */
interface Sender {
  add(candidate: string): void;
  end(): void;
  open(): void;
  close(): void;
}
interface SenderOptions {
  send(candidates: string[], isEnd: boolean): Promise<void>;
  tellsEnd: boolean;
  isSettled(): boolean;
}
interface SenderModule {
  CandidateSender: new (options: SenderOptions) => Sender;
}
interface ErrorsModule {
  StreamError: new (code: string, message: string, options?: { status?: number }) => Error;
}

const [SENDER, ERRORS]: string[] = ["../../../static/telefuser-candidates.js", "../../../static/telefuser-errors.js"];
const { CandidateSender } = await import(SENDER ?? "") as SenderModule;
const { StreamError } = await import(ERRORS ?? "") as ErrorsModule;

const LOST = new StreamError("server_unreachable", "The server cannot be reached.");

/** A sender whose server answers as it is told, one answer after the other; without one it takes everything. */
function makeSender(
  { answers = [], tellsEnd = true, isSettled = () => false }: {
    answers?: (Error | null)[];
    tellsEnd?: boolean;
    isSettled?: () => boolean;
  } = {},
) {
  const sent: { candidates: string[]; isEnd: boolean; at: number }[] = [];
  const sender = new CandidateSender({
    send: (candidates: string[], isEnd: boolean) => {
      sent.push({ candidates: [...candidates], isEnd, at: Math.round(performance.now()) });
      const answer = answers.shift() ?? null;
      return answer ? Promise.reject(answer) : Promise.resolve();
    },
    tellsEnd,
    isSettled,
  });
  return { sender, sent, told: () => sent.map(({ candidates, isEnd }) => [...candidates, ...(isEnd ? ["end"] : [])]) };
}

Deno.test("candidates wait until the server knows the connection, and those that come up together go together", async () => {
  using time = new FakeTime();
  const { sender, told } = makeSender();
  sender.add("a");
  sender.add("b");
  await time.pass(1000);
  assert.deepEqual(told(), []);
  sender.open();
  sender.add("c");
  await time.pass(1000);
  sender.add("d");
  sender.end();
  await time.pass(1000);
  assert.deepEqual(told(), [["a", "b", "c"], ["d", "end"]]);
  sender.add("e");
  await time.pass(1000);
  assert.equal(told().length, 2, "nothing comes after the end");
});

Deno.test("the end is told alone, unless nothing can come of it", async () => {
  using time = new FakeTime();
  const withServers = makeSender();
  const without = makeSender({ tellsEnd: false });
  for (const { sender } of [withServers, without]) {
    sender.open();
    sender.end();
  }
  await time.pass(1000);
  assert.deepEqual(withServers.told(), [["end"]]);
  assert.deepEqual(without.told(), []);
});

Deno.test("candidates that the network has swallowed are sent again, before those that came up since", async () => {
  using time = new FakeTime();
  const { sender, told } = makeSender({ answers: [LOST, LOST] });
  sender.open();
  sender.add("a");
  sender.add("b");
  await time.pass(60);
  sender.add("c");
  sender.end();
  await time.pass(5000);
  assert.deepEqual(told(), [["a", "b"], ["a", "b", "c", "end"], ["a", "b", "c", "end"]]);
});

Deno.test("a server that is never reached is tried five times, at longer and longer intervals", async () => {
  using time = new FakeTime();
  const { sender, sent } = makeSender({ answers: Array(20).fill(LOST) });
  sender.open();
  sender.add("a");
  await time.pass(60_000);
  const gaps = sent.slice(1).map(({ at }, index) => at - (sent[index]?.at ?? 0));
  assert.deepEqual(gaps, [250, 500, 1000, 2000]);
  sender.add("b");
  await time.pass(60_000);
  assert.equal(sent.length, 5);
});

Deno.test("a success in between gives the next failure all its tries", async () => {
  using time = new FakeTime();
  const { sender, sent } = makeSender({ answers: [LOST, null, ...Array(20).fill(LOST)] });
  sender.open();
  sender.add("a");
  await time.pass(1000);
  sender.add("b");
  await time.pass(60_000);
  assert.equal(sent.length, 2 + 5);
});

Deno.test("a refusal is final, a proxy that cannot reach the server is not", async () => {
  using time = new FakeTime();
  const gone = makeSender({ answers: [new StreamError("connection_gone", "Gone.", { status: 409 })] });
  const proxy = makeSender({ answers: [new StreamError("refused", "Bad gateway.", { status: 502 })] });
  for (const { sender } of [gone, proxy]) {
    sender.open();
    sender.add("a");
  }
  await time.pass(60_000);
  assert.deepEqual(gone.told(), [["a"]]);
  assert.deepEqual(proxy.told(), [["a"], ["a"]]);
});

Deno.test("nothing is tried again once the connection is up, or was closed, or has begun anew", async () => {
  using time = new FakeTime();
  let isSettled = false;
  const settled = makeSender({ answers: [LOST, LOST], isSettled: () => isSettled });
  const closed = makeSender({ answers: [LOST] });
  for (const { sender } of [settled, closed]) {
    sender.open();
    sender.add("a");
  }
  await time.pass(100);
  isSettled = true;
  closed.sender.close();
  await time.pass(60_000);
  assert.equal(settled.sent.length, 2, "the try that was due finds out");
  assert.equal(closed.sent.length, 1);
});
