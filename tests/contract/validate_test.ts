import assert from "node:assert/strict";
import { type Outcome, telefuser as runTelefuser } from "../support/command_line.ts";

const root = new URL("../../", import.meta.url).pathname;

/** Runs the command line in the checkout. */
function telefuser(...args: string[]): Promise<Outcome> {
  return runTelefuser(args, { cwd: root });
}

/** A folder with a pipeline that reads the environment, which is gone afterwards. */
async function withPipeline(use: (file: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const file = `${folder}/main.ts`;
  await Deno.writeTextFile(file, 'const model = Deno.env.get("MODEL");\nexport const getService = () => model;\n');
  try {
    await use(file);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("validate prints place, line, caret, remedy and a summary, exit 1", async () => {
  await withPipeline(async (file) => {
    const { code, out, err } = await telefuser("validate", file);
    assert.equal(code, 1);
    assert.equal(err, "");
    assert.deepEqual(out.split("\n"), [
      `${file}:1:15 error environment: uses Deno.env`,
      '    const model = Deno.env.get("MODEL");',
      "                  ^",
      "  take settings from the request, or grant names with --security-level standard --allow-env NAME",
      "",
      `${file}: 1 error at security level strict`,
      "",
    ]);
  });
});

Deno.test("validate exits with 0 when there are no errors, by example, by grant and by level", async () => {
  const example = await telefuser("validate", "pipelines/arrow_overlay.ts");
  assert.deepEqual([example.code, example.out], [
    0,
    "pipelines/arrow_overlay.ts: nothing found at security level strict\n",
  ]);
  await withPipeline(async (file) => {
    const granted = await telefuser("validate", file, "--security-level", "standard", "--allow-env", "MODEL");
    assert.deepEqual([granted.code, granted.out], [0, `${file}: nothing found at security level standard\n`]);
    const permissive = await telefuser("validate", file, "--security-level", "permissive");
    assert.equal(permissive.code, 0);
    assert.match(permissive.out, /:1:15 warning environment: .*\n[^]*: 1 warning at security level permissive\n$/);
  });
});

Deno.test("validate --json prints one document", async () => {
  await withPipeline(async (file) => {
    const { code, out } = await telefuser("validate", file, "--json");
    assert.equal(code, 1);
    const { findings: [{ remedy, ...finding }, ...others], ...facts } = JSON.parse(out);
    assert.deepEqual(facts, { ok: false, file, security_level: "strict", errors: 1, warnings: 0 });
    assert.deepEqual(others, []);
    assert.equal(typeof remedy, "string");
    assert.deepEqual(finding, {
      rule: "environment",
      severity: "error",
      file,
      line: 1,
      column: 15,
      code: 'const model = Deno.env.get("MODEL");',
      detail: "uses Deno.env",
    });
  });
  const fine = await telefuser("validate", "pipelines/video_replay.ts", "--json");
  assert.equal(fine.code, 0);
  assert.deepEqual(JSON.parse(fine.out).findings, []);
});

Deno.test("validate exits with 2 and says what to type when the command line cannot be read", async () => {
  const cases: [string[], RegExp][] = [
    [["validate"], /missing required argument 'file'; type: telefuser validate pipelines\//],
    [["validate", "nope.ts"], /there is no file nope\.ts/],
    [["validate", "pipelines/video_replay.ts", "--security-level", "loose"], /use one of strict, standard, permissive/],
    [["validate", "pipelines/video_replay.ts", "--jsn"], /unknown option '--jsn'/],
    [["validate", "pipelines/video_replay.ts", "--allow-read", "/nope"], /--allow-read: there is no file \/nope/],
  ];
  for (const [args, line] of cases) {
    const { code, err, out } = await telefuser(...args);
    assert.equal(code, 2, `${args.join(" ")}: ${err}`);
    assert.match(err, line);
    assert.equal(out, "");
  }
});

Deno.test("validate runs nothing of the pipeline", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/main.ts`, `Deno.writeTextFileSync("${folder}/ran", "");\n`);
  assert.equal((await telefuser("validate", `${folder}/main.ts`, "--security-level", "permissive")).code, 0);
  assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["main.ts"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("stream-serve prints the same findings and does not start, exit 1", async () => {
  await withPipeline(async (file) => {
    const { code, out, err } = await telefuser("stream-serve", file, "--host", "127.0.0.1", "-p", "0");
    assert.equal(code, 1);
    assert.equal(out, "");
    const validated = await telefuser("validate", file);
    assert.ok(err.startsWith(validated.out), err);
    assert.match(
      err,
      /\ntelefuser: .*main\.ts is not started: 1 error at security level strict; first .*\(environment\)\n$/,
    );
  });
});

Deno.test("the help of stream-serve and validate tells the levels", async () => {
  for (const command of ["stream-serve", "validate"]) {
    const { out } = await telefuser(command, "--help");
    for (const line of [/^ {2}strict +compute/m, /^ {2}standard +also read/m, /^ {2}permissive +do everything/m]) {
      assert.match(out, line);
    }
  }
});

Deno.test("validate refuses a grant that the level does not take, as stream-serve does", async () => {
  const given = ["pipelines/arrow_overlay.ts", "--security-level", "strict", "--allow-net", "example.org"];
  for (const command of ["validate", "stream-serve"]) {
    const { code, err } = await telefuser(command, ...given);
    assert.equal(code, 2, command);
    assert.match(err, /security level strict takes no --allow-net/);
  }
});
