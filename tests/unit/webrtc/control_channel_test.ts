import assert from "node:assert/strict";
import type { RTCDataChannel } from "werift";
import { readMessage } from "../../../src/webrtc/channel_message.ts";
import { ControlChannel } from "../../../src/webrtc/mod.ts";
import { ManualClock } from "../support/manual_clock.ts";

type ReadyState = RTCDataChannel["readyState"];

/** The part of a data channel that is used, opened and closed by hand. */
class HandChannel {
  readonly sent: unknown[] = [];
  readyState: ReadyState;
  bufferedAmount = 0;
  #listeners: ((state: ReadyState) => void)[] = [];

  readonly label: string;
  ordered = true;
  maxRetransmits: number | null = null;
  maxPacketLifeTime: number | null = null;

  constructor(readyState: ReadyState = "connecting", label = "telefuser") {
    this.readyState = readyState;
    this.label = label;
  }

  receive(data: string | Buffer): void {
    for (const receiver of this.#receivers) receiver(data);
  }

  close(): void {
    this.become("closed");
  }

  readonly stateChanged = {
    subscribe: (listener: (state: ReadyState) => void) => {
      this.#listeners.push(listener);
      return { unSubscribe: () => this.#listeners = this.#listeners.filter((one) => one !== listener) };
    },
  };
  readonly #receivers: ((data: string | Buffer) => void)[] = [];
  readonly onMessage = {
    subscribe: (receiver: (data: string | Buffer) => void) => void this.#receivers.push(receiver),
  };

  send(text: string): void {
    assert.equal(this.readyState, "open", "a message was sent on a channel that is not open");
    assert.notEqual(text, "", "an empty message breaks the channel");
    this.sent.push(JSON.parse(text));
  }

  become(state: ReadyState): void {
    this.readyState = state;
    for (const listener of this.#listeners) listener(state);
  }

  get asDataChannel(): RTCDataChannel {
    return this as unknown as RTCDataChannel;
  }
}

Deno.test("keeps messages until the channel opens and sends them in order", () => {
  const control = new ControlChannel();
  const channel = new HandChannel();
  control.send({ index: 0 });
  control.attach(channel.asDataChannel);
  control.send({ index: 1 });
  assert.equal(control.isOpen, false);
  assert.deepEqual(channel.sent, []);
  channel.become("open");
  control.send({ index: 2 });
  assert.equal(control.isOpen, true);
  assert.deepEqual(channel.sent, [{ index: 0 }, { index: 1 }, { index: 2 }]);
});

Deno.test("takes over a channel that is open already", () => {
  const control = new ControlChannel();
  const channel = new HandChannel("open");
  control.send({ type: "chunk" });
  control.attach(channel.asDataChannel);
  assert.deepEqual(channel.sent, [{ type: "chunk" }]);
});

Deno.test("tells that it is open once, after what waited has gone out", () => {
  const control = new ControlChannel();
  const channel = new HandChannel();
  control.send({ type: "chunk" });
  const sentBefore: number[] = [];
  control.opened.on(() => sentBefore.push(channel.sent.length));
  control.attach(channel.asDataChannel);
  channel.become("open");
  channel.become("closing");
  assert.deepEqual(sentBefore, [1]);
});

Deno.test("keeps the newest 32 of the messages that wait", () => {
  const control = new ControlChannel();
  const channel = new HandChannel();
  for (let index = 0; index < 100; index++) control.send({ index });
  control.attach(channel.asDataChannel);
  channel.become("open");
  assert.deepEqual(channel.sent, Array.from({ length: 32 }, (_, index) => ({ index: 68 + index })));
});

Deno.test("sends nothing more on a channel that has closed", () => {
  const control = new ControlChannel();
  const channel = new HandChannel("open");
  control.attach(channel.asDataChannel);
  channel.become("closed");
  control.send({ type: "done" });
  assert.equal(control.isOpen, false);
  assert.deepEqual(channel.sent, []);
});

Deno.test("leaves metadata out, and nothing else, while the viewer takes nothing in", () => {
  const control = new ControlChannel();
  const channel = new HandChannel("open");
  control.attach(channel.asDataChannel);
  channel.bufferedAmount = 8 * 1024 * 1024;
  control.send({ type: "chunk", index: 0 });
  control.send({ type: "done" });
  control.send({ type: "error" });
  channel.bufferedAmount = 100_000;
  control.send({ type: "chunk", index: 1 });
  assert.deepEqual(channel.sent, [{ type: "done" }, { type: "error" }, { type: "chunk", index: 1 }]);
});

Deno.test("leaves nothing out that is not optional, chunks of a replay included", () => {
  const control = new ControlChannel();
  const channel = new HandChannel("open");
  control.attach(channel.asDataChannel);
  channel.bufferedAmount = 8 * 1024 * 1024;
  control.send({ type: "chunk", index: 0 }, { optional: false });
  control.send({ type: "error" }, { optional: true });
  assert.deepEqual(channel.sent, [{ type: "chunk", index: 0 }]);
});

Deno.test("hands on JSON objects in their order and names everything else", () => {
  const control = new ControlChannel();
  const channel = new HandChannel("open");
  const received: unknown[] = [];
  const faults: string[] = [];
  control.received.on((message) => received.push(message));
  control.faulty.on(({ code }) => faults.push(code));
  control.accept(channel.asDataChannel);
  channel.receive('{"type":"control","key":"ArrowUp"}');
  for (const text of ["", "up", "[1]", "null", "3", '"text"']) channel.receive(text);
  channel.receive(Buffer.from('{"type":"control"}'));
  channel.receive('{"n":2}');
  assert.deepEqual(received, [{ type: "control", key: "ArrowUp" }, { n: 2 }]);
  assert.deepEqual(faults, new Array(7).fill("invalid_message"));
});

Deno.test("takes 256 KiB and no more, counted in bytes", () => {
  const limit = 262_144;
  const frame = '{"a":""}'.length;
  const message = (text: string) => readMessage(`{"a":"${text}"}`);
  assert.ok("message" in message("x".repeat(limit - frame)));
  const tooLarge = message("x".repeat(limit - frame + 1));
  assert.ok("fault" in tooLarge && tooLarge.fault.code === "message_too_large");
  assert.match(tooLarge.fault.detail, /262145 bytes/);
  assert.ok("fault" in message("ä".repeat(limit / 2)));
  assert.ok("fault" in readMessage(Buffer.alloc(limit + 1)));
});

Deno.test("refuses a second channel and one of another name on that channel, in words", () => {
  const clock = new ManualClock();
  const control = new ControlChannel({ clock });
  const first = new HandChannel("open");
  const second = new HandChannel("open");
  const other = new HandChannel("connecting", "chat");
  for (const channel of [first, second, other]) control.accept(channel.asDataChannel);
  assert.match((second.sent[0] as { detail: string }).detail, /already/);
  assert.equal(other.sent.length, 0);
  other.become("open");
  assert.deepEqual([second.readyState, other.readyState], ["open", "open"], "closed before the refusal is read");
  clock.turn(0.5);
  assert.deepEqual([first.readyState, second.readyState, other.readyState], ["open", "closed", "closed"]);
  assert.match((other.sent[0] as { detail: string }).detail, /"telefuser", not "chat"/);
  control.send({ type: "chunk" });
  assert.deepEqual(first.sent, [{ type: "chunk" }]);
});

Deno.test("refuses a channel that may lose messages or change their order, in words, and takes the next one", () => {
  const clock = new ManualClock();
  const control = new ControlChannel({ clock });
  for (const fault of [{ ordered: false }, { maxRetransmits: 0 }, { maxPacketLifeTime: 500 }]) {
    const channel = new HandChannel("open");
    Object.assign(channel, fault);
    control.accept(channel.asDataChannel);
    const [refusal] = channel.sent as { code: string; detail: string }[];
    assert.equal(refusal?.code, "channel_refused");
    assert.match(refusal.detail, /"telefuser" must be ordered and reliable; call pc\.createDataChannel\("telefuser"\)/);
    clock.turn(0.5);
    assert.deepEqual([channel.readyState, control.isOpen], ["closed", false], JSON.stringify(fault));
  }
  const right = new HandChannel("open");
  control.accept(right.asDataChannel);
  control.send({ type: "chunk" });
  assert.deepEqual(right.sent, [{ type: "chunk" }]);
});

Deno.test("tells that the viewer has closed the channel", () => {
  const control = new ControlChannel();
  const channel = new HandChannel("open");
  let ended = 0;
  control.ended.on(() => ended++);
  control.accept(channel.asDataChannel);
  channel.become("closed");
  assert.equal(ended, 1);
});
