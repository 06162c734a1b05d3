import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { SeededRandom } from "../support/sdp_mutations.ts";
import { eventually, startTestServer, testPipeline, type TestServer } from "../support/test_server.ts";
import { type ChannelMessage, connectViewer, type Viewer } from "../support/viewer.ts";

const SEED = 20_261_122;
/** The long run is for when the reading of messages has changed. */
const MESSAGE_COUNT = Deno.env.get("TELEFUSER_LONG") === undefined ? 5000 : 20_000;
const ROUNDS = 5;
/** Messages whose answers may be under way; the pipeline takes about half of them, and 64 may wait for it. */
const WINDOW = 100;
const MAX_BYTES = 262_144;

/** What a message is answered with: taken by the pipeline, or an error with this code. */
type Outcome = "taken" | "invalid_message" | "message_too_large";

/** One kind of message; `make` gets something to choose with. */
interface Kind {
  readonly name: string;
  readonly outcome: Outcome;
  make(random: SeededRandom, number: number): string | Buffer;
}

/** A control message that the pipeline takes, with fields of all kinds. */
function control(fields: Record<string, unknown>): string {
  return JSON.stringify({ type: "control", ...fields });
}

function whole(random: SeededRandom, below: number): number {
  return random.below(below);
}

/** Text of so many characters, nested so deep, in one string. */
function nested(levels: number, open: string, close: string): string {
  return open.repeat(levels) + "0" + close.repeat(levels);
}

/** An object in JSON of exactly so many bytes. */
function ofSize(bytes: number): string {
  const empty = control({ pad: "" });
  return control({ pad: "x".repeat(bytes - empty.length) });
}

const ODD_VALUES = [
  "null",
  "true",
  "-0",
  "1e400",
  "-1e400",
  "1e-400",
  "9007199254740993",
  "1".repeat(400),
  '"\\ud800"',
  '"\\udfff\\ud800"',
  '"\\u0000"',
  '"\\u2028\\u2029"',
  '"\\u202e\\u001b[2J"',
  "[]",
  "{}",
  "[[[]]]",
  '{"then":"now"}',
  '{"toJSON":1}',
  '{"length":-1}',
  '{"__proto__":{"type":"stop"}}',
];
const ODD_NAMES = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "then",
  "type ",
  "\\u0000",
  "id",
  "key",
  "session_id",
  "sequence",
  "\\ud83d",
];

/** Faulty messages, and odd ones that are none the less messages. */
const KINDS: readonly Kind[] = [
  {
    name: "bytes",
    outcome: "invalid_message",
    make: (random) => Buffer.from(Array.from({ length: 1 + whole(random, 200) }, () => whole(random, 256))),
  },
  { name: "JSON as bytes", outcome: "invalid_message", make: () => Buffer.from(control({})) },
  {
    name: "broken JSON",
    outcome: "invalid_message",
    make: (random) => control({ a: [1, 2, { b: "c" }] }).slice(0, 1 + whole(random, 30)),
  },
  {
    name: "a value that is no object",
    outcome: "invalid_message",
    make: (random) => random.pick(["null", "1", '"stop"', "[]", "[1]", "true", "-0", '[{"type":"stop"}]']),
  },
  {
    name: "not JSON",
    outcome: "invalid_message",
    make: (random) =>
      random.pick([
        "",
        " ",
        "\0",
        "undefined",
        "NaN",
        "{'type':'stop'}",
        "\ufeff{}",
        "{}{}",
        '{"a":1,}',
        "\ud800",
        "<xml/>",
        "stop",
      ]),
  },
  {
    name: "nested too deep",
    outcome: "invalid_message",
    make: (random) =>
      `{"type":"control","a":${
        nested(101 + whole(random, 5000), ...random.pick([["[", "]"], ['{"a":', "}"]] as [string, string][]))
      }}`,
  },
  {
    name: "nested as deep as it may be",
    outcome: "taken",
    make: () => `{"type":"control","a":${nested(98, "[", "]")}}`,
  },
  {
    name: "the type of camera and microphone",
    outcome: "invalid_message",
    make: (random) =>
      JSON.stringify({ type: "media", kind: random.pick(["video", "audio", 1, null]), frame: {}, data: [1, 2] }),
  },
  {
    name: "a trace that is none",
    outcome: "invalid_message",
    make: (random) =>
      `{"type":"control_trace","id":${random.pick(ODD_VALUES)},"latency_ms":${
        random.pick(['"1"', "null", "-1", "1e400", "60001", "[1]", "{}", "true"])
      }}`,
  },
  { name: "a trace without latency", outcome: "invalid_message", make: () => '{"type":"control_trace"}' },
  {
    name: "odd values",
    outcome: "taken",
    make: (random) => `{"type":"control","key":${random.pick(ODD_VALUES)},"action":${random.pick(ODD_VALUES)}}`,
  },
  {
    name: "odd types",
    outcome: "taken",
    make: (random) =>
      `{"type":${
        random.pick([
          "null",
          "1",
          "[]",
          "{}",
          '"Stop"',
          '" stop"',
          '"stop\\u0000"',
          '["stop"]',
          '"closed"',
          '"done"',
          '"chunk"',
          '"\\ud800"',
        ])
      }}`,
  },
  {
    name: "odd names",
    outcome: "taken",
    make: (random) => `{"${random.pick(ODD_NAMES)}":${random.pick(ODD_VALUES)},"type":"control"}`,
  },
  { name: "no type", outcome: "taken", make: (random) => `{"${random.pick(ODD_NAMES)}":${random.pick(ODD_VALUES)}}` },
  { name: "the same name twice", outcome: "taken", make: () => '{"type":"stop","type":"control","type":"press"}' },
  {
    name: "messages shaped like the host's",
    outcome: "taken",
    make: (random) =>
      JSON.stringify({
        type: "control",
        kind: random.pick(["push", "close", "log", "open", "chunk"]),
        port: {},
        id: whole(random, 1000),
        method: "stop",
      }),
  },
  {
    name: "ids of every kind",
    outcome: "taken",
    make: (random) => `{"type":"control","id":${random.pick(ODD_VALUES)}}`,
  },
  {
    name: "many fields",
    outcome: "taken",
    make: (random) =>
      control(Object.fromEntries(Array.from({ length: 1 + whole(random, 500) }, (_, index) => [`f${index}`, index]))),
  },
  {
    name: "pairs of surrogates torn apart",
    outcome: "taken",
    make: (random) => control({ prompt: "😀".repeat(1 + whole(random, 20)).slice(1) }),
  },
];

