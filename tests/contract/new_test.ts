import assert from "node:assert/strict";
import { run, telefuser } from "../support/command_line.ts";
import { eventually, startTestServer } from "../support/test_server.ts";
import { connectViewer } from "../support/viewer.ts";
import { TempFolder } from "../unit/support/temp_folder.ts";

const ROOT = new URL("../../", import.meta.url);
const FILES = ["README.md", "deno.json", "pipeline.ts", "pipeline_test.ts", "telefuser.d.ts"];

/** What goes wrong in a pipeline, as what is replaced by what: its test has to notice. */
const FAULTS: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  "push": [
    ["Math.floor(seconds / ROUND_S * WIDTH) % WIDTH", "0"],
    ["new Uint32Array(WIDTH * HEIGHT)", "new Uint32Array(WIDTH * HEIGHT + 1)"],
    ["!session.signal.aborted", "true"],
    ["fps >= 1 && fps <= 60", "true"],
    ["yield { frames, fps, prompt,", "yield { frames, fps,"],
    ["yield { frames, fps,", "yield { frames, fps: 24,"],
    ["sum += letter.codePointAt(0) ?? 0", "sum += 0"],
  ],
  "two-way": [
    ["session.x + x * distance", "session.x"],
    ["Math.min(Math.max(session.x + x * distance, 0), WIDTH - SIDE)", "session.x + x * distance"],
    ["session.held.delete(key)", "session.held.size"],
    ["session.applied.splice(0)", "session.applied"],
    ["!session.signal.aborted", "true"],
    ["fps >= 1 && fps <= 60", "true"],
    ["if (direction === undefined) return", 'if (direction === undefined) throw new Error("unknown")'],
    ["this.#sessions.set(session_id, {", "this.#sessions.set(session_id, this.#sessions.values().next().value ?? {"],
  ],
};

/** Has one written, which is gone afterwards. */
async function withNew(flags: readonly string[], use: (folder: string) => Promise<void>): Promise<void> {
  await using temp = await TempFolder.make();
  const { code, err } = await telefuser(["new", "waves", ...flags], { cwd: temp.path });
  assert.equal(code, 0, err);
  await use(temp.at("waves"));
}

