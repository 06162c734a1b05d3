import assert from "node:assert/strict";
import { takenPlaces, typed, writeFiles } from "../../../src/cli/pipeline_files.ts";
import { TempFolder } from "../support/temp_folder.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("files are written with their folders; those that are there with the same content are left", async () => {
  await using temp = await TempFolder.make({ "a/one.ts": "1" });
  const files = new Map([["a/one.ts", bytes("1")], ["b/c/two.ts", bytes("2")]]);
  assert.deepEqual(await takenPlaces(temp.path, files), []);
  assert.deepEqual(await writeFiles(temp.path, files), ["b/c/two.ts"]);
  assert.equal(await Deno.readTextFile(temp.at("b/c/two.ts")), "2");
});

Deno.test("nothing is overwritten: what has a place is named, and writing there fails", async () => {
  await using temp = await TempFolder.make({ "one.ts": "mine", "two.ts/inside": "", "three": "a file" });
  await Deno.symlink(temp.at("nowhere"), temp.at("four.ts"));
  for (const path of ["one.ts", "two.ts", "three/inside.ts", "four.ts"]) {
    const files = new Map([[path, bytes("new")]]);
    assert.deepEqual(await takenPlaces(temp.path, files), [path]);
    await assert.rejects(writeFiles(temp.path, files), path);
  }
  assert.equal(await Deno.readTextFile(temp.at("one.ts")), "mine");
  assert.equal(await Deno.readTextFile(temp.at("three")), "a file");
});

Deno.test("what is written belongs to the user, however the server's own files are kept", async () => {
  await using temp = await TempFolder.make();
  await writeFiles(temp.path, new Map([["one.ts", bytes("1")]]));
  const mode = (await Deno.stat(temp.at("one.ts"))).mode ?? 0;
  const mask = Deno.umask();
  assert.equal(mode & 0o777, 0o666 & ~mask);
});

Deno.test("a word is quoted when a shell would read it otherwise", () => {
  for (const plain of ["waves/pipeline.ts", "./a_b-c.ts", "vlny_é.ts"]) assert.equal(typed(plain), plain);
  assert.equal(typed("two words.ts"), "'two words.ts'");
  assert.equal(typed("$(x) it's"), "'$(x) it'\\''s'");
  assert.equal(typed(""), "''");
});