/** The rare large ones: just taken, and just not. */
const LARGE_KINDS: readonly Kind[] = [
  { name: "as large as may be", outcome: "taken", make: () => ofSize(MAX_BYTES) },
  { name: "one byte too large", outcome: "message_too_large", make: () => ofSize(MAX_BYTES + 1) },
  {
    name: "too large in UTF-8 only",
    outcome: "message_too_large",
    make: () => control({ pad: "é".repeat(MAX_BYTES / 2) }),
  },
  { name: "bytes that are too large", outcome: "message_too_large", make: () => Buffer.alloc(MAX_BYTES + 1) },
];

/** What a message of the server's says of one of the viewer's. */
function outcomeOf({ type, code, detail }: ChannelMessage): string {
  if (type === "chunk") return "taken";
  if (type !== "error") return "strange";
  // The pipeline sends back what it was sent; the largest messages are then too large for the viewer.
  return String(detail).startsWith("a message of type chunk was left out") ? "taken" : String(code);
}

/** What the viewer was told, counted as it comes and then forgotten. */
class Told {
  readonly counts = new Map<string, number>();
  readonly strange: unknown[] = [];

  take(viewer: Viewer): void {
    for (const message of viewer.messages.splice(0)) {
      const kind = outcomeOf(message);
      this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
      if (kind === "strange" || message.session_id !== viewer.sessionId) this.strange.push(message);
    }
    viewer.video.length = 0;
    viewer.audio.length = 0;
    viewer.reports.length = 0;
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }
}

/** The parts of the viewer's own SCTP that a test misuses; werift does not export them. */
interface Sctp {
  send(stream: number, protocol: number, data: Buffer): Promise<void>;
}

const OPENING_BRACE = 0x7b;
/** Payload protocols (RFC 8831, section 8). */
const DCEP = 50;
const TEXT = 51;
const EMPTY_TEXT = 56;
const EMPTY_BYTES = 57;

function sctpOf(viewer: Viewer): Sctp {
  const transport = viewer.peer.sctpTransport;
  assert.ok(transport !== undefined);
  return transport.sctp as unknown as Sctp;
}

