import assert from "node:assert/strict";
import { readPipeline, RULES, type SecurityLevel, validatePipeline } from "../../../src/pipeline/mod.ts";
import { TempFolder } from "../support/temp_folder.ts";

const NO_GRANTS = { read: [], net: [], env: [] };

/** What is found in a module of this text, as `severity rule line:column`. */
async function found(text: string, level: SecurityLevel = "strict", name = "main.ts"): Promise<string[]> {
  await using folder = await TempFolder.make({ [name]: text, "a.ts": "", "b.json": "{}" });
  const findings = await validatePipeline(await readPipeline(folder.at(name)), { level, grants: NO_GRANTS });
  return findings.map(({ severity, rule, line, column }) => `${severity} ${rule} ${line}:${column}`);
}

/** By rule: texts in which strict finds that rule, once and nothing else, as an error. */
const MUST_FIND: Readonly<Record<string, readonly string[]>> = {
  "syntax": ["const = 1;", "export function getService( {", "await", "}"],
  "missing-module": [
    'import "./gone.ts";',
    'export * from "./gone.ts";',
    'const m = await import("./gone.ts");',
    'import x from "./gone.json" with { type: "json" };',
  ],
  "outside-import": [
    'import "/etc/hostname";',
    'import x from "/etc/hostname" with { type: "text" };',
    'import x from "file:///etc/hostname" with { type: "bytes" };',
    'import x from "FILE:///etc/hostname" with { type: "bytes" };',
    'const x = await import("/etc/hostname", { with: { type: "text" } });',
    'import x from "./../../../../../../../../etc/hostname" with { type: "text" };',
    'import x from "./%2e%2e/../../../../etc/hostname" with { type: "text" };',
  ],
  "remote-import": [
    'import "https://example.org/a.ts";',
    'export { a } from "http://example.org/a.ts";',
    'await import("https://example.org/a.ts");',
    "await import(`HTTPS://example.org/a.ts`);",
  ],
  "package-import": [
    'import "npm:left-pad@1";',
    'import "jsr:@std/path";',
    'import { z } from "zod";',
    'import { Image } from "imagescript/other";',
    'import "fs";',
    'import "NODE:fs";',
    'import " ./a.ts";',
  ],
  "inline-import": [
    'import "data:text/javascript,1";',
    'await import("data:application/javascript;base64,MQ==");',
    'await import("blob:null/1");',
    'import "DATA:text/javascript,1";',
  ],
  "builtin-import": [
    ...["fs", "fs/promises", "net", "http", "https", "http2", "tls", "dns", "dgram", "child_process", "worker_threads"],
    ...["module", "process", "vm", "v8", "inspector", "inspector/promises", "os", "repl", "cluster", "wasi", "sqlite"],
    ...["test", "tty", "readline", "trace_events", "diagnostics_channel", "domain", "console", "constants", "sys"],
  ].map((name) => `import * as it from "node:${name}";`).concat([
    'await import("node:fs");',
    'export * from "node:fs";',
    'process.getBuiltinModule("node:fs");',
    'process.getBuiltinModule("fs");',
    "const name = String(1); process.getBuiltinModule(name);",
  ]),
  "dynamic-import": [
    'const name = "./a.ts"; await import(name);',
    'await import("./" + "a.ts");',
    "const n = 1; await import(`./${n}.ts`);",
    'importScripts("a.js");',
  ],
  "commonjs": ['const fs = require("node:fs");', 'import fs = require("node:fs");', "const load = require;"],
  "eval": [
    'eval("1");',
    '(0, eval)("1");',
    "const run = eval;",
    'globalThis.eval("1");',
    'globalThis["eval"]("1");',
    'self["ev" + "al"]("1");',
    'const { eval: run } = globalThis; run("1");',
    '(eval as (text: string) => unknown)("1");',
    '\\u0065val("1");',
    'const all = globalThis; all.eval("1");',
    'Reflect.get(globalThis, "eval")("1");',
    'Reflect.get(globalThis, "eval").toString();',
  ],
  "function-constructor": [
    'new Function("return 1");',
    'Function("return 1")();',
    'new globalThis.Function("1");',
    'Function.apply(null, ["1"]);',
    "Function`return 1`;",
    'Reflect.construct(Function, ["1"]);',
    'const F = Function; new F("1");',
    '[].filter.constructor("return 1")();',
    '(() => 1).constructor("return 1")();',
    'new (async () => {}).constructor("1");',
    'const AsyncFunction = Object.getPrototypeOf(async function () {}).constructor; new AsyncFunction("1");',
    'const { constructor: F } = () => 1; F("1");',
    '"".at["constr" + "uctor"]("1");',
    'let x = 1; x.constructor.constructor("1");',
    'let x = 1; new x.toString.constructor("1");',
  ],
  "timer-text": [
    'setTimeout("1", 1);',
    "setInterval(`1`, 1);",
    'setTimeout("a" + String(1), 1);',
    'globalThis.setTimeout("1");',
    'const later = setTimeout; later("1");',
  ],
  "deno-api": [
    'Deno.readTextFileSync("a");',
    'await Deno.writeTextFile("a", "b");',
    'globalThis.Deno.remove("a");',
    'new Deno["Command"]("true");',
    'Deno["r" + "un"]();',
    'const { readFile } = Deno; readFile("a");',
    'const { readFile: read } = globalThis.Deno; read("a");',
    'const { Deno: { readFile } } = globalThis; readFile("a");',
    "Deno.exit(1);",
    "Deno?.openKv?.();",
    'Deno.permissions.requestSync({ name: "read" });',
    "(Deno as unknown as { core: unknown }).core;",
    "let read; ({ readFile: read } = Deno);",
    'D\\u0065no.openSync("a");',
    "Deno.stdin;",
    'Reflect.get(Deno, "remove")("a");',
    'Reflect.get(globalThis, "Deno").remove("a");',
    "Deno.hostname();",
    'Deno.addSignalListener("SIGTERM", () => 1);',
    "declare const Deno: { remove(path: string): void }; Deno.remove('a');",
    "namespace Deno { export type A = 1 } Deno.remove('a');",
    'import { type Deno } from "telefuser"; Deno.remove("a");',
    "function remove(Deno: string) { return Deno; } Deno.remove('a');",
    "{ const Deno = 1; } Deno.remove('a');",
    'const all = self; all["Deno"].remove("a");',
    'Reflect.get(Deno.errors, "x"); Deno.remove("a");',
  ],
  "deno-alias": [
    "const host = Deno;",
    "use(Deno); function use(value: unknown) { return value; }",
    "const name = String(1); Deno[name];",
    "const { ...all } = Deno;",
    "export default Deno;",
    "const all = { Deno };",
    "Object.keys(Deno);",
    "function f(host = Deno) { return host; }",
  ],
  "global-access": [
    "const name = String(1); globalThis[name];",
    'self[["De", "no"].join("")];',
    "const all = globalThis; const name = String(1); all[name]();",
    "const name = String(1); const { [name]: it } = globalThis;",
  ],
  "worker": [
    'new Worker("./a.ts", { type: "module" });',
    "const W = Worker;",
    'new globalThis.Worker("a");',
    "new SharedWorker('a');",
  ],
  "native-code": [
    'Deno.dlopen("a.so", {});',
    'process.dlopen({}, "a");',
    'process.binding("fs");',
    "new Deno.UnsafePointerView(null);",
    "const { dlopen } = Deno;",
  ],
  "environment": [
    'Deno.env.get("HOME");',
    "process.env.HOME;",
    'globalThis.process["env"];',
    "const { env } = Deno; env.toObject();",
    "const { env: { HOME } } = process;",
  ],
  "process-api": [
    "process.exit(1);",
    "process.kill(1);",
    "const p = process;",
    "const name = String(1); process[name];",
    "process.cwd();",
  ],
  "network": [
    'await fetch("http://example.org");',
    'await globalThis.fetch("http://example.org");',
    "const address = String(1); await fetch(address);",
    'new WebSocket("ws://example.org");',
    'new EventSource("http://example.org");',
    "await Deno.connect({ port: 1 });",
    "Deno.listen({ port: 1 });",
    'await Deno.resolveDns("example.org", "A");',
  ],
  "shared-storage": [
    'await caches.open("a");',
    'localStorage.setItem("a", "b");',
    'new BroadcastChannel("a");',
    'indexedDB.open("a");',
  ],
  "terminal": ['prompt("a");', 'globalThis.confirm("a");', 'alert("a");'],
};

