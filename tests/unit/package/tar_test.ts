import assert from "node:assert/strict";
import { type TarEntry, tarHeader, tarOf } from "../../../scripts/package/tar.ts";

async function bytesOf(entries: readonly TarEntry[]): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(ReadableStream.from(tarOf(entries))).arrayBuffer());
}

Deno.test("an archive is unpacked by tar as it was put in: names, modes and contents", async () => {
  const folder = await Deno.makeTempDir();
  const long = `${"folder-with-a-name/".repeat(8)}${"x".repeat(90)}.txt`;
  await Deno.writeTextFile(`${folder}/one`, "one\n");
  await Deno.writeFile(`${folder}/block`, new Uint8Array(1024).fill(7));
  const entries: TarEntry[] = [
    { name: "b/run.sh", mode: 0o755, path: `${folder}/one` },
    { name: "b/", mode: 0o755 },
    { name: "a", mode: 0o644, path: `${folder}/block` },
    { name: long, mode: 0o644, path: `${folder}/one` },
  ];
  await Deno.writeFile(`${folder}/archive.tar`, await bytesOf(entries));
  const { success, stderr } = await new Deno.Command("tar", { args: ["-xf", "archive.tar"], cwd: folder }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  assert.equal(await Deno.readTextFile(`${folder}/${long}`), "one\n");
  assert.deepEqual(await Deno.readFile(`${folder}/a`), new Uint8Array(1024).fill(7));
  const script = await Deno.stat(`${folder}/b/run.sh`);
  assert.equal((script.mode ?? 0) & 0o777, 0o755);
  assert.equal(script.mtime?.getTime(), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the order in which files are given and their times make no difference", async () => {
  const folder = await Deno.makeTempDir();
  for (const name of ["a", "b"]) await Deno.writeTextFile(`${folder}/${name}`, name);
  const entries = ["a", "b"].map((name) => ({ name, mode: 0o644, path: `${folder}/${name}` }));
  const before = await bytesOf(entries);
  await Deno.utime(`${folder}/a`, 1, 1);
  assert.deepEqual(await bytesOf(entries.toReversed()), before);
  await Deno.writeTextFile(`${folder}/a`, "c");
  assert.notDeepEqual(await bytesOf(entries), before);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a name that a tar cannot hold is refused", () => {
  for (const name of ["x".repeat(101), `${"y".repeat(200)}/x`, "café", ""]) {
    assert.throws(() => tarHeader({ name, mode: 0o644, path: "/" }, 0), /does not fit into a tar/, name);
  }
});