/** Sends a message; an empty one, and bytes that are broken text, go as the viewer's library sends none. */
async function put(viewer: Viewer, message: string | Buffer, random: SeededRandom): Promise<void> {
  const id = viewer.channel?.id ?? 0;
  if (message instanceof Buffer && message[0] === OPENING_BRACE && message.includes(0xff)) {
    return await sctpOf(viewer).send(id, TEXT, message);
  }
  if (message !== "") return viewer.send(message);
  await sctpOf(viewer).send(id, random.pick([EMPTY_TEXT, EMPTY_BYTES]), Buffer.from([0]));
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

Deno.test(`${MESSAGE_COUNT} fuzzed control messages: each faulty one is answered, the session lives, nothing stays`, async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  await using viewer = await connectViewer(server, { channel: true, fields: { task: "bidirectional" } });
  await eventually("the greeting", () => viewer.messages.some((message) => message.type === "chunk"));
  viewer.messages.length = 0;
  const random = new SeededRandom(SEED);
  const told = new Told();
  const expected = new Map<string, number>();
  const faults: string[] = [];
  const memory: number[] = [];
  let sent = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const end = sent + MESSAGE_COUNT / ROUNDS; sent < end; sent++) {
      const kinds = sent % 500 === 499 ? LARGE_KINDS : KINDS;
      const kind = kinds[Math.floor(sent / (kinds === KINDS ? 1 : 500)) % kinds.length] as Kind;
      const before = told.counts.get(kind.outcome) ?? 0;
      await put(viewer, kind.make(random, sent), random);
      expected.set(kind.outcome, (expected.get(kind.outcome) ?? 0) + 1);
      if (sent % WINDOW === WINDOW - 1 || kinds === LARGE_KINDS) {
        await eventually(`answers up to ${kind.name}`, () => {
          told.take(viewer);
          return told.total >= sent + 1;
        });
      }
      if (before > (told.counts.get(kind.outcome) ?? 0)) faults.push(kind.name);
      faults.push(...server.logged.filter((line) => / (WARN |ERROR) /.test(line)));
      if (server.logged.length > 1000) server.clearLog();
    }
    memory.push(await liveMemory(server));
  }
  const mib = memory.map((bytes) => (bytes / 2 ** 20).toFixed(1));
  console.log(
    `${sent} messages: ${JSON.stringify(Object.fromEntries(told.counts))}; live memory after each round: ${mib} MiB`,
  );
  assert.deepEqual(Object.fromEntries(told.counts), Object.fromEntries(expected));
  assert.deepEqual(told.strange, []);
  assert.deepEqual([...new Set(faults)], []);
  const [first = 0, last = 0] = [memory[0], memory.at(-1)];
  assert.ok(last - first <= first * 0.05, `live memory grows: ${mib} MiB`);
  const status = await (await server.fetch(`/v1/stream/sessions/${viewer.sessionId}/status`)).json();
  assert.equal(status.state, "live");
  assert.equal(({} as { type?: string }).type, undefined, "nobody's prototype was changed");
  viewer.send({ type: "control", last: "one" });
  await eventually(
    "the session still answers",
    () => viewer.messages.some(({ data }) => JSON.stringify(data)?.includes('"last":"one"')),
  );
  viewer.send({ type: "stop" });
  await eventually("stop ends it", () => server.server.registry.size === 0);
});

Deno.test("what is no message at all, on the layers below, harms nobody", async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  await using viewer = await connectViewer(server, { channel: true, fields: { task: "bidirectional" } });
  await eventually("the greeting", () => viewer.messages.some((message) => message.type === "chunk"));
  const sctp = sctpOf(viewer);
  const id = viewer.channel?.id ?? 0;
  const label = Buffer.from("telefuser");
  const messages: [string, number, number, Buffer][] = [
    ["a protocol that is none", id, 99, Buffer.from("{}")],
    ["an opening cut short", 100, DCEP, Buffer.from([3, 0, 0])],
    ["a control message of no kind", 102, DCEP, Buffer.from([77])],
    ["an acknowledgement of a channel that is not there", 104, DCEP, Buffer.from([2])],
    ["a channel opened once more", id, DCEP, Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0]), label])],
    ["text on a channel that is not there", 106, TEXT, Buffer.from("{}")],
  ];
  for (const [, stream, protocol, data] of messages) await sctp.send(stream, protocol, data);
  const [dtls] = viewer.peer.dtlsTransports;
  assert.ok(dtls !== undefined);
  const random = new SeededRandom(SEED);
  for (let count = 0; count < 2000; count++) await dtls.sendData(malformed(random));
  viewer.send({ type: "control", after: "noise" });
  await eventually("the session still answers", () => JSON.stringify(viewer.messages).includes('"after":"noise"'));
  assert.deepEqual(server.logged.filter((line) => / (WARN |ERROR) /.test(line)), []);
  assert.ok(server.logged.filter((line) => line.includes("SCTP")).length > 1000);
});

/** A packet that is none: chunks and parameters that lead nowhere, noise. */
function malformed(random: SeededRandom): Buffer {
  const noise = Buffer.from(Array.from({ length: random.below(200) }, () => random.below(256)));
  const type = random.pick([0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 13, 14, 63, 130, 192, 255]);
  const length = random.pick([0, 1, 3, 4, 5, 12, 20, 24, 65_535]);
  const chunk = Buffer.concat([Buffer.from([type, random.below(256), length >> 8, length & 255]), noise]);
  return random.pick([noise, packet(chunk), Buffer.alloc(random.below(13))]);
}

/** A packet with a right checksum (RFC 9260, appendix A), so that what is in it is looked at. */
function packet(chunk: Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.from([0x13, 0x88, 0x13, 0x88, 0, 0, 0, 0, 0, 0, 0, 0]), chunk]);
  bytes.writeUInt32LE(crc32c(bytes), 8);
  return bytes;
}

function crc32c(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? sum >>> 1 ^ 0x82f63b78 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}
