import assert from "node:assert/strict";
import { loadConfig, redactConfig } from "../../src/config/mod.ts";
import { escapeControl, hideSecrets, isWorthLogging, Log, type LogFields, redact, setLogLevel } from "../../src/log.ts";
import { CapturedLog } from "./support/captured_log.ts";

/** The one line that a call writes, without its time. */
function lineOf(message: string, fields?: LogFields, scope = "test"): string {
  using log = new CapturedLog();
  new Log(scope).info(message, fields);
  assert.equal(log.lines.length, 1);
  const { line } = log.lines[0] ?? { line: "" };
  assert.match(line, /^\d\d:\d\d:\d\d\.\d\d\d /);
  return line.slice(13);
}

/** Everything that would begin a new line or move a terminal's cursor. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

Deno.test("writes time, level, scope, message and fields on one line", () => {
  assert.equal(lineOf("ready", { port: 8088, mode: "server_push" }), "INFO  test: ready port=8088 mode=server_push");
});

Deno.test("names a part of a scope behind it", () => {
  using log = new CapturedLog();
  new Log("session 1").child("video").warn("late");
  assert.match(log.text, / WARN {2}session 1 video: late$/);
});

Deno.test("prints only what is important enough", () => {
  using log = new CapturedLog("warn");
  const one = new Log("test");
  one.debug("a");
  one.info("b");
  one.warn("c");
  one.error("d");
  assert.deepEqual(log.lines.map(({ level }) => level), ["warn", "error"]);
  assert.equal(setLogLevel("debug"), "warn", "the level before is given back");
  one.debug("e");
  assert.equal(log.lines.length, 3);
  setLogLevel("info");
  one.debug("f");
  one.info("g");
  assert.deepEqual(log.lines.map(({ level }) => level), ["warn", "error", "debug", "info"]);
});

Deno.test("does not let a message, a scope, a value or a name forge a line", () => {
  const forged = "x\n12:00:00.000 ERROR server: hacked\r\u001b[2J\u0085\u2028\u2029\u0000";
  for (
    const line of [
      lineOf(forged),
      lineOf("fine", {}, forged),
      lineOf("fine", { prompt: forged }),
      lineOf("fine", { nested: { deep: [forged] } }),
      lineOf("fine", { error: new Error(forged) }),
      lineOf("fine", { [forged]: 1 }),
      lineOf("fine", { value: { toString: () => forged, toJSON: () => undefined } }),
    ]
  ) {
    assert.doesNotMatch(line, CONTROL);
  }
});

Deno.test("makes control characters visible instead of dropping them", () => {
  assert.equal(escapeControl("a\nb\tc\u001b[31m\u007f\u009b"), "a\\nb\\tc\\u001b[31m\\u007f\\u009b");
  assert.equal(escapeControl("Grüße, 世界 ✓"), "Grüße, 世界 ✓");
});

Deno.test("does not let a value pass for another field", () => {
  assert.equal(lineOf("m", { prompt: "a level=error b" }), 'INFO  test: m prompt="a level=error b"');
  assert.equal(lineOf("m", { prompt: 'a" code=1' }), 'INFO  test: m prompt="a\\" code=1"');
  const line = lineOf("m", { prompt: 'a\\" code=1 "' });
  const quoted = /prompt=("(?:[^"\\]|\\.)*")$/.exec(line)?.[1];
  assert.ok(quoted !== undefined, `the quotes of ${line} do not match`);
});

Deno.test("shows values of every kind", () => {
  assert.equal(
    lineOf("m", { a: true, b: null, c: [1, "x"], d: { e: 1 } }),
    'INFO  test: m a=true b=null c=[1,"x"] d={"e":1}',
  );
  assert.equal(lineOf("m", { gone: undefined, big: 10n }), "INFO  test: m big=10");
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  assert.match(lineOf("m", { circular }), /circular=/);
});

Deno.test("cuts values that never end", () => {
  const line = lineOf("m", { prompt: `begin${"x".repeat(1_000_000)}` });
  assert.ok(line.length < 2100 && line.endsWith("…"), `${line.length} characters`);
  assert.match(line, /prompt=beginx/);
});

Deno.test("prints a configuration without its secrets", () => {
  using log = new CapturedLog();
  const { config } = loadConfig({
    flags: { turnCredential: "correct-horse", turnServer: "turn:example.org" },
    env: () => undefined,
  });
  new Log("telefuser").debug("configuration", redactConfig(config));
  assert.match(log.text, /turnServer=\["turn:example\.org"\]/);
  assert.doesNotMatch(log.text, /correct-horse/);
  assert.match(log.text, /turnCredential=\*\*\*/);
});

Deno.test("prints the first of many alike lines and then ever fewer", () => {
  const printed = Array.from({ length: 1_000_000 }, (_, index) => index + 1).filter(isWorthLogging);
  assert.deepEqual(printed.slice(0, 5), [1, 2, 3, 4, 5]);
  const among = (from: number, to: number) =>
    printed.filter((count) => count > from && count <= to).length / (to - from);
  assert.ok(among(0, 100) < 0.5 && among(100, 1000) < 0.05 && among(1000, 1_000_000) < 0.005);
  assert.ok(among(999_000, 1_000_000) > 0, "they never end");
});

Deno.test("stars secrets in every form in which they come, for as long as it is asked to", () => {
  using log = new CapturedLog();
  const secret = 'pass"word/with\nmore';
  {
    using _hidden = hideSecrets([secret, "longer-secret-1", "longer-secret", "abc", ""]);
    using _again = hideSecrets([secret]);
    new Log("x").info(`it is ${secret}`, { json: { secret }, url: encodeURIComponent(secret), two: "longer-secret-1" });
    assert.match(log.text, /it is \*\*\* json=\{"secret":"\*\*\*"\} url=\*\*\* two=\*\*\*$/);
    assert.equal(redact("abc and longer-secret-2"), "abc and ***-2", "what is too short is a word like any other");
  }
  assert.equal(redact(secret), secret);
});

Deno.test("makes marks visible that turn the direction of writing", () => {
  assert.equal(escapeControl("a\u202eb\u2066c\u200f"), "a\\u202eb\\u2066c\\u200f");
});
