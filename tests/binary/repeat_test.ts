import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type TarEntry, tarOf } from "../../scripts/package/tar.ts";
import { ROOT } from "../../scripts/package/build.ts";
import { copyTree } from "../support/copy_tree.ts";

/** What a package is made from. */
const INPUTS = ["main.ts", "src", "static", "pipelines", "scripts", "deno.json", "deno.lock"];
/** Makes a stage in the checkout where it runs, and prints what would go into the package, each file with its digest. */
const PROGRAM = `
import { contentsOf } from "./scripts/package/package.ts";
import { makeStage } from "./scripts/package/stage.ts";
const { server, codecs, facts } = await contentsOf(await makeStage({ commit: "abc" }), Deno.execPath());
console.log(JSON.stringify({ server, codecs, facts }));
`;

interface Contents {
  readonly server: readonly TarEntry[];
  readonly codecs: readonly TarEntry[];
  readonly facts: unknown;
}

Deno.test("two checkouts in other folders, with another umask, time zone and language, give the same package", async () => {
  const folder = await Deno.makeTempDir({ prefix: "telefuser-" });
  const made: { digest: string; names: string[]; contents: Contents }[] = [];
  for (
    const [name, umask, env] of [
      ["one", 0o022, { TZ: "UTC", LC_ALL: "C" }],
      ["another/one with a longer name", 0o077, { TZ: "Asia/Tokyo", LC_ALL: "de_DE.UTF-8", LANG: "de_DE.UTF-8" }],
    ] as const
  ) {
    const checkout = `${folder}/${name}`;
    for (const input of INPUTS) await copyTree(`${ROOT}${input}`, `${checkout}/${input}`);
    const contents = await stageIn(checkout, { umask, env });
    const hash = createHash("sha256");
    for await (const bytes of tarOf([...contents.server, ...contents.codecs])) hash.update(bytes);
    const names = [...contents.server, ...contents.codecs].map((entry) => `${entry.mode.toString(8)} ${entry.name}`);
    made.push({ digest: hash.digest("hex"), names, contents });
  }
  await Deno.remove(folder, { recursive: true });
  const [one, another] = made;
  assert.ok(one !== undefined && another !== undefined);
  assert.ok(one.names.length > 1000);
  assert.deepEqual(another.names, one.names);
  assert.deepEqual(another.contents.facts, one.contents.facts);
  assert.equal(another.digest, one.digest);
});

async function stageIn(
  checkout: string,
  { umask, env }: { umask: number; env: Readonly<Record<string, string>> },
): Promise<Contents> {
  const before = Deno.umask(umask);
  try {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--ext=ts", PROGRAM],
      cwd: checkout,
      env: { ...env, NO_COLOR: "1" },
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    Deno.umask(before);
  }
}
