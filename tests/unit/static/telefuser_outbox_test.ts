import assert from "node:assert/strict";

type Message = { type: string } & Record<string, unknown>;

interface Way {
  checkSize(text: string): void;
  send(text: string): boolean;
}

/** The module as it is used here: its own types are those of a browser. */
interface OutboxModule {
  MAX_WAITING: number;
  Outbox: new (onError: (error: { code: string }) => void) => {
    send(message: Message, options: { link: Way | null; isAway: boolean }): boolean;
    flush(link: Way): void;
  };
}

const [OUTBOX, ERRORS]: string[] = ["../../../static/telefuser-outbox.js", "../../../static/telefuser-errors.js"];
const { MAX_WAITING, Outbox } = await import(OUTBOX ?? "") as OutboxModule;
const { StreamError } = await import(ERRORS ?? "") as { StreamError: new (code: string, message: string) => Error };

/** A way that takes so many messages, and none that has more than a hundred units. */
function makeWay(room = Infinity) {
  const sent: unknown[] = [];
  const checkSize = (text: string) => {
    if (text.length > 100) throw new StreamError("message_too_large", "It is too large.");
  };
  const send = (text: string) => {
    checkSize(text);
    return sent.length < room && sent.push(JSON.parse(text).index) > 0;
  };
  return { sent, checkSize, send };
}

function openOutbox() {
  const errors: string[] = [];
  return { outbox: new Outbox(({ code }) => void errors.push(code)), errors };
}

function message(index: number, size = 0): Message {
  return { type: "control", index, text: "x".repeat(size) };
}

Deno.test("messages that wait are sent once, in the order in which they came", () => {
  const { outbox } = openOutbox();
  for (let index = 0; index < 5; index++) assert.equal(outbox.send(message(index), { link: null, isAway: true }), true);
  const [first, second] = [makeWay(), makeWay()];
  outbox.flush(first);
  outbox.flush(second);
  assert.deepEqual([first.sent, second.sent], [[0, 1, 2, 3, 4], []]);
});

Deno.test("of more than may wait the oldest are dropped", () => {
  const { outbox } = openOutbox();
  for (let index = 0; index < MAX_WAITING + 3; index++) outbox.send(message(index), { link: null, isAway: true });
  const { sent, ...way } = makeWay();
  outbox.flush(way);
  assert.equal(sent.length, MAX_WAITING);
  assert.deepEqual([sent[0], sent.at(-1)], [3, MAX_WAITING + 2]);
});

Deno.test("a message that cannot be sent now goes on waiting, and all behind it", () => {
  const { outbox } = openOutbox();
  for (let index = 0; index < 4; index++) outbox.send(message(index), { link: null, isAway: true });
  const [narrow, wide] = [makeWay(2), makeWay()];
  outbox.flush(narrow);
  outbox.send(message(4), { link: null, isAway: true });
  outbox.flush(wide);
  assert.deepEqual([narrow.sent, wide.sent], [[0, 1], [2, 3, 4]]);
});

Deno.test("one that is not away sends at once or not at all", () => {
  const { outbox } = openOutbox();
  const [open, full] = [makeWay(), makeWay(0)];
  assert.equal(outbox.send(message(1), { link: open, isAway: false }), true);
  assert.equal(outbox.send(message(2), { link: full, isAway: false }), false);
  assert.equal(outbox.send(message(3), { link: null, isAway: false }), false);
  outbox.flush(open);
  assert.deepEqual(open.sent, [1]);
});

Deno.test("a message that is too large is told, and neither waits nor holds up what waits", () => {
  const { outbox, errors } = openOutbox();
  const way = makeWay();
  assert.equal(outbox.send(message(0, 100), { link: way, isAway: false }), false);
  assert.equal(outbox.send(message(1, 100), { link: way, isAway: true }), false);
  assert.deepEqual(errors, ["message_too_large", "message_too_large"]);
  // While nobody knows how much is too much it waits, as any other.
  assert.equal(outbox.send(message(2, 100), { link: null, isAway: true }), true);
  outbox.send(message(3), { link: way, isAway: true });
  outbox.flush(way);
  assert.equal(errors.length, 3);
  assert.deepEqual(way.sent, [3]);
});

Deno.test("what waits is the message as it was when it was sent, and one that is no JSON throws at once", () => {
  const { outbox } = openOutbox();
  const changed = message(1);
  outbox.send(changed, { link: null, isAway: true });
  changed["index"] = 2;
  const endless: Message = { type: "control" };
  endless["self"] = endless;
  assert.throws(() => outbox.send(endless, { link: null, isAway: true }), TypeError);
  const way = makeWay();
  outbox.flush(way);
  assert.deepEqual(way.sent, [1]);
});