for (const [rule, texts] of Object.entries(MUST_FIND)) {
  Deno.test(`at strict the rule ${rule} finds each of its cases, and no other rule does`, async () => {
    for (const text of texts) {
      const rules = (await found(text)).map((line) => line.replace(/ \d+:\d+$/, ""));
      assert.deepEqual([...new Set(rules)], [`error ${rule}`], `${text}\n${rules.join("\n")}`);
    }
  });
}

Deno.test("every rule has cases, and the ids stay as they are", () => {
  assert.deepEqual(Object.keys(RULES).toSorted(), [...Object.keys(MUST_FIND), "global-alias"].toSorted());
});

Deno.test("the global object handed on is a warning at strict", async () => {
  assert.deepEqual(await found("Object.keys(globalThis);"), ["warning global-alias 1:13"]);
});

Deno.test("a local file of native code is refused", async () => {
  await using folder = await TempFolder.make({ "main.ts": 'import "./a.node";', "a.node": "\u0001" });
  const findings = await validatePipeline(await readPipeline(folder.at("main.ts")), {
    level: "standard",
    grants: NO_GRANTS,
  });
  assert.deepEqual(findings.map(({ rule }) => rule), ["native-code"]);
});

Deno.test("what only looks like something is not found", async () => {
  const texts = [
    // names of the module's own
    "const Deno = { env: 1, remove() {} }; Deno.remove(); Deno.env;",
    "function f(Deno: { run(): void }) { Deno.run(); }",
    "function f({ process }: { process: { exit(): void } }) { process.exit(); }",
    "class Worker {} new Worker();",
    "const fetch = (x: string) => x; fetch('http://example.org');",
    "async function serve({ prompt }: { prompt: string }) { return `${prompt}`; }",
    "for (const process of [1]) process.toFixed();",
    "try { f(); } catch (Deno) { String(Deno); } function f() {}",
    "{ var caches = 1; } caches;",
    "import { a as Worker } from './a.ts'; new Worker();",
    "enum Deno { run } Deno.run;",
    "const { fetch } = { fetch: 1 }; fetch;",
    "const f = function Deno() { return Deno; };",
    // properties and methods of that name
    "const o = { eval() {}, Deno: 1, fetch: 2 }; o.eval(); o.Deno; o.fetch;",
    "class A { fetch() {} #Worker = 1; eval = 2; x() { return this.#Worker; } } new A().fetch();",
    "interface A { Deno: typeof Deno } type B = typeof globalThis; let x: Deno.FsFile | undefined;",
    "label: for (;;) break label;",
    // texts and comments
    "const text = 'eval(1) Deno.run() new Function()'; // Deno.run()",
    "/* process.exit() */ const t = `new Worker(x)`;",
    "const r = /eval\\(/;",
    // looking whether something is there
    "if (typeof Deno !== 'undefined') 1; typeof globalThis.process; typeof Deno.env;",
    // what may be used
    "Deno.inspect(1); Deno.build.os; Deno.version.deno; throw new Deno.errors.NotFound();",
    "process.hrtime(); process.nextTick(() => 1); const { memoryUsage } = process;",
    'process.getBuiltinModule("node:path");',
    "setTimeout(() => 1, 1); const f = () => 1; setInterval(f, 1); setTimeout(String, 1);",
    "globalThis.setTimeout(() => 1); self.performance.now(); globalThis.crypto.randomUUID();",
    "class A { clone() { return new this.constructor(); } name() { return this.constructor.name; } }",
    "const it = 1; it.constructor === Number; it instanceof Function; Function.prototype;",
    "const x: Record<string, number> = {}; const k = String(1); x[k] = 1; x['constructor'];",
    'await fetch("data:text/plain,1");',
    "await WebAssembly.compile(new Uint8Array()); new TextDecoder(); structuredClone({}); atob('');",
    'import "./a.ts"; import b from "./b.json" with { type: "json" }; await import("./a.ts"); export * from "./a.ts";',
    'import type { X } from "npm:x"; export type { Y } from "https://example.org"; import { Image } from "imagescript";',
    'import { type ServerPushService } from "telefuser"; let y: import("npm:y").Y;',
    ...["assert", "assert/strict", "async_hooks", "buffer", "crypto", "events", "path", "path/posix", "perf_hooks"],
    ...["punycode", "querystring", "stream", "stream/web", "string_decoder", "timers/promises", "url", "util", "zlib"],
  ].map((text) => /^[a-z_]+(\/[a-z]+)?$/.test(text) ? `import * as it from "node:${text}"; it;` : text);
  for (const text of texts) assert.deepEqual(await found(text), [], text);
});

