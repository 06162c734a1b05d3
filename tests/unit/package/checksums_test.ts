import assert from "node:assert/strict";
import { CHECKSUMS, writeChecksums } from "../../../scripts/package/checksums.ts";

async function check(folder: string): Promise<{ success: boolean; said: string }> {
  const { success, stdout } = await new Deno.Command("sha256sum", {
    args: ["--check", "--strict", CHECKSUMS],
    cwd: folder,
    env: { LC_ALL: "C" },
    stderr: "null",
  }).output();
  return { success, said: new TextDecoder().decode(stdout) };
}

Deno.test("sha256sum finds what was built as it was built, and says which file was changed", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeFile(`${folder}/telefuser-packaged`, new Uint8Array(3_000_000).fill(7));
  await Deno.writeTextFile(`${folder}/telefuser.cdx.json`, "{}\n");
  await Deno.writeTextFile(`${folder}/other`, "");
  await writeChecksums(`${folder}/`);
  assert.deepEqual(await check(folder), { success: true, said: "telefuser-packaged: OK\ntelefuser.cdx.json: OK\n" });
  await Deno.writeTextFile(`${folder}/telefuser-packaged`, "x", { append: true });
  const { success, said } = await check(folder);
  assert.equal(success, false);
  assert.equal(said, "telefuser-packaged: FAILED\ntelefuser.cdx.json: OK\n");
  await Deno.remove(folder, { recursive: true });
});
