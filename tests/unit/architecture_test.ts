import assert from "node:assert/strict";
import {
  doorViolations,
  habitViolations,
  importViolations,
  runtimeGraph,
  type SourceFile,
} from "./support/source_rules.ts";

const ROOT = new URL("../../", import.meta.url);

async function readSources(): Promise<SourceFile[]> {
  const files: SourceFile[] = [{ path: "main.ts", text: await Deno.readTextFile(new URL("main.ts", ROOT)) }];
  async function read(folder: string): Promise<void> {
    for await (const entry of Deno.readDir(new URL(`${folder}/`, ROOT))) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) await read(path);
      else if (path.endsWith(".ts")) files.push({ path, text: await Deno.readTextFile(new URL(path, ROOT)) });
    }
  }
  await read("src");
  return files;
}

function file(path: string, ...lines: string[]): SourceFile {
  return { path, text: lines.join("\n") };
}

Deno.test("the sources keep to the import table and each package to its room", async () => {
  const files = await readSources();
  assert.ok(files.length > 50, `only ${files.length} files were read`);
  assert.deepEqual(importViolations(files), []);
});

Deno.test("every room of the sources has a door that states its contract", async () => {
  assert.deepEqual(doorViolations(await readSources()), []);
});

Deno.test("the sources keep timers, printing and the environment in their places, without any and empty catch", async () => {
  assert.deepEqual(habitViolations(await readSources()), []);
});

Deno.test("the pipeline worker loads no package", async () => {
  const graph = runtimeGraph("src/pipeline/worker_entry.ts", await readSources());
  assert.deepEqual(graph.packages, []);
  for (const name of ["service_runner", "host_caller", "hosted_video", "wire_chunk"]) {
    assert.ok(graph.files.includes(`src/pipeline/${name}.ts`), `${name} is not in the graph`);
  }
});

Deno.test("the checker lets imports downwards, within a room and of Node's own modules pass", () => {
  assert.deepEqual(
    importViolations([
      file("src/errors.ts", 'import "./log.ts";', 'import { x } from "./async/mod.ts";'),
      file("src/codec/a.ts", 'import "./b.ts";', 'import "../media/mod.ts";', 'import "node-av/lib";'),
      file("src/stream/a.ts", 'import "../pipeline/mod.ts";', 'import "../rtp/mod.ts";', 'import "node:fs";'),
      file("src/session/a.ts", 'import "../webrtc/mod.ts";', 'export * from "../stream/mod.ts";'),
      file("src/http/a.ts", 'import "../session/mod.ts";', 'import "hono/cors";', 'import "zod";'),
      file("src/pipeline/a.ts", 'import "@babel/parser";', 'import "imagescript";', 'import "zod";'),
      file("src/cli/a.ts", 'import "../server.ts";', 'import "../network.ts";', 'import "commander";'),
      file("main.ts", 'import "./src/cli/mod.ts";', 'import "./src/server.ts";'),
    ]),
    [],
  );
});

Deno.test("the checker notices every kind of import that goes up or sideways", () => {
  for (
    const line of [
      'import { x } from "../session/mod.ts";',
      'import type { X } from "../session/mod.ts";',
      'import { type X } from "../session/mod.ts";',
      'import "../session/mod.ts";',
      'export { x } from "../session/mod.ts";',
      'export * from "../session/mod.ts";',
      'const x = await import("../session/mod.ts");',
      'type X = import("../session/mod.ts").X;',
    ]
  ) {
    assert.deepEqual(importViolations([file("src/stream/a.ts", line)]), [
      "src/stream/a.ts of rank 3 imports src/session/mod.ts of rank 4",
    ], line);
  }
  const pairs = [
    ["src/errors.ts", "./rtp/mod.ts"],
    ["src/rtp/a.ts", "../codec/mod.ts"],
    ["src/config/a.ts", "../pipeline/mod.ts"],
    ["src/pipeline/a.ts", "../config/mod.ts"],
    ["src/pipeline/a.ts", "../rtp/mod.ts"],
    ["src/stream/a.ts", "../webrtc/mod.ts"],
    ["src/webrtc/a.ts", "../recording/mod.ts"],
    ["src/session/a.ts", "../http/mod.ts"],
    ["src/http/a.ts", "../metrics/mod.ts"],
    ["src/http/a.ts", "../server.ts"],
    ["src/http/a.ts", "../doctor/mod.ts"],
    ["src/doctor/a.ts", "../cli/mod.ts"],
    ["src/auth/a.ts", "../cli/mod.ts"],
  ] as const;
  for (const [path, specifier] of pairs) {
    const found = importViolations([file(path, `import "${specifier}";`)]);
    assert.equal(found.length, 1, `${path} imports ${specifier}: ${found.join("; ")}`);
  }
});