Deno.test("standard lets pass what the worker's permissions govern, and nothing that they do not", async () => {
  const passing = [
    'import { readFileSync } from "node:fs";',
    'import { readFile } from "node:fs/promises";',
    'import net from "node:net"; import tls from "node:tls"; import https from "node:https"; import "node:dns/promises";',
    'await Deno.readTextFile("a"); Deno.statSync("a"); Deno.openSync("a"); Deno.cwd();',
    'import process from "node:process"; process.hrtime();',
  ];
  for (const text of passing) assert.deepEqual(await found(text, "standard"), [], text);
  const refused: readonly (readonly [string, string])[] = [
    ...[
      "child_process",
      "worker_threads",
      "vm",
      "module",
      "inspector",
      "v8",
      "repl",
      "cluster",
      "wasi",
      "sqlite",
      "test",
    ]
      .map((name) => [`import "node:${name}";`, "error builtin-import 1:8"] as const),
    ['await Deno.writeTextFile("a", "b");', "error deno-api 1:7"],
    ['import { exit } from "node:process"; exit();', "error process-api 1:10"],
    ['import process from "node:process"; process.env.A;', "error environment 1:37"],
    ['import p from "node:process"; p.dlopen({}, "a");', "error native-code 1:31"],
    ['import "npm:x";', "error package-import 1:8"],
    ['eval("1");', "error eval 1:1"],
    ['Deno.env.get("A");', "error environment 1:1"],
    ['await fetch("http://example.org");', "warning network 1:7"],
  ];
  for (const [text, line] of refused) assert.deepEqual(await found(text, "standard"), [line], text);
});

