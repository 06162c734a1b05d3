import assert from "node:assert/strict";
import type { RTCDataChannel } from "werift";
import { ControlChannel } from "../../../src/webrtc/mod.ts";

type ReadyState = RTCDataChannel["readyState"];

/** The part of a data channel that is used, opened and closed by hand. */
class HandChannel {
  readonly sent: unknown[] = [];
  readyState: ReadyState;
  bufferedAmount = 0;
  #listeners: ((state: ReadyState) => void)[] = [];

  constructor(readyState: ReadyState = "connecting") {
    this.readyState = readyState;
  }

  readonly stateChanged = { subscribe: (listener: (state: ReadyState) => void) => void this.#listeners.push(listener) };

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
