import assert from "node:assert/strict";
import { writePackage } from "../../../scripts/package/package.ts";
import { makeStub, STUB_BYTES } from "../../../scripts/package/stub.ts";

/** Stands in for the runtime: says how it was started. */
const RUNTIME = `#!/bin/sh
for argument in "$@"; do printf '<%s>' "$argument"; done
printf ' %s %s %s\\n' "$0" "$DENO_DIR" "$(umask)"
`;
const NATIVE = "lib/native.node";

/** A small package with folders around it. */
interface Ground extends AsyncDisposable {
  readonly folder: string;
  readonly file: string;
  readonly content: string;
  /** Empty, with mode 0700. */
  readonly home: string;
  readonly temporary: string;
  run(options?: RunOptions): Promise<{ code: number; out: string; err: string }>;
}

interface RunOptions {
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  readonly shell?: string;
}

async function makeGround(): Promise<Ground> {
  const folder = await Deno.makeTempDir({ prefix: "stub it " });
  const [home, temporary, file] = [`${folder}/home`, `${folder}/tmp`, `${folder}/tele fuser`];
  for (const path of [home, temporary]) await Deno.mkdir(path, { mode: 0o700 });
  await Deno.writeTextFile(`${folder}/runtime`, RUNTIME);
  // Too long for one read of a pipe.
  await Deno.mkdir(`${folder}/lib`);
  await Deno.writeFile(`${folder}/${NATIVE}`, crypto.getRandomValues(new Uint8Array(60_000)));
  const { size: nativeBytes } = await Deno.stat(`${folder}/${NATIVE}`);
  const server = [
    { name: "telefuser", mode: 0o755, path: `${folder}/runtime` },
    { name: "src/", mode: 0o755 },
    { name: "src/main.ts", mode: 0o644, path: `${folder}/runtime` },
  ];
  const codecs = [{ name: NATIVE, mode: 0o644, path: `${folder}/${NATIVE}` }];
  const made = `${folder}/package`;
  const content = await writePackage(made, {
    server,
    codecs,
    facts: {
      version: "1.2.3",
      commit: "abc+changes",
      target: "linux-x64",
      runtimeBytes: RUNTIME.length,
      nativeFile: NATIVE,
      nativeBytes,
      unpackedBytes: 1,
    },
  });
  await copy(made, file);
  return {
    folder,
    file,
    content,
    home,
    temporary,
    async run({ args = [], env = {}, shell } = {}) {
      const { code, stdout, stderr } = await new Deno.Command(shell ?? file, {
        args: [...(shell === undefined ? [] : [file]), ...args],
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: home, TMPDIR: temporary, ...env },
        clearEnv: true,
      }).output();
      return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/**
 * Copies a file that is run: by another process, as a program that another test starts meanwhile would have it open for
 * writing too, and what is open for writing cannot be run.
 */
async function copy(from: string, to: string): Promise<void> {
  const { success } = await new Deno.Command("cp", { args: ["-p", from, to] }).output();
  assert.ok(success);
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).toSorted();
}

Deno.test("the first start unpacks into the cache folder, and the runtime gets the arguments as they were", async () => {
  await using ground = await makeGround();
  const base = `${ground.home}/.cache/telefuser`;
  const root = `${base}/${ground.content}`;
  for (const turn of ["first", "second"]) {
    const { code, out, err } = await ground.run({ args: ["a b", "$(c)", "*", ""] });
    assert.equal(code, 0, `${turn}: ${err}`);
    const [, words = "", rest] = /^((?:<[^>]*>)+) ([^]*)$/.exec(out) ?? [];
    assert.ok(words.endsWith(`<--config><${root}/deno.json><${root}/main.ts><a b><$(c)><*><>`), words);
    assert.equal(rest, `${root}/telefuser ${root}/.deno ${umask()}\n`);
    assert.deepEqual(namesIn(base), [ground.content]);
  }
  assert.equal((Deno.statSync(base).mode ?? 0) & 0o777, 0o700);
  assert.equal((Deno.statSync(root).mode ?? 0) & 0o777, 0o700);
});

function umask(): string {
  return Deno.umask().toString(8).padStart(4, "0");
}

Deno.test("any shell of POSIX runs it", async (context) => {
  for (const shell of ["/bin/sh", "/bin/dash", "/bin/bash", "/bin/busybox"]) {
    const isThere = await Deno.stat(shell).then(() => true, () => false);
    await context.step({
      name: shell,
      ignore: !isThere,
      async fn() {
        await using ground = await makeGround();
        const args = shell.endsWith("busybox") ? ["sh", ground.file] : [ground.file];
        const { success } = await new Deno.Command(shell, { args, env: { HOME: ground.home }, stdout: "null" })
          .output();
        assert.ok(success);
        assert.deepEqual(namesIn(`${ground.home}/.cache/telefuser`), [ground.content]);
      },
    });
  }
});

Deno.test("ten that start at once all run, from one folder, and leave nothing else", async () => {
  await using ground = await makeGround();
  const runs = await Promise.all(Array.from({ length: 10 }, () => ground.run()));
  for (const { code, err } of runs) assert.equal(code, 0, err);
  assert.deepEqual(namesIn(`${ground.home}/.cache/telefuser`), [ground.content]);
  assert.deepEqual(namesIn(`${ground.home}/.cache/telefuser/${ground.content}`), ["lib", "src", "telefuser"]);
});

Deno.test("what a killed start left does not hold the next one up, and is cleared when it is an hour old", async () => {
  await using ground = await makeGround();
  const base = `${ground.home}/.cache/telefuser`;
  await Deno.mkdir(base, { recursive: true, mode: 0o700 });
  const gone = new Deno.Command("true").spawn();
  await gone.status;
  const now = Math.floor(Date.now() / 1000);
  await Deno.writeTextFile(`${base}/.lock-${ground.content}`, `${gone.pid}\n`);
  await Deno.mkdir(`${base}/.new-${ground.content}-1.${now - 4000}/src`, { recursive: true });
  await Deno.mkdir(`${base}/.new-${ground.content}-2.${now - 60}/src`, { recursive: true });
  const { code, err } = await ground.run();
  assert.equal(code, 0, err);
  assert.deepEqual(namesIn(base), [`.new-${ground.content}-2.${now - 60}`, ground.content]);
});

Deno.test("what was lost of an unpacked folder is unpacked again", async () => {
  await using ground = await makeGround();
  assert.equal((await ground.run()).code, 0);
  const root = `${ground.home}/.cache/telefuser/${ground.content}`;
  for (const name of [NATIVE, "telefuser"]) {
    await Deno.truncate(`${root}/${name}`, 10);
    const { code, err } = await ground.run();
    assert.equal(code, 0, err);
    assert.notEqual((await Deno.stat(`${root}/${name}`)).size, 10);
  }
});

Deno.test("a folder that is not ours alone is not used", async (context) => {
  const isRoot = Deno.uid() === 0;
  const cases: [string, boolean, (base: string, ground: Ground) => Promise<void>][] = [
    ["others may look into it", false, (base) => Deno.mkdir(base, { mode: 0o755 })],
    ["a link", false, async (base, { folder }) => {
      await Deno.mkdir(`${folder}/elsewhere`, { mode: 0o700 });
      await Deno.symlink(`${folder}/elsewhere`, base);
    }],
    ["a file", false, (base) => Deno.writeTextFile(base, "")],
    ["somebody else's", true, async (base) => {
      await Deno.mkdir(base, { mode: 0o700 });
      await Deno.chown(base, 65534, 65534);
    }],
    ["where everybody may write", false, async (base) => {
      await Deno.chmod(base.replace(/\/telefuser$/, ""), 0o777);
    }],
  ];
  for (const [name, needsRoot, prepare] of cases) {
    await context.step({
      name,
      ignore: needsRoot && !isRoot,
      async fn() {
        await using ground = await makeGround();
        const cache = `${ground.home}/.cache`;
        await Deno.mkdir(cache, { mode: 0o700 });
        await prepare(`${cache}/telefuser`, ground);
        const { code, out, err } = await ground.run();
        assert.equal(code, 0, err);
        const root = `${ground.temporary}/telefuser-${Deno.uid()}/${ground.content}`;
        assert.ok(out.includes(` ${root}/telefuser `), out);
      },
    });
  }
});

Deno.test("without a home that can be written to, TMPDIR is taken; XDG_CACHE_HOME goes before both", async (context) => {
  const cases: [string, Record<string, string>, (ground: Ground) => string][] = [
    ["no home", { HOME: "" }, ({ temporary }) => `${temporary}/telefuser-${Deno.uid()}`],
    [
      "a home that is not there",
      { HOME: "/nowhere/at/all" },
      ({ temporary }) => `${temporary}/telefuser-${Deno.uid()}`,
    ],
    ["a home for nobody to write to", { HOME: "/proc" }, ({ temporary }) => `${temporary}/telefuser-${Deno.uid()}`],
    ["XDG_CACHE_HOME that is no path", { XDG_CACHE_HOME: "here" }, ({ home }) => `${home}/.cache/telefuser`],
  ];
  for (const [name, env, base] of cases) {
    await context.step(name, async () => {
      await using ground = await makeGround();
      const { code, out, err } = await ground.run({ env });
      assert.equal(code, 0, err);
      assert.ok(out.includes(` ${base(ground)}/${ground.content}/telefuser `), out);
    });
  }
  await context.step("XDG_CACHE_HOME", async () => {
    await using ground = await makeGround();
    const { out } = await ground.run({ env: { XDG_CACHE_HOME: `${ground.folder}/made/for it` } });
    assert.ok(out.includes(` ${ground.folder}/made/for it/telefuser/${ground.content}/telefuser `), out);
  });
});

Deno.test("a file that was copied in part or damaged is refused, and nothing of it stays", async (context) => {
  const damages: [string, (bytes: Uint8Array<ArrayBuffer>) => Uint8Array][] = [
    ["cut off", (bytes) => bytes.subarray(0, bytes.length - 1000)],
    ["one byte of the runtime changed", (bytes) => bytes.with(STUB_BYTES + 100, (bytes[STUB_BYTES + 100] ?? 0) ^ 1)],
    [
      "one byte of the server changed",
      (bytes) => bytes.with(bytes.length - 20_000, (bytes[bytes.length - 20_000] ?? 0) ^ 1),
    ],
  ];
  for (const [name, damage] of damages) {
    await context.step(name, async () => {
      await using ground = await makeGround();
      const damaged = `${ground.folder}/damaged`;
      await Deno.writeFile(damaged, damage(await Deno.readFile(ground.file)), { mode: 0o755 });
      await Deno.remove(ground.file);
      await copy(damaged, ground.file);
      const { code, out, err } = await ground.run();
      assert.equal(code, 1, out);
      assert.match(err, /telefuser: cannot unpack itself; tried /);
      assert.deepEqual(namesIn(`${ground.home}/.cache/telefuser`), []);
      await Deno.remove(`/tmp/telefuser-${Deno.uid()}`).catch((error) => {
        if (!/not empty|No such/.test(String(error))) throw error;
      });
    });
  }
});

const FACTS = {
  version: "1.2.3",
  commit: "abc",
  target: "linux-x64",
  runtimeBytes: 1,
  nativeFile: "n",
  nativeBytes: 1,
  unpackedBytes: 1,
};

Deno.test("the same files give the same package", async () => {
  await using ground = await makeGround();
  const server = [{ name: "telefuser", mode: 0o755, path: `${ground.folder}/runtime` }];
  const codecs = [{ name: NATIVE, mode: 0o644, path: `${ground.folder}/${NATIVE}` }];
  const contents = { server, codecs, facts: FACTS };
  await writePackage(`${ground.folder}/one`, contents);
  await Deno.utime(`${ground.folder}/runtime`, 1, 1);
  await writePackage(`${ground.folder}/two`, contents);
  assert.deepEqual(await Deno.readFile(`${ground.folder}/one`), await Deno.readFile(`${ground.folder}/two`));
});

Deno.test("nothing gets into the script that a shell would take for more than a word", async () => {
  const facts = { ...FACTS, content: "0", packedBytes: { server: 1, codecs: 1 } };
  const script = new TextDecoder().decode(await makeStub(facts));
  assert.equal(script.length, STUB_BYTES);
  assert.doesNotMatch(script, /@[A-Z_]+@/);
  await assert.rejects(makeStub({ ...facts, version: "1; rm -rf /" }), /VERSION cannot be put into a script/);
});