for (const [variant, faults] of Object.entries(FAULTS)) {
  const flags = variant === "push" ? [] : ["--two-way"];

  Deno.test(`new, ${variant}: says what it wrote and what to type next`, async () => {
    await using temp = await TempFolder.make();
    const { code, out, err } = await telefuser(["new", "waves", ...flags], { cwd: temp.path });
    assert.deepEqual([code, err], [0, ""]);
    const written = [...out.matchAll(/^wrote waves\/(.+)$/gm)].map(([, name]) => name);
    assert.deepEqual(written.toSorted(), FILES);
    assert.deepEqual([...Deno.readDirSync(temp.at("waves"))].map(({ name }) => name).toSorted(), FILES);
    assert.match(out, /\n {2}telefuser stream-serve waves\/pipeline\.ts\n/);
    assert.match(await Deno.readTextFile(temp.at("waves/README.md")), /^# waves\n/);
  });

  Deno.test(`new, ${variant}: types, format, lint and test are fine with nothing but Deno`, async () => {
    await withNew(flags, async (cwd) => {
      await using cache = await TempFolder.make();
      const offline = ["--no-remote", "--no-npm", "--cached-only"];
      for (
        const args of [["check", ...offline, "."], ["fmt", "--check"], ["lint"], ["test", ...offline]]
      ) {
        const { code, out, err } = await run(args, { cwd, env: { DENO_DIR: cache.path } });
        assert.equal(code, 0, `${args.join(" ")}: ${out}${err}`);
        if (args[0] === "test") assert.match(out, /ok \| [5-9] passed \| 0 failed/);
      }
      assert.deepEqual([...Deno.readDirSync(cwd)].map(({ name }) => name).toSorted(), FILES);
    });
  });

  Deno.test(`new, ${variant}: the types are known: what does not fit them is found`, async () => {
    await withNew(flags, async (cwd) => {
      const file = `${cwd}/pipeline.ts`;
      const source = await Deno.readTextFile(file);
      await Deno.writeTextFile(file, source.replace('format: "rgba"', 'format: "rgb"'));
      const { code, err } = await run(["check", "pipeline.ts"], { cwd });
      assert.equal(code, 1);
      assert.match(err, /"rgb"/);
    });
  });

  Deno.test(`new, ${variant}: its test notices what goes wrong`, async (context) => {
    await withNew(flags, async (cwd) => {
      const file = `${cwd}/pipeline.ts`;
      const source = await Deno.readTextFile(file);
      for (const [right, wrong] of faults) {
        await context.step(`${right} → ${wrong}`, async () => {
          assert.ok(source.includes(right), "the pipeline says something else");
          await Deno.writeTextFile(file, source.replace(right, wrong));
          const { code, out } = await run(["test", "--no-check"], { cwd });
          assert.equal(code, 1, out);
          assert.match(out, /FAILED \| \d+ passed \| [1-9]/);
        });
      }
    });
  });

  Deno.test(`new, ${variant}: passes validate and is seen, at the level strict`, async () => {
    await withNew(flags, async (cwd) => {
      const { code, out } = await telefuser(["validate", "pipeline.ts"], { cwd });
      assert.deepEqual([code, out], [0, "pipeline.ts: nothing found at security level strict\n"]);
      await using server = await startTestServer(`${cwd}/pipeline.ts`, { securityLevel: "strict" });
      assert.equal(server.server.permissions.level, "strict");
      await using viewer = await connectViewer(server.url, { channel: variant === "two-way" });
      await eventually("pictures come", () => viewer.frames >= 24, 20_000);
    });
  });
}

Deno.test("new leaves what is there as it is", async () => {
  await using temp = await TempFolder.make({ "waves/mine.ts": "mine", "ripples": "a file" });
  for (const name of ["waves", "ripples"]) {
    const { code, out, err } = await telefuser(["new", name], { cwd: temp.path });
    assert.deepEqual([code, out], [1, ""]);
    assert.equal(err, `telefuser: there is a ${name} here already, which is left as it is; give another name\n`);
  }
  assert.deepEqual([...Deno.readDirSync(temp.at("waves"))].map(({ name }) => name), ["mine.ts"]);
  assert.equal(await Deno.readTextFile(temp.at("ripples")), "a file");
});

Deno.test("new refuses what is no plain name with 2 and what to type instead", async () => {
  await using temp = await TempFolder.make();
  const cases: [string[], RegExp][] = [
    [[], /missing required argument 'name'; type: telefuser new my_pipeline/],
    [["a/b"], /"a\/b" is a path; go to the folder it is to be in, and give a name alone/],
    [["/tmp/x"], /is a path/],
    [["a\\b"], /is a path/],
    [["waves.ts"], /a folder is made, not a file; type: telefuser new waves$/],
    [[".."], /".." is not a plain name: give .* type for example: telefuser new my_pipeline/],
    [[".hidden"], /is not a plain name/],
    [["two words"], /is not a plain name/],
    [["$HOME"], /is not a plain name/],
    [["a\nb"], /"a\\nb" is not a plain name/],
    [[""], /"" is not a plain name/],
    [["x".repeat(101)], /is not a plain name: give up to 100 letters/],
    [["one", "two"], /too many arguments/],
  ];
  await Promise.all(cases.map(async ([args, words]) => {
    const { code, out, err } = await telefuser(["new", ...args], { cwd: temp.path });
    assert.deepEqual([code, out], [2, ""], args.join(" "));
    assert.equal(err.trimEnd().split("\n").length, 1, err);
    assert.match(err.trimEnd(), words);
  }));
  assert.deepEqual([...Deno.readDirSync(temp.path)], []);
});

Deno.test("new takes letters of any alphabet, digits, dots, dashes and underscores", async () => {
  await using temp = await TempFolder.make();
  const names = ["volné_vlny", "v1.5-test", "2d"];
  const outcomes = await Promise.all(names.map((name) => telefuser(["new", name], { cwd: temp.path })));
  for (const { code, err } of outcomes) assert.equal(code, 0, err);
  assert.deepEqual([...Deno.readDirSync(temp.path)].map(({ name }) => name).toSorted(), names.toSorted());
});

Deno.test("what an editor gets is the contract of this server and the drawing package that it has", async () => {
  await using temp = await TempFolder.make();
  await telefuser(["new", "waves"], { cwd: temp.path });
  const contract = await Deno.readTextFile(new URL("src/pipeline/contract.ts", ROOT));
  assert.ok((await Deno.readTextFile(temp.at("waves/telefuser.d.ts"))).endsWith(`\n\n${contract}`));
  const { imports } = JSON.parse(await Deno.readTextFile(temp.at("waves/deno.json")));
  const { scopes } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  assert.deepEqual(imports, {
    telefuser: "./telefuser.d.ts",
    imagescript: scopes["./src/pipeline/"].imagescript,
  });
});
