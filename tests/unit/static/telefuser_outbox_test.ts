import assert from "node:assert/strict";

interface Message {
  readonly type: string;
  readonly index: number;
}

/** The module as it is used here: its own types are those of a browser. */
interface OutboxModule {
  MAX_WAITING: number;
  Outbox: new () => { add(message: Message): void; flush(send: (message: Message) => boolean): void };
}

const MODULE: string = "../../../static/telefuser-outbox.js";
const { MAX_WAITING, Outbox } = await import(MODULE) as OutboxModule;

function messages(count: number) {
  return Array.from({ length: count }, (_, index) => ({ type: "control", index }));
}

/** What an outbox sends, all at once. */
function sent(outbox: InstanceType<typeof Outbox>): number[] {
  const indices: number[] = [];
  outbox.flush(({ index }) => indices.push(index) > 0);
  return indices;
}

Deno.test("messages that wait are sent once, in the order in which they came", () => {
  const outbox = new Outbox();
  for (const message of messages(5)) outbox.add(message);
  assert.deepEqual(sent(outbox), [0, 1, 2, 3, 4]);
  assert.deepEqual(sent(outbox), []);
});

Deno.test("of more than may wait the oldest are dropped", () => {
  const outbox = new Outbox();
  for (const message of messages(MAX_WAITING + 3)) outbox.add(message);
  const indices = sent(outbox);
  assert.equal(indices.length, MAX_WAITING);
  assert.deepEqual([indices[0], indices.at(-1)], [3, MAX_WAITING + 2]);
});

Deno.test("a message that cannot be sent goes on waiting, and all behind it", () => {
  const outbox = new Outbox();
  for (const message of messages(4)) outbox.add(message);
  const tried: number[] = [];
  outbox.flush(({ index }) => {
    tried.push(index);
    return index !== 2;
  });
  assert.deepEqual(tried, [0, 1, 2]);
  outbox.add({ type: "control", index: 4 });
  assert.deepEqual(sent(outbox), [2, 3, 4]);
});
