import assert from "node:assert/strict";
import { Emitter } from "../../../src/async/mod.ts";
import { Inbox } from "../../../src/pipeline/mod.ts";
import { ControlLatency, ControlTrace } from "../../../src/session/control_trace.ts";
import { Conversation } from "../../../src/session/conversation.ts";
import type { ControlChannel } from "../../../src/webrtc/mod.ts";
import { ManualClock } from "../support/manual_clock.ts";

type Message = Readonly<Record<string, unknown>>;

/** A channel that opens when it is told to, and keeps what is sent. */
function makeChannel() {
  const sent: Message[] = [];
  const how: unknown[] = [];
  const opened = new Emitter<void>();
  const channel = {
    isOpen: false,
    received: new Emitter<Message>(),
    faulty: new Emitter<{ code: string; detail: string }>(),
    opened,
    send: (message: Message, options: unknown) => {
      sent.push(message);
      how.push(options);
    },
    close: () => undefined,
  };
  const open = () => {
    channel.isOpen = true;
    opened.emit();
  };
  return { channel: channel as unknown as ControlChannel, sent, how, open, shut: () => void (channel.isOpen = false) };
}

function converse({ takesInput = true, rtpTimestamp = (_mediaTime: number): number | undefined => undefined } = {}) {
  const clock = new ManualClock();
  const sent: Message[] = [];
  const options: unknown[] = [];
  const received = new Emitter<Message>();
  const faulty = new Emitter<{ code: string; detail: string }>();
  const channel = {
    received,
    faulty,
    isOpen: true,
    close: () => undefined,
    send: (message: Message, how?: unknown) => {
      sent.push(message);
      options.push(how);
    },
  } as unknown as ControlChannel;
  const pushed: unknown[] = [];
  const inbox = new Inbox((_lane, message) => void pushed.push(message));
  const trace = new ControlTrace({ clock, totals: new ControlLatency() });
  const calls: string[] = [];
  const conversation = new Conversation({
    sessionId: "s1",
    inbox: takesInput ? inbox : null,
    trace,
    clock,
    rtpTimestampOf: rtpTimestamp,
    controlled: () => void calls.push("controlled"),
    stop: () => void calls.push("stop"),
  });
  conversation.attach(channel);
  const stamp = () => ({ session_id: "s1", timestamp: clock.unixTime() });
  return { clock, conversation, received, faulty, sent, options, pushed, inbox, trace, calls, stamp };
}

Deno.test("a message goes to the pipeline as it came, and the stream hears of it", () => {
  const { received, pushed, calls, sent, inbox } = converse();
  const message = { type: "control", key: "ArrowUp", action: "press", id: "a", nested: [{}] };
  received.emit(message);
  assert.deepEqual([pushed, calls, sent], [[message], ["controlled"], []]);
  inbox.taken("control");
  const other = { anything: null };
  received.emit(other);
  assert.deepEqual(pushed, [message, other]);
});

Deno.test("stop and control_trace do not reach the pipeline", () => {
  const { received, pushed, calls, sent, trace } = converse();
  received.emit({ type: "stop", more: 1 });
  received.emit({ type: "control_trace", id: "a", latency_ms: 40 });
  assert.deepEqual([pushed, calls, sent], [[], ["stop"], []]);
  assert.equal(trace.latency.summary.control_latency.p50, 40);
});

Deno.test("only text is a type: a list that holds stop stops nothing", () => {
  const { received, pushed, calls } = converse();
  received.emit({ type: ["stop"] });
  assert.deepEqual([pushed, calls], [[{ type: ["stop"] }], ["controlled"]]);
});

Deno.test("what is not taken is answered in words, with the session and the time, and may be left out", () => {
  const { received, faulty, sent, options, stamp, clock, calls } = converse();
  clock.turn(5);
  faulty.emit({ code: "message_too_large", detail: "the message has 300000 bytes" });
  received.emit({ type: "control_trace", latency_ms: "soon" });
  received.emit({ type: "media", video_frames: [] });
  const codes = ["message_too_large", "invalid_message", "invalid_message"];
  assert.deepEqual(sent.map(({ code }) => code), codes);
  for (const message of sent) {
    assert.deepEqual({ ...message, ...stamp(), type: "error" }, message);
    assert.ok(String(message.detail).length > 10);
  }
  assert.deepEqual(options, codes.map(() => ({ optional: true })), "a flood of them does not pile up");
  assert.deepEqual(calls, []);
});

Deno.test("a pipeline that takes no messages says so, and can be stopped", () => {
  const { received, sent, pushed, calls } = converse({ takesInput: false });
  received.emit({ type: "control" });
  received.emit({ type: "stop" });
  assert.deepEqual([sent.map(({ code }) => code), pushed, calls], [["no_input"], [], ["stop"]]);
});