Deno.test("at permissive everything is a warning, except what cannot run at all", async () => {
  for (const [rule, [text = ""]] of Object.entries(MUST_FIND)) {
    const severity = rule === "syntax" || rule === "missing-module" ? "error" : "warning";
    const lines = await found(text, "permissive");
    for (const line of lines) assert.ok(line.startsWith(`${severity} `), `${text}: ${line}`);
    if (!["builtin-import", "deno-api"].includes(rule)) assert.ok(lines.length > 0, `${rule}: ${text}`);
  }
});

Deno.test("a grant makes what it is for pass at standard, and nothing else", async () => {
  await using folder = await TempFolder.make({
    "app/main.ts":
      'import x from "../films/x.json" with { type: "json" };\nDeno.env.get("A");\nawait fetch("http://a");',
    "films/x.json": "{}",
  });
  const pipeline = await readPipeline(folder.at("app/main.ts"));
  const rulesWith = async (grants: Partial<typeof NO_GRANTS>, level: SecurityLevel = "standard") => {
    const findings = await validatePipeline(pipeline, { level, grants: { ...NO_GRANTS, ...grants } });
    return findings.map(({ rule }) => rule);
  };
  const read = [folder.at("films")] as never[];
  const [net, env] = [["a"] as never[], ["A"] as never[]];
  assert.deepEqual(await rulesWith({}), ["outside-import", "environment", "network"]);
  assert.deepEqual(await rulesWith({ read }), ["environment", "network"]);
  assert.deepEqual(await rulesWith({ env }), ["outside-import", "network"]);
  assert.deepEqual(await rulesWith({ net }), ["outside-import", "environment"]);
  assert.deepEqual(await rulesWith({ read, net, env }), []);
  assert.deepEqual(await rulesWith({ read, net, env }, "strict"), ["outside-import", "environment", "network"]);
});

Deno.test("what lies below a folder node_modules is outside, whether it is imported or is the pipeline itself", async () => {
  await using folder = await TempFolder.make({
    "main.ts":
      'import "./node_modules/a/b.ts"; import "./Node_Modules/c.ts"; import "./vendor/b.ts"; import "./node_modules.ts";',
    "node_modules/a/b.ts": 'import "./d.ts";',
    "node_modules/a/d.ts": "",
    "Node_Modules/c.ts": "",
    "node_modules.ts": "",
  });
  await Deno.symlink("node_modules/a", folder.at("vendor"));
  const places = async (name: string) => {
    const findings = await validatePipeline(await readPipeline(folder.at(name)), {
      level: "standard",
      grants: NO_GRANTS,
    });
    return findings.map(({ rule, file, line, column }) =>
      `${rule} ${file.slice(folder.path.length + 1)} ${line}:${column}`
    );
  };
  assert.deepEqual((await places("main.ts")).filter((place) => place.includes(" main.ts ")), [
    "outside-import main.ts 1:8",
    "outside-import main.ts 1:40",
    "outside-import main.ts 1:70",
  ]);
  assert.deepEqual(await places("node_modules/a/b.ts"), [
    "outside-import node_modules/a/b.ts 1:1",
    "outside-import node_modules/a/b.ts 1:8",
  ]);
});

