import assert from "node:assert/strict";
import { canWatchMemory, residentBytes } from "../../../src/pipeline/memory_watch.ts";
import { processLink } from "../../../src/pipeline/process_link.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { TempFolder } from "../support/temp_folder.ts";

function link(memory: number, canWatch: () => boolean) {
  const command = { program: "/bin/false", args: [] };
  return processLink({ command, permissions: "none", memory, chunkBytes: 1, clock: new ManualClock() }, canWatch);
}

Deno.test("a limit of memory that cannot be watched is said to be without effect, once", () => {
  using log = new CapturedLog("warn");
  link(512, () => true);
  link(0, () => false);
  assert.equal(log.lines.length, 0);
  link(512, () => false);
  assert.equal(log.lines.length, 1);
  assert.match(log.text, /--pipeline-memory has no effect/);
});

Deno.test("memory can be watched where the system tells what a process holds", async () => {
  await using folder = await TempFolder.make({
    "linux/self/status": "Name:\tdeno\nVmRSS:\t  812 kB\n",
    "other/self/status": "deno 812\n",
  });
  assert.equal(canWatchMemory(folder.at("linux")), true);
  assert.equal(canWatchMemory(folder.at("other")), false);
  assert.equal(canWatchMemory(folder.at("none")), false);
});

Deno.test("a process that is gone holds nothing that could be read", async () => {
  assert.ok((await residentBytes(Deno.pid) ?? 0) > 1e6);
  const child = new Deno.Command("/bin/true").spawn();
  await child.status;
  assert.equal(await residentBytes(child.pid), null);
});
