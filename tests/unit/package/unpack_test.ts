import assert from "node:assert/strict";
import { writePackage } from "../../../scripts/package/package.ts";

const SCRIPT = new URL("../../../scripts/container/unpack.sh", import.meta.url).pathname;
/** Stands in for the runtime: says how it was started, and runs on where it is to serve. */
const RUNTIME = `#!/bin/sh
echo "<$0> <$DENO_DIR> <$*>"
case "$*" in
  *stream-serve*)
    [ ! -e "\${0%/*}/broken" ] || exit 3
    mkdir -p "$DENO_DIR" && echo warm >"$DENO_DIR/cache"
    trap 'exit 0' TERM
    echo "pipeline is running"
    while :; do sleep 0.05; done
    ;;
esac
`;

/** A folder with a small package in it. */
async function makeGround(names: readonly string[]): Promise<AsyncDisposable & { folder: string; file: string }> {
  const folder = await Deno.makeTempDir({ prefix: "unpack" });
  await Deno.writeTextFile(`${folder}/runtime`, RUNTIME);
  await Deno.chmod(folder, 0o755);
  await writePackage(`${folder}/package`, {
    server: [{ name: "telefuser", mode: 0o755, path: `${folder}/runtime` }],
    codecs: names.map((name) => ({ name, mode: 0o600, path: `${folder}/runtime` })),
    facts: {
      version: "1.2.3",
      commit: "abc",
      target: "linux-x64",
      runtimeBytes: RUNTIME.length,
      nativeFile: names[0] as string,
      nativeBytes: RUNTIME.length,
      unpackedBytes: 1,
    },
  });
  return {
    folder,
    file: `${folder}/package`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function sh(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command("sh", { args }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

Deno.test("a package is unpacked for all users, is warm, and starts as it does when it unpacks itself", async () => {
  await using ground = await makeGround(["native.node"]);
  const root = `${ground.folder}/opt/telefuser`;
  const { code, err } = await sh(SCRIPT, ground.file, root);
  assert.equal(code, 0, err);
  const launched = await new Deno.Command(`${root}/launch`, { args: ["health", "a b"] }).output();
  const own = await new Deno.Command(ground.file, {
    args: ["health", "a b"],
    env: { XDG_CACHE_HOME: ground.folder },
  }).output();
  const [here, there] = [launched, own].map(({ stdout }) => new TextDecoder().decode(stdout));
  assert.ok(here?.startsWith(`<${root}/telefuser> <${root}/.deno> <run -A `), here);
  // But for the folder the two are the same.
  const [itsRoot = ""] = /(?<=^<)[^>]*(?=\/telefuser>)/.exec(there ?? "") ?? [];
  assert.equal(here, there?.replaceAll(itsRoot, root));
  assert.equal(await Deno.readTextFile(`${root}/.deno/cache`), "warm\n");
  for (const name of ["", "/native.node", "/launch", "/.deno/cache"]) {
    assert.equal((Deno.statSync(`${root}${name}`).mode ?? 0) & 0o044, 0o044, `others may not read ${name}`);
    assert.equal((Deno.statSync(`${root}${name}`).mode ?? 0) & 0o022, 0, `others may write ${name}`);
  }
  const left = [...Deno.readDirSync(`${ground.folder}/opt`)].map(({ name }) => name);
  assert.deepEqual(left, ["telefuser"], "nothing else stays");
});

Deno.test("a server that does not come up, and a file that is no package, are failures", async () => {
  await using ground = await makeGround(["native.node", "broken"]);
  const root = `${ground.folder}/opt/telefuser`;
  const { code, err } = await sh(SCRIPT, ground.file, root);
  assert.equal(code, 1);
  assert.match(err, /stream-serve/, "what it printed is shown");
  const other = await sh(SCRIPT, `${ground.folder}/runtime`, `${root}-2`);
  assert.notEqual(other.code, 0);
});