Deno.test("a link out of the folder is outside, a link to the pipeline is not", async () => {
  await using folder = await TempFolder.make({
    "app/main.ts": 'import "./a.ts"; import x from "./secret.json" with { type: "json" };',
    "app/a.ts": "",
    "secret.json": "{}",
  });
  await Deno.symlink(folder.at("secret.json"), folder.at("app/secret.json"));
  await Deno.symlink(folder.at("app/main.ts"), folder.at("here.ts"));
  const check = async (entry: string) =>
    await validatePipeline(await readPipeline(folder.at(entry)), { level: "strict", grants: NO_GRANTS });
  const [finding, ...others] = await check("app/main.ts");
  assert.deepEqual(others, []);
  assert.equal(finding?.rule, "outside-import");
  assert.match(finding?.detail ?? "", /secret\.json", which is .*\/secret\.json$/);
});

Deno.test("a finding says where, what stands there and what to do", async () => {
  await using folder = await TempFolder.make({
    "main.ts": 'import "./lib/a.ts";\n',
    "lib/a.ts": "const one = 1;\r\n  const two = eval('2');\nexport {};\n",
  });
  const [finding, ...others] = await validatePipeline(await readPipeline(folder.at("main.ts")), {
    level: "strict",
    grants: NO_GRANTS,
  });
  assert.deepEqual(others, []);
  assert.deepEqual(finding, {
    rule: "eval",
    severity: "error",
    file: folder.at("lib/a.ts"),
    line: 2,
    column: 15,
    code: "  const two = eval('2');",
    detail: "uses eval",
    remedy: RULES.eval.remedy,
  });
});

Deno.test("every fault of every file is found, not only the first", async () => {
  await using folder = await TempFolder.make({
    "main.ts": 'import "./a.ts";\nimport "./gone.ts";\nimport "./b.ts";\neval("1");',
    "a.ts": "const = 1;",
    "b.ts": 'import "npm:x";\nDeno.exit();',
  });
  const findings = await validatePipeline(await readPipeline(folder.at("main.ts")), {
    level: "strict",
    grants: NO_GRANTS,
  });
  assert.deepEqual(
    findings.map(({ file, rule, line }) => `${file.replace(`${folder.path}/`, "")}:${line} ${rule}`),
    ["main.ts:2 missing-module", "main.ts:4 eval", "a.ts:1 syntax", "b.ts:1 package-import", "b.ts:2 deno-api"],
  );
});

Deno.test("a file that is imported both as text and as code is checked", async () => {
  await using folder = await TempFolder.make({
    "main.ts": 'import t from "./a.txt" with { type: "text" };\nimport "./a.txt";',
    "a.txt": "eval('1')",
  });
  const findings = await validatePipeline(await readPipeline(folder.at("main.ts")), {
    level: "strict",
    grants: NO_GRANTS,
  });
  assert.deepEqual(findings.map(({ rule }) => rule), ["eval"]);
});

Deno.test("what is made to wear the check out ends in a finding or in time", async () => {
  const doubling = Array.from({ length: 200 }, (_, n) => `const a${n + 1} = a${n} + a${n};`).join("\n");
  assert.deepEqual(await found(`const a0 = "x";\n${doubling}\nglobalThis[a200];`), ["error global-access 202:1"]);
  assert.deepEqual(await found(`${"(".repeat(50_000)}1${")".repeat(50_000)};`), ["error syntax 1:1"]);
  assert.deepEqual(await found(`const x = ${"1 + ".repeat(100_000)}1;`), ["error syntax 1:1"]);
  assert.deepEqual(await found("const a = b; const b = a; a.run(); b[a];"), []);
  const [line] = await found(`${" ".repeat(5000)}eval("1");`);
  assert.equal(line, "error eval 1:5001");
});

Deno.test("the examples pass at strict without a finding", async () => {
  for (const name of ["video_replay", "prompt_motion", "arrow_overlay", "camera_effects"]) {
    const entry = new URL(`../../../pipelines/${name}.ts`, import.meta.url).pathname;
    assert.deepEqual(
      await validatePipeline(await readPipeline(entry), { level: "strict", grants: NO_GRANTS }),
      [],
      name,
    );
  }
});
