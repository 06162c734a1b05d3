import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { compile, INCLUDED } from "../../scripts/package/compile.ts";
import { ROOT } from "../../scripts/package/build.ts";
import { filesIn, makeStage } from "../../scripts/package/stage.ts";

/** Bytes from the middle of a file that are looked for in what was compiled. */
const SAMPLE = 64;

Deno.test("what no import names is included by name: worker entries, the contract, pages, pipelines, packages", async () => {
  const entries: string[] = [];
  for (const path of await filesIn(`${ROOT}src`)) {
    const source = await Deno.readTextFile(path);
    for (const [, name = ""] of source.matchAll(/new Worker\(\s*new URL\("\.\/([^"]+)"/g)) {
      entries.push(`${path.slice(ROOT.length, path.lastIndexOf("/"))}/${name}`);
    }
  }
  assert.deepEqual(entries, ["src/pipeline/worker_entry.ts"]);
  const { imports } = await readConfig(ROOT);
  const outside = Object.values(imports).filter((target) => target.startsWith("./")).map((target) => target.slice(2));
  assert.ok(outside.length >= 2);
  for (
    const path of [...entries, ...outside, "static", "pipelines", "node_modules", "build.json", "licenses", "NOTICE"]
  ) {
    assert.ok(INCLUDED.includes(path), `${path} is not included`);
  }
});

Deno.test("deno compile embeds worker entry, pages, clip and codec library", async () => {
  const stage = await makeStage();
  const folder = await Deno.makeTempDir({ prefix: "telefuser-" });
  const output = `${folder}/telefuser`;
  // Where the base runtime cannot be fetched, Deno itself takes its place: what is embedded is the same, it only does
  // not run.
  const said = await compile(stage, { output, runtime: Deno.env.get("DENORT_BIN") ?? Deno.execPath() });
  for (const name of ["worker_entry.ts", "static/*", "pipelines/*", "node_modules/*", "build.json"]) {
    assert.ok(said.includes(` ${name} (`), `${name} is not listed:\n${said}`);
  }
  const compiled = await Deno.readFile(output);
  await Deno.remove(folder, { recursive: true });
  for (const name of [stage.nativeFile, "static/player.html", "pipelines/assets/clip.mp4"]) {
    const bytes = await Deno.readFile(`${stage.folder}${name}`);
    const middle = Math.floor(bytes.length / 2);
    assert.ok(includes(compiled, bytes.subarray(middle, middle + SAMPLE)), `${name} is not inside`);
  }
  const worker = new TextEncoder().encode("The program of the pipeline worker: loads the user's module");
  assert.ok(includes(compiled, worker), "the worker's program is not inside");
});

Deno.test("the stage resolves every name as the checkout does, but for packages that only tests use", async () => {
  const { folder } = await makeStage();
  const [checkout, stage] = [await readConfig(ROOT), await readConfig(folder)];
  assert.deepEqual(stage.scopes, checkout.scopes);
  const left = Object.keys(checkout.imports).filter((name) => !(name in stage.imports));
  const readers = ["@cyclonedx/cyclonedx-library", "ajv", "ajv-formats", "ajv-formats-draft2019", "yaml"];
  assert.deepEqual(left.toSorted(), [...readers, "playwright-core", "puppeteer-core"].toSorted());
  for (const [name, target] of Object.entries(stage.imports)) assert.equal(target, checkout.imports[name]);
});

interface Config {
  readonly imports: Readonly<Record<string, string>>;
  readonly scopes: unknown;
}

async function readConfig(folder: string): Promise<Config> {
  return JSON.parse(await Deno.readTextFile(`${folder}deno.json`));
}

function includes(all: Uint8Array<ArrayBuffer>, part: Uint8Array<ArrayBuffer>): boolean {
  return Buffer.from(all.buffer).includes(Buffer.from(part));
}