Deno.test("a chunk is told with what is not media; with its RTP timestamp when its pictures show a control", () => {
  const { conversation, received, sent, stamp, trace, clock } = converse({
    rtpTimestamp: (mediaTime) => mediaTime * 90_000,
  });
  received.emit({ type: "control", id: "a" });
  const shown = { applied_controls: ["a"], note: 1 };
  conversation.chunk({ index: 3, data: { note: 0 }, mediaTime: 1 });
  conversation.chunk({ index: 4, data: shown, mediaTime: 2 });
  conversation.chunk({ index: 5, data: shown, mediaTime: null });
  conversation.chunk({ index: 6, data: { applied_controls: "a" }, mediaTime: 2 });
  assert.deepEqual(sent, [
    { type: "chunk", index: 3, data: { note: 0 }, sequence: 1, ...stamp() },
    { type: "chunk", index: 4, data: shown, rtp_timestamp: 180_000, sequence: 2, ...stamp() },
    { type: "chunk", index: 5, data: shown, sequence: 3, ...stamp() },
    { type: "chunk", index: 6, data: { applied_controls: "a" }, sequence: 4, ...stamp() },
  ]);
  clock.turn(0.02);
  trace.sent(2);
  assert.deepEqual(trace.latency.summary.control_to_send, { count: 1, p50: 20, p95: 20, p99: 20 });
});

Deno.test("the last message says why, for programs and for people", () => {
  const { conversation, sent, stamp, options } = converse();
  conversation.tell({ type: "done", total_chunks: 7 });
  conversation.close({ code: "finished", detail: "the pipeline is done" });
  assert.deepEqual(sent, [
    { type: "done", total_chunks: 7, sequence: 1, ...stamp() },
    { type: "closed", code: "finished", reason: "the pipeline is done", sequence: 2, ...stamp() },
  ]);
  assert.deepEqual(options, [undefined, undefined], "neither may be left out");
});

Deno.test("what is told before the channel opens is sent when it does", () => {
  const { conversation } = converse();
  const { channel, sent, open } = makeChannel();
  conversation.attach(channel);
  conversation.tell({ type: "chunk", index: 0 });
  assert.deepEqual(sent, []);
  open();
  assert.deepEqual(sent.map(({ sequence }) => sequence), [1]);
});

Deno.test("a viewer that comes back gets what it missed: behind its last message, or behind the last one sent", () => {
  const { conversation, sent } = converse();
  for (let index = 0; index < 4; index++) conversation.tell({ type: "chunk", index });
  assert.equal(sent.length, 4);
  for (const [after, expected] of [[2, [3, 4, 5]], [undefined, []], [0, [1, 2, 3, 4, 5]], [99, []]] as const) {
    const back = makeChannel();
    conversation.attach(back.channel, { after });
    if (after === 2) conversation.tell({ type: "chunk", index: 4 });
    back.open();
    assert.deepEqual(back.sent.map(({ sequence }) => sequence), expected, `after ${after}`);
  }
});

Deno.test("what is sent again is not left out, and has no RTP timestamp of another connection", () => {
  const { conversation } = converse({ rtpTimestamp: () => 90_000 });
  const next = makeChannel();
  conversation.attach(next.channel, { after: 0 });
  conversation.chunk({ index: 0, data: { applied_controls: ["a"] }, mediaTime: 1 });
  next.open();
  assert.deepEqual(next.sent.map(({ type, rtp_timestamp }) => [type, rtp_timestamp]), [["chunk", undefined]]);
  assert.deepEqual(next.how, [{ optional: false }]);
});

Deno.test("what is kept for a viewer that vanished is bounded by count and by size; the newest is kept", () => {
  const { conversation } = converse();
  const gone = makeChannel();
  conversation.attach(gone.channel);
  for (let index = 0; index < 1000; index++) conversation.tell({ type: "chunk", index });
  const back = makeChannel();
  conversation.attach(back.channel, { after: 0 });
  back.open();
  assert.deepEqual([back.sent.length, back.sent.at(-1)?.sequence], [256, 1000]);
  for (let index = 0; index < 50; index++) conversation.tell({ type: "chunk", data: { text: "x".repeat(50_000) } });
  const again = makeChannel();
  conversation.attach(again.channel, { after: 0 });
  again.open();
  assert.equal(again.sent.at(-1)?.sequence, 1050);
  assert.ok(again.sent.length >= 19 && again.sent.length <= 21, `${again.sent.length} of 50 kB in 1 MiB`);
});

Deno.test("only the channel that was attached last is heard", () => {
  const { conversation, pushed } = converse();
  const back = makeChannel();
  conversation.attach(back.channel);
  back.channel.received.emit({ type: "control" });
  assert.equal(pushed.length, 1);
});
