import assert from "node:assert/strict";
import { StreamError } from "../../../src/errors.ts";
import { readModuleGraph } from "../../../src/pipeline/mod.ts";
import { TempFolder } from "../support/temp_folder.ts";

/** The graph of `main.ts` (or another entry) in a folder of these files, with paths from that folder. */
async function graphOf(files: Readonly<Record<string, string>>, entry = "main.ts") {
  await using folder = await TempFolder.make(files);
  const graph = await readModuleGraph(folder.at(entry));
  assert.equal(graph.entry, folder.at(entry));
  return {
    files: graph.files.map((file) => file.replace(`${folder.path}/`, "")),
    packages: [...graph.packages],
  };
}

/** The message with which a folder of these files is refused, with paths from that folder. */
async function refusalOf(files: Readonly<Record<string, string>>, entry = "main.ts"): Promise<string> {
  await using folder = await TempFolder.make(files);
  const error: unknown = await readModuleGraph(folder.at(entry)).then(() => undefined, (thrown: unknown) => thrown);
  assert.ok(error instanceof StreamError, `not a StreamError: ${String(error)}`);
  assert.equal(error.code, "invalid_pipeline");
  return error.message.replaceAll(`${folder.path}/`, "");
}

Deno.test("finds local modules over several steps, the entry first, each once", async () => {
  const graph = await graphOf({
    "main.ts": 'import { a } from "./a.ts";\nimport "./lib/b.ts";',
    "a.ts": 'import "./lib/b.ts";\nexport const a = 1;',
    "lib/b.ts": 'import "../main.ts";\nimport "./c.js";',
    "lib/c.js": "",
    "unused.ts": "",
  });
  assert.equal(graph.files[0], "main.ts");
  assert.deepEqual(graph.files.toSorted(), ["a.ts", "lib/b.ts", "lib/c.js", "main.ts"]);
  assert.deepEqual(graph.packages, []);
});

Deno.test("does not follow what is there for types only", async () => {
  const graph = await graphOf({
    "main.ts": [
      'import type { ServerPushService } from "telefuser";',
      'import type { A } from "./missing.ts";',
      'export type { B } from "./missing_too.ts";',
      'export type * from "./missing_as_well.ts";',
      'type C = import("./nowhere.ts").C;',
    ].join("\n"),
  });
  assert.deepEqual(graph, { files: ["main.ts"], packages: [] });
});

Deno.test("follows re-exports and dynamic imports of literals, wherever they stand", async () => {
  const graph = await graphOf({
    "main.ts": [
      'export { a } from "./a.ts";',
      'export * from "./b.ts";',
      'export * as c from "./c.ts";',
      "class Service { async start() { if (true) { await import('./d.ts'); } } }",
      'const later = () => import("./e.ts");',
      'const name = "./missing.ts"; const unknown = () => import(name);',
      'const text = `import "./missing.ts"`; // import "./missing.ts"',
    ].join("\n"),
    "a.ts": "export const a = 1;",
    "b.ts": "",
    "c.ts": "",
    "d.ts": "",
    "e.ts": "",
  });
  assert.deepEqual(graph.files.toSorted(), ["a.ts", "b.ts", "c.ts", "d.ts", "e.ts", "main.ts"]);
});

Deno.test("counts imported JSON, text and bytes as files and does not parse them", async () => {
  const graph = await graphOf({
    "main.ts": [
      'import config from "./config.json" with { type: "json" };',
      'import text from "./notes.txt" with { type: "text" };',
      'import font from "./font.ttf" with { type: "bytes" };',
    ].join("\n"),
    "config.json": "{ this is no JSON",
    "notes.txt": 'import "./missing.ts";',
    "font.ttf": "\u0000\u0001",
  });
  assert.deepEqual(graph.files, ["main.ts", "config.json", "notes.txt", "font.ttf"]);
});

