import assert from "node:assert/strict";
import { ROOT } from "../../../scripts/package/build.ts";

/** Unpacks itself and starts as a packaged file does, as far as the script looks at it; its runtime says how it was started. */
const PACKAGE = `#!/bin/sh
root=$XDG_CACHE_HOME/telefuser/1
mkdir -p "$root"
cat >"$root/telefuser" <<'END'
#!/bin/sh
trap 'exit 0' TERM
printf '%s\\n' "pipeline is running <$DENO_DIR> <$*>"
[ "$1" = stream-serve ] || exit 0
while :; do sleep 0.05; done
END
chmod 755 "$root/telefuser"
if :; then
  DENO_DIR=$root/.deno
  export DENO_DIR
  exec "$root/telefuser" "$@"
fi
`;

/** A folder with a package in it. */
async function makeGround(text = PACKAGE): Promise<AsyncDisposable & { folder: string; file: string }> {
  const folder = await Deno.makeTempDir({ prefix: "unpack" });
  await Deno.writeTextFile(`${folder}/package`, text);
  return {
    folder,
    file: `${folder}/package`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function unpack(args: readonly string[], cwd: string): Promise<{ code: number; err: string }> {
  const { code, stderr } = await new Deno.Command("sh", {
    args: [`${ROOT}scripts/container/unpack.sh`, ...args],
    cwd,
    stdout: "null",
  }).output();
  return { code, err: new TextDecoder().decode(stderr) };
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("the folder of an unpacked package may have any name, and may be named from where one is", async () => {
  await using ground = await makeGround();
  for (const name of ["plain", "two words", 'it\'s $HOME `id` "so" \\n %s', "above/below/"]) {
    const { code, err } = await unpack([ground.file, name], ground.folder);
    assert.equal(code, 0, `${name}: ${err}`);
    const root = `${ground.folder}/${name.replace(/\/$/, "")}`;
    assert.deepEqual(namesIn(root), ["launch", "telefuser"]);
    const { stdout } = await new Deno.Command(`${root}/launch`, { args: ["health", "a b"], cwd: "/" }).output();
    assert.equal(new TextDecoder().decode(stdout), `pipeline is running <${root}/.deno> <health a b>\n`);
  }
});

Deno.test("a folder that is there is refused and left as it is, even when it is empty or a link to nothing", async () => {
  await using ground = await makeGround();
  await Deno.mkdir(`${ground.folder}/full`);
  await Deno.writeTextFile(`${ground.folder}/full/mine`, "mine");
  await Deno.mkdir(`${ground.folder}/empty`);
  await Deno.symlink("/nowhere", `${ground.folder}/link`);
  const before = namesIn(ground.folder);
  for (const name of ["full", "empty", "link", "full/"]) {
    const { code, err } = await unpack([ground.file, `${ground.folder}/${name}`], "/");
    assert.equal(code, 1, name);
    assert.match(err, /is there already; name a folder that is not, or remove it first\n$/);
  }
  assert.deepEqual(namesIn(ground.folder), before);
  assert.deepEqual(namesIn(`${ground.folder}/full`), ["mine"]);
  assert.deepEqual(namesIn(`${ground.folder}/empty`), []);
});

Deno.test("nothing stays of a package that does not come up, so that it can be tried again", async () => {
  await using ground = await makeGround(
    PACKAGE.replace("while :; do sleep 0.05; done", "exit 3").replace("pipeline is running", "no"),
  );
  const { code, err } = await unpack([ground.file, "root"], ground.folder);
  assert.equal(code, 1);
  assert.match(err, /<stream-serve /, "what it printed is shown");
  assert.deepEqual(namesIn(ground.folder), ["package"]);
});
