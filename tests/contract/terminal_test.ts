import assert from "node:assert/strict";
import { testPipeline } from "../support/test_server.ts";

const root = new URL("../../", import.meta.url).pathname;

/** Runs a command on a terminal of its own and returns what appeared there until one of these did. */
async function onTerminal(
  command: readonly string[],
  { until, env = {} }: { until: RegExp; env?: Record<string, string> },
): Promise<string> {
  const line = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const child = new Deno.Command("script", {
    args: ["--quiet", "--return", "--command", line, "/dev/null"],
    cwd: root,
    env: { DENO_NO_PROMPT: "", NO_COLOR: "", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let seen = "";
  const limit = setTimeout(() => child.kill("SIGKILL"), 30_000);
  for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
    seen += piece;
    if (until.test(seen)) break;
  }
  clearTimeout(limit);
  try {
    child.kill("SIGTERM");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // It has ended already.
  }
  await child.stdin.close();
  await child.status;
  return seen;
}

const DONE = /asked: [^\n]*\n|Allow\?/;
const DENIED = /asked: (\w+ denied, ){7}import denied; refused NotCapable/;

function serve(...args: string[]): string[] {
  return [Deno.execPath(), "run", "-A", "main.ts", "stream-serve", ...args, "--host", "127.0.0.1", "-p", "0"];
}

Deno.test("on such a terminal Deno does ask, where nothing keeps it from it", async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, 'Deno.readTextFileSync("/etc/hostname");\n');
  assert.match(await onTerminal([Deno.execPath(), "run", file], { until: DONE }), /Allow\?/);
  await Deno.remove(file);
});

for (
  const [name, args] of [
    ["at strict", []],
    ["at standard", ["--security-level", "standard"]],
    ["in a process of its own", ["--isolation", "process"]],
  ] as const
) {
  Deno.test(`no permission prompt appears on a terminal, without --no-prompt, ${name}`, async () => {
    const seen = await onTerminal(serve(testPipeline("asking"), ...args), { until: DONE });
    assert.match(seen, DENIED);
    assert.doesNotMatch(seen, /Allow\?/);
  });
}

Deno.test("--skip-validation is said in red on a terminal, and without colour where NO_COLOR is set", async () => {
  const command = serve(testPipeline("paused"), "--skip-validation");
  const until = /every right that this server has[^\n]*\n/;
  // deno-lint-ignore no-control-regex
  const red = /\u001b\[31m--skip-validation is for development[^\n]*every right that this server has\u001b\[0m/;
  assert.match(await onTerminal(command, { until }), red);
  const plain = await onTerminal(command, { until, env: { NO_COLOR: "1" } });
  assert.match(plain, until);
  assert.ok(!plain.includes("\u001b[31m"), plain);
});