Deno.test("collects what is not local by its specifier", async () => {
  const graph = await graphOf({
    "main.ts": [
      'import { Image } from "imagescript";',
      'import "node:fs";',
      'import "npm:left-pad@1";',
      'import "https://example.org/a.ts";',
      'import "data:text/javascript,1";',
      'import "./a.ts";',
    ].join("\n"),
    "a.ts": 'export * from "imagescript";',
  });
  assert.deepEqual(graph.files, ["main.ts", "a.ts"]);
  assert.deepEqual(graph.packages.toSorted(), [
    "data:text/javascript,1",
    "https://example.org/a.ts",
    "imagescript",
    "node:fs",
    "npm:left-pad@1",
  ]);
});

Deno.test("follows absolute paths, file URLs, escaped names and a query", async () => {
  await using folder = await TempFolder.make({ "a.ts": "", "b.ts": "", "with space.ts": "", "c.ts": "" });
  const entry = await folder.write(
    "main.ts",
    [
      `import "${folder.at("a.ts")}";`,
      `import "file://${folder.at("b.ts")}";`,
      'import "./with%20space.ts";',
      'import "./c.ts?v=2";',
    ].join("\n"),
  );
  const { files } = await readModuleGraph(entry);
  assert.deepEqual(files, ["main.ts", "a.ts", "b.ts", "with space.ts", "c.ts"].map((name) => folder.at(name)));
});

Deno.test("names file, line, column and specifier of a module that is not there", async () => {
  const message = await refusalOf({
    "main.ts": 'import "./a.ts";',
    "a.ts": 'const a = 1;\n\n  const b = await import("./missing.ts");\n',
  });
  assert.match(message, /^a\.ts:3:26 imports "\.\/missing\.ts", but there is no file missing\.ts$/);
});

Deno.test("calls a folder no module, nor what lies below a file", async () => {
  assert.match(
    await refusalOf({ "main.ts": 'import "./lib";', "lib/mod.ts": "" }),
    /^main\.ts:1:8 imports "\.\/lib", but there is no file lib$/,
  );
  assert.match(
    await refusalOf({ "main.ts": '\nimport "./a.ts/b.ts";', "a.ts": "" }),
    /^main\.ts:2:8 imports "\.\/a\.ts\/b\.ts"/,
  );
});

Deno.test("names the place of a specifier that is no file name", async () => {
  assert.match(await refusalOf({ "main.ts": 'import "file://elsewhere/a.ts";' }), /^main\.ts:1:8 /);
  assert.match(await refusalOf({ "main.ts": 'import "./a%2Fb.ts";' }), /^main\.ts:1:8 /);
});

Deno.test("names the place of a syntax error", async () => {
  const message = await refusalOf({ "main.ts": 'import "./a.ts";', "a.ts": "const fine = 1;\nconst = 2;\n" });
  assert.match(message, /^a\.ts:2:7 does not parse: /);
  assert.doesNotMatch(message, /\(2:6\)/, "not twice");
});

Deno.test("reads TypeScript, JavaScript and JSX by their endings", async () => {
  const graph = await graphOf({
    "main.mts": 'import "./a.jsx"; import "./b.tsx"; import "./c.mjs"; let x: number = <number> 1;',
    "a.jsx": "export const a = <div>{1}</div>;",
    "b.tsx": "export const b = (value: string) => <b>{value}</b>;",
    "c.mjs": "export const c = 1;",
  }, "main.mts");
  assert.equal(graph.files.length, 4);
  assert.match(await refusalOf({ "main.js": "let x: number = 1;" }, "main.js"), /^main\.js:1:6 does not parse/);
});

Deno.test("reads syntax that Deno runs: decorators, using, enums, satisfies", async () => {
  const graph = await graphOf({
    "main.ts": [
      "enum Mode { A }",
      "function logged(value: unknown, _context: unknown) { return value; }",
      "class Service { @logged run() { using x = make(); return { x } satisfies object; } accessor y = 1; }",
      "export const getService = async () => new Service();",
      'const late = await import("./a.ts");',
    ].join("\n"),
    "a.ts": "",
  });
  assert.deepEqual(graph.files, ["main.ts", "a.ts"]);
});

Deno.test("takes only a module for a pipeline", async () => {
  assert.match(
    await refusalOf({ "main.py": "print(1)" }, "main.py"),
    /main\.py is not a TypeScript or JavaScript module/,
  );
});