Deno.test("the checker notices a way past a door, a room without a rank and a file outside the rooms", () => {
  assert.deepEqual(importViolations([file("src/stream/a.ts", 'import "../rtp/rtcp.ts";')]), [
    "src/stream/a.ts imports src/rtp/rtcp.ts past the door of rtp",
  ]);
  assert.deepEqual(importViolations([file("src/media/a.ts", 'import "../async/clock.ts";')]), [
    "src/media/a.ts imports src/async/clock.ts past the door of async",
  ]);
  assert.deepEqual(importViolations([file("main.ts", 'import "./src/rtp/rtcp.ts";')]), [
    "main.ts imports src/rtp/rtcp.ts past the door of rtp",
  ]);
  assert.deepEqual(importViolations([file("src/utils/mod.ts", "")]), ["src/utils/mod.ts: utils is in no rank"]);
  assert.deepEqual(importViolations([file("src/cli/a.ts", 'import "../../bench/a.ts";')]), [
    "src/cli/a.ts imports bench/a.ts, which is in no rank",
  ]);
});

Deno.test("the checker notices a package outside its room and one that has none", () => {
  const strays = [
    ["src/stream/a.ts", "node-av/constants", "codec"],
    ["src/session/a.ts", "werift", "webrtc"],
    ["src/server.ts", "hono/cors", "http"],
    ["src/config/a.ts", "commander", "cli"],
    ["src/session/a.ts", "zod", "config, pipeline, http"],
    ["src/http/a.ts", "@babel/parser", "pipeline"],
    ["src/codec/a.ts", "imagescript", "pipeline"],
  ] as const;
  for (const [path, specifier, rooms] of strays) {
    assert.deepEqual(importViolations([file(path, `import "${specifier}";`)]), [
      `${path} imports ${specifier}, which belongs in ${rooms}`,
    ]);
  }
  for (const specifier of ["npm:werift@1", "https://example.org/a.ts", "left-pad", "telefuser"]) {
    assert.deepEqual(importViolations([file("src/webrtc/a.ts", `import "${specifier}";`)]), [
      `src/webrtc/a.ts imports ${specifier}, which has no room`,
    ]);
  }
});

Deno.test("the checker follows what a module loads at run time, and only that", () => {
  const files = [
    file("src/pipeline/entry.ts", 'import type { A } from "./types.ts";', 'import "./a.ts";', 'import "node:path";'),
    file("src/pipeline/types.ts", 'import "zod";'),
    file("src/pipeline/a.ts", 'export * from "./b.ts";'),
    file("src/pipeline/b.ts", 'import "./entry.ts";', 'const c = await import("./c.ts");'),
    file("src/pipeline/c.ts", 'import { z } from "zod";'),
  ];
  assert.deepEqual(runtimeGraph("src/pipeline/entry.ts", files), {
    files: ["src/pipeline/entry.ts", "src/pipeline/a.ts", "src/pipeline/b.ts", "src/pipeline/c.ts"],
    packages: ["zod"],
  });
});

Deno.test("the checker notices a room without a door and a door without a contract", () => {
  const door = file("src/rtp/mod.ts", "/**", " * Bytes.", " *", " * @module", " */", 'export * from "./a.ts";');
  assert.deepEqual(doorViolations([file("src/rtp/a.ts", ""), door, file("src/errors.ts", "")]), []);
  assert.deepEqual(doorViolations([file("src/rtp/a.ts", "")]), ["rtp has no mod.ts"]);
  assert.deepEqual(doorViolations([file("src/rtp/mod.ts", "/** Bytes. */", 'export const text = "@module";')]), [
    "src/rtp/mod.ts has no @module comment",
  ]);
});

Deno.test("the checker notices timers, printing, environment, any and empty catch where they do not belong", () => {
  const cases = [
    ["setTimeout(() => undefined, 1);", "has a timer of its own"],
    ["globalThis.setInterval(() => undefined, 1);", "has a timer of its own"],
    ['import { setTimeout as later } from "node:timers";', "has a timer of its own"],
    ['console.log("x");', "prints past the log"],
    ["Deno.stdout.writeSync(x);", "prints past the log"],
    ['process.stderr.write("x");', "prints past the log"],
    ['Deno.env.get("X");', "reads the environment"],
    ['process["env"].X;', "reads the environment"],
    ["const { env } = Deno;", "reads the environment"],
    ["let x: Array<any>;", "has the type any"],
    ["try { f(); } catch {}", "has an empty catch"],
    ["try { f(); } catch (error) { /* never mind */ }", "has an empty catch"],
  ] as const;
  for (const [line, complaint] of cases) {
    const found = habitViolations([file("src/rtp/a.ts", "const first = 1;", line)]);
    assert.ok(found.includes(`src/rtp/a.ts:2 ${complaint}`), `${line}: ${found.join("; ")}`);
  }
});

Deno.test("the checker lets timers, printing and environment stand in their own places", () => {
  assert.deepEqual(
    habitViolations([
      file("src/async/clock.ts", "setTimeout(() => undefined, 1);"),
      file("src/log.ts", "Deno.stderr.isTerminal();"),
      file("src/cli/a.ts", 'Deno.env.get("X");'),
      file("src/config/a.ts", "const { env } = sources;", "const value = sources.env;", '// console.log("x")'),
      file("src/rtp/a.ts", "try { f(); } catch { x = null; }", 'const company = "any";'),
    ]),
    [],
  );
});
