import assert from "node:assert/strict";
import { type Outcome, telefuser as runTelefuser } from "../support/command_line.ts";

const root = new URL("../../", import.meta.url).pathname;

/** Runs the command line in the checkout. */
function telefuser(...args: string[]): Promise<Outcome> {
  return runTelefuser(args, { cwd: root });
}

Deno.test("--version prints what is inside, --help every setting", async () => {
  const version = await telefuser("--version");
  assert.equal(version.code, 0, version.err);
  const names = version.out.trimEnd().split("\n").map((line) => line.split(" ")[0]);
  assert.deepEqual(names, ["telefuser", "commit", "form", "Deno", "FFmpeg", "codecs"]);
  assert.match(version.out, /^telefuser \d+\.\d+\.\d+\n/);
  assert.match(version.out, /^form +source$/m);
  assert.match(version.out, /^codecs +H264 \(libx264\), VP8 \(libvpx\), Opus \(libopus\)$/m);
  const help = await telefuser("stream-serve", "--help");
  assert.equal(help.code, 0);
  for (
    const flag of ["-p, --port", "--host", "--security-level", "--skip-validation", "-v, --verbose", "--encoder-effort"]
  ) {
    assert.ok(help.out.includes(flag), flag);
  }
});

Deno.test("licenses prints the list of what is inside", async () => {
  const { code, out, err } = await telefuser("licenses");
  assert.equal(code, 0, err);
  assert.equal(out, await Deno.readTextFile(`${root}NOTICE`));
});

Deno.test("what cannot be run exits with 2 and one line that says what to type", async (context) => {
  const pipeline = "tests/pipelines/paused.ts";
  const cases: [string, string[], RegExp][] = [
    ["unknown flag", ["stream-serve", pipeline, "--prot", "1"], /unknown option '--prot' \(Did you mean --port\?\)/],
    ["unknown command", ["stream-srve", pipeline], /unknown command 'stream-srve' \(Did you mean stream-serve\?\)/],
    ["no pipeline", ["stream-serve"], /missing required argument 'pipeline_file'; type: telefuser stream-serve /],
    ["missing file", ["stream-serve", "nope.ts"], /there is no file nope\.ts/],
    ["port of letters", ["stream-serve", pipeline, "-p", "abc"], /--port: "abc" is not a whole number/],
    [
      "too many sessions",
      ["stream-serve", pipeline, "--webrtc-max-sessions", "101"],
      /--webrtc-max-sessions: "101" .*<=100/,
    ],
    [
      "unknown codec",
      ["stream-serve", pipeline, "--webrtc-video-codec", "AV1"],
      /"AV1" does not fit: use one of H264, VP8/,
    ],
    ["grant at strict", ["stream-serve", pipeline, "--allow-read", "/tmp"], /add --security-level standard/],
  ];
  for (const [name, args, line] of cases) {
    await context.step(name, async () => {
      const { code, err, out } = await telefuser(...args);
      assert.equal(code, 2, err);
      assert.match(err, line);
      assert.equal(err.trimEnd().split("\n").length, 1, err);
      assert.equal(out, "");
    });
  }
});

Deno.test("a port that is taken is one line with the port, exit 1", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String(taken.addr.port);
  const { code, err } = await telefuser("stream-serve", "tests/pipelines/paused.ts", "--host", "127.0.0.1", "-p", port);
  taken.close();
  assert.equal(code, 1);
  assert.match(err, new RegExp(`^telefuser: port ${port} is in use; [^\\n]*\\n$`));
});

Deno.test("a pipeline that does not parse or misses a module is named by file, line and column, exit 1", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/broken.ts`, "export function getService( {\n");
  await Deno.writeTextFile(`${folder}/lost.ts`, 'import { x } from "./x.ts";\nexport const getService = () => x;\n');
  const broken = await telefuser("stream-serve", `${folder}/broken.ts`);
  assert.equal(broken.code, 1);
  assert.match(broken.err, /broken\.ts:\d+:\d+ error syntax: does not parse/);
  const lost = await telefuser("stream-serve", `${folder}/lost.ts`);
  assert.equal(lost.code, 1);
  assert.match(lost.err, /lost\.ts:1:19 error missing-module: imports "\.\/x\.ts", but there is no file/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("at start it prints pipeline, level with permissions and the page; SIGTERM stops it cleanly", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "main.ts", "stream-serve", "tests/pipelines/paused.ts", "--host", "127.0.0.1", "-p", "0"],
    cwd: root,
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let out = "";
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  while (!/service\/health\n/.test(out)) {
    const { value, done } = await reader.read();
    if (done) break;
    out += value;
  }
  assert.match(out, /pipeline +tests\/pipelines\/paused\.ts/);
  assert.match(out, /level +strict: read its own module; no network/);
  const url = /http:\/\/127\.0\.0\.1:\d+\/demo\/player/.exec(out)?.[0];
  assert.ok(url !== undefined, out);
  const page = await fetch(url);
  await page.body?.cancel();
  assert.equal(page.status, 200);
  child.kill("SIGTERM");
  assert.equal((await child.status).code, 0);
  await reader.cancel();
});

Deno.test("a refused pipeline cannot forge a line of ours or clear the terminal", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/forging.ts`;
    await Deno.writeTextFile(file, 'import "https://x/\\x1b[2J\\ntelefuser: all fine";\n');
    const { code, err } = await telefuser("stream-serve", file, "--host", "127.0.0.1", "--port", "0");
    assert.equal(code, 1, err);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(err, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    const ours = err.trimEnd().split("\n").filter((line) => line.startsWith("telefuser:"));
    assert.equal(ours.length, 1, err);
    assert.match(ours[0] ?? "", /is not started: 1 error .*\\u001b\[2J\\ntelefuser: all fine/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
