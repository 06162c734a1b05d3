import assert from "node:assert/strict";
import { StreamError } from "../../../src/errors.ts";
import {
  type Grants,
  isWithin,
  permissionsFor,
  type PipelinePermissions,
  readModuleGraph,
  type SecurityLevel,
} from "../../../src/pipeline/mod.ts";
import { TempFolder } from "../support/temp_folder.ts";

const NO_GRANTS: Grants = { read: [], net: [], env: [], media: [] };
const CLOSED = ["write", "env", "run", "sys", "ffi", "import"] as const;

async function makeFolder(): Promise<TempFolder> {
  return await TempFolder.make({
    "app/main.ts": 'import "./lib/a.ts";',
    "app/lib/a.ts": "",
    "app/secret.txt": "secret",
    "app/clip.mp4": "not really a film",
    "app-data/other.txt": "",
    "films/one.mp4": "",
    "films/two.mp4": "",
  });
}

async function permissions(
  folder: TempFolder,
  level: SecurityLevel,
  grants: Partial<Grants> = {},
): Promise<PipelinePermissions> {
  const graph = await readModuleGraph(folder.at("app/main.ts"));
  return await permissionsFor(level, graph, { ...NO_GRANTS, ...grants });
}

/** The worker's permissions as an object, and its read paths. */
function worker({ worker }: PipelinePermissions): { options: Deno.PermissionOptionsObject; read: string[] } {
  assert.ok(typeof worker === "object", `the worker's permissions are ${String(worker)}`);
  assert.ok(Array.isArray(worker.read));
  return { options: worker, read: worker.read.map(String) };
}

Deno.test("lets a strict pipeline read its own modules and nothing else", async () => {
  await using folder = await makeFolder();
  const granted = await permissions(folder, "strict");
  const { options, read } = worker(granted);
  assert.ok(read.includes(folder.at("app/main.ts")) && read.includes(folder.at("app/lib/a.ts")));
  for (const path of read) {
    assert.ok(!path.startsWith(folder.path) || /\.ts$/.test(path), `${path} is not one of its modules`);
    assert.ok(!isWithin(path, folder.at("app/secret.txt")), `${path} opens the pipeline's folder`);
  }
  for (const kind of [...CLOSED, "net"] as const) assert.equal(options[kind], false, kind);
  assert.match(granted.summary, /2 modules/);
});

Deno.test("lets a strict pipeline have only named media decoded, however they were written", async () => {
  await using folder = await makeFolder();
  await Deno.symlink(folder.at("films/one.mp4"), folder.at("link.mp4"));
  const { mayOpen } = await permissions(folder, "strict", { media: [folder.at("link.mp4")] });
  assert.equal(mayOpen(folder.at("films/one.mp4")), true, "the file the link leads to");
  for (const name of ["films/two.mp4", "films", "app/clip.mp4", "app/main.ts"]) {
    assert.equal(mayOpen(folder.at(name)), false, name);
  }
});

Deno.test("refuses grants at the strict level and names the flags", async () => {
  await using folder = await makeFolder();
  const refusal = async (grants: Partial<Grants>): Promise<string> => {
    const error: unknown = await permissions(folder, "strict", grants).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof StreamError && error.code === "invalid_config", String(error));
    assert.match(error.message, /--security-level standard/);
    return error.message;
  };
  assert.match(await refusal({ read: [folder.at("films")] }), /^security level strict takes no --allow-read;/);
  assert.match(await refusal({ net: ["example.org"] }), /^security level strict takes no --allow-net;/);
  assert.match(await refusal({ env: ["HOME"] }), /^security level strict takes no --allow-env;/);
  assert.match(
    await refusal({ read: [folder.at("films")], net: ["a"], env: ["B"] }),
    /^security level strict takes no --allow-read and --allow-net and --allow-env;/,
  );
  await permissions(folder, "strict", { media: [folder.at("films/one.mp4")] });
});

Deno.test("lets a standard pipeline read its folder and what was granted, and connect where it was granted", async () => {
  await using folder = await makeFolder();
  const plain = worker(await permissions(folder, "standard"));
  assert.ok(plain.read.includes(folder.at("app")));
  assert.equal(plain.options.net, false);
  const { summary } = await permissions(folder, "standard");
  assert.ok(summary.startsWith(`read ${folder.at("app")}; no network`), summary);
  const granted = await permissions(folder, "standard", { read: [folder.at("films")], net: ["example.org:443"] });
  const { options, read } = worker(granted);
  assert.ok(read.includes(folder.at("films")));
  assert.deepEqual(options.net, ["example.org:443"]);
  for (const kind of CLOSED) assert.equal(options[kind], false, kind);
  assert.ok(!read.some((path) => isWithin(path, folder.at("app-data/other.txt"))), "the folder next door stays closed");
  assert.match(granted.summary, /example\.org:443/);
  assert.ok(granted.summary.includes(folder.at("films")), granted.summary);
});

Deno.test("lets a standard pipeline read the variables that were granted by name", async () => {
  await using folder = await makeFolder();
  const granted = await permissions(folder, "standard", { env: ["MODEL", "SEED"] });
  const { options } = worker(granted);
  assert.deepEqual(options.env, ["MODEL", "SEED"]);
  for (const kind of [...CLOSED, "net"] as const) if (kind !== "env") assert.equal(options[kind], false, kind);
  assert.match(granted.summary, /; read the variables MODEL, SEED; no network, programs or native code$/);
});

Deno.test("does not let a pipeline read what it imports from outside its folder, unless that was granted", async () => {
  await using folder = await makeFolder();
  await folder.write(
    "app/main.ts",
    `import "./lib/a.ts";\nimport x from "../app-data/other.txt" with { type: "text" };\n` +
      `import y from "/etc/hostname" with { type: "text" };\n`,
  );
  for (const level of ["strict", "standard"] as const) {
    const { read } = worker(await permissions(folder, level));
    assert.ok(read.includes(folder.at("app/lib/a.ts")), level);
    for (const path of ["/etc/hostname", folder.at("app-data/other.txt")]) {
      assert.ok(!read.some((granted) => isWithin(granted, path)), `${level} ${path}`);
    }
  }
  const { read } = worker(await permissions(folder, "standard", { read: [folder.at("app-data")] }));
  assert.ok(read.includes(folder.at("app-data/other.txt")));
  assert.ok(!read.some((granted) => isWithin(granted, "/etc/hostname")));
});

Deno.test("has files decoded for a standard pipeline that it may read itself, and named media", async () => {
  await using folder = await makeFolder();
  const { mayOpen } = await permissions(folder, "standard", { media: [folder.at("films/one.mp4")] });
  assert.equal(mayOpen(folder.at("app/clip.mp4")), true);
  assert.equal(mayOpen(folder.at("app/lib/clip.mp4")), true);
  assert.equal(mayOpen(folder.at("films/one.mp4")), true);
  assert.equal(mayOpen(folder.at("films/two.mp4")), false);
  assert.equal(mayOpen(folder.at("app-data/other.txt")), false);
  const wider = await permissions(folder, "standard", { read: [folder.at("films")] });
  assert.equal(wider.mayOpen(folder.at("films/two.mp4")), true);
});

Deno.test("knows granted folders and modules by their real paths as well", async () => {
  await using folder = await makeFolder();
  await Deno.symlink(folder.at("films"), folder.at("cinema"));
  await Deno.symlink(folder.at("app"), folder.at("current"));
  const graph = await readModuleGraph(folder.at("current/main.ts"));
  const granted = await permissionsFor("standard", graph, { ...NO_GRANTS, read: [folder.at("cinema")] });
  const { read } = worker(granted);
  for (const name of ["cinema", "films", "current/main.ts", "app/main.ts"]) {
    assert.ok(read.includes(folder.at(name)), name);
  }
  assert.equal(granted.mayOpen(folder.at("films/two.mp4")), true);
  assert.equal(granted.mayOpen(folder.at("app/clip.mp4")), true);
});

Deno.test("gives a permissive pipeline all that the server has", async () => {
  await using folder = await makeFolder();
  const granted = await permissions(folder, "permissive");
  assert.equal(granted.worker, "inherit");
  assert.equal(granted.mayOpen("/etc/hostname"), true);
});

Deno.test("tells what lies within a folder from what only begins like it", () => {
  const cases = [
    ["/a/b", "/a/b", true],
    ["/a/b", "/a/b/c", true],
    ["/a/b", "/a/b/c/d.mp4", true],
    ["/a/b/", "/a/b/c", true],
    ["/a/b", "/a/b/..c", true],
    ["/a/b", "/a/b/...", true],
    ["/", "/a", true],
    ["/a/b", "/a/bc", false],
    ["/a/b", "/a/bc/d", false],
    ["/a/b", "/a", false],
    ["/a/b", "/", false],
    ["/a/b", "/a/b/../c", false],
    ["/a/b", "/c/a/b", false],
  ] as const;
  for (const [folder, path, expected] of cases) assert.equal(isWithin(folder, path), expected, `${path} in ${folder}`);
});

Deno.test("leaves out of a pipeline's modules what lies below a folder node_modules", async () => {
  await using folder = await TempFolder.make({
    "main.ts": 'import "./a.ts"; import "./node_modules/b.mjs"; import "./vendor/b.mjs";',
    "a.ts": "",
    "node_modules/b.mjs": "",
  });
  await Deno.symlink("node_modules", folder.at("vendor"));
  const granted = await permissionsFor("strict", await readModuleGraph(folder.at("main.ts")), NO_GRANTS);
  const { read } = worker(granted);
  assert.deepEqual(read.filter((path) => isWithin(folder.path, path)).toSorted(), [
    folder.at("a.ts"),
    folder.at("main.ts"),
  ]);
});
