/**
 * Makes one self-contained executable file of the stage and the Deno that runs this: a shell script that unpacks itself
 * once. The same checkout and the same Deno give the same bytes.
 *
 * Usage: deno task package [--commit=<id>] [--if-stale]
 *
 * @module
 */

import { createHash } from "node:crypto";
import { writeChecksums } from "./checksums.ts";
import { SBOM } from "./licences.ts";
import { DIST, ROOT } from "./build.ts";
import { filesIn, makeStage, type Stage } from "./stage.ts";
import { makeStub, STUB_BYTES, type StubFacts } from "./stub.ts";
import { type TarEntry, tarOf } from "./tar.ts";

/** The file that is made. */
export const PACKAGED = `${DIST}telefuser-packaged`;

/** What goes into a package: two archives, which are unpacked at the same time. */
export interface PackageContents {
  /** The runtime and all of the server but its codec library. */
  readonly server: readonly TarEntry[];
  /** The codec library, which takes longer to unpack than all the rest. */
  readonly codecs: readonly TarEntry[];
  readonly facts: Omit<StubFacts, "content" | "packedBytes">;
}

/** Writes a package: its script, and the archives after it. Returns what it is called: a digest of the archives. */
export async function writePackage(path: string, { server, codecs, facts }: PackageContents): Promise<string> {
  const part = `${path}.part`;
  const hash = createHash("sha256");
  using file = await Deno.open(part, { write: true, create: true, truncate: true });
  await writeAll(file, new Uint8Array(STUB_BYTES));
  async function pack(entries: readonly TarEntry[]): Promise<number> {
    let packed = 0;
    for await (const bytes of ReadableStream.from(tarOf(entries)).pipeThrough(new CompressionStream("gzip"))) {
      hash.update(bytes);
      packed += bytes.length;
      await writeAll(file, bytes);
    }
    return packed;
  }
  const packedBytes = { server: await pack(server), codecs: await pack(codecs) };
  const content = hash.digest("hex").slice(0, 32);
  await file.seek(0, Deno.SeekMode.Start);
  await writeAll(file, await makeStub({ ...facts, content, packedBytes }));
  await Deno.chmod(part, 0o755);
  await Deno.rename(part, path);
  return content;
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
}

/** The stage's files and the runtime, as they are unpacked. */
export async function contentsOf({ folder, build, nativeFile }: Stage, program: string): Promise<PackageContents> {
  const files = (await filesIn(folder)).map((path) => ({ name: path.slice(folder.length), mode: 0o644, path }));
  const folders = new Set(
    files.flatMap(({ name }) => [...name.matchAll(/\//g)].map(({ index }) => name.slice(0, index))),
  );
  const sizes = await Promise.all([program, ...files.map(({ path }) => path)].map(bytesOf));
  return {
    server: [
      { name: "telefuser", mode: 0o755, path: program },
      ...[...folders].map((name) => ({ name: `${name}/`, mode: 0o755 })),
      ...files.filter(({ name }) => name !== nativeFile),
    ],
    codecs: files.filter(({ name }) => name === nativeFile),
    facts: {
      ...build,
      runtimeBytes: await bytesOf(program),
      nativeFile,
      nativeBytes: await bytesOf(`${folder}${nativeFile}`),
      unpackedBytes: sizes.reduce((total, size) => total + size, 0),
    },
  };
}

async function bytesOf(path: string): Promise<number> {
  return (await Deno.stat(path)).size;
}

/** Whether something that goes into the file is newer than it. */
async function isStale(): Promise<boolean> {
  const folders = ["src", "static", "pipelines", "scripts/package"].map((name) => filesIn(`${ROOT}${name}`));
  const files = ["main.ts", "deno.json", "deno.lock"].map((name) => `${ROOT}${name}`);
  const inputs = [...files, Deno.execPath(), ...(await Promise.all(folders)).flat()];
  const times = await Promise.all(inputs.map(async (path) => (await Deno.stat(path)).mtime?.getTime() ?? 0));
  try {
    return Math.max(...times) > ((await Deno.stat(PACKAGED)).mtime?.getTime() ?? 0);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes("--if-stale") && !await isStale()) return;
  const commit = args.find((arg) => arg.startsWith("--commit="))?.slice("--commit=".length);
  const stage = await makeStage({ commit });
  const contents = await contentsOf(stage, Deno.execPath());
  const content = await writePackage(PACKAGED, contents);
  await Deno.copyFile(`${stage.folder}sbom.cdx.json`, SBOM);
  await writeChecksums(DIST);
  const size = await bytesOf(PACKAGED);
  const { version, commit: made, target, unpackedBytes } = contents.facts;
  console.log(`${PACKAGED}
  version   ${version}, commit ${made}, ${target}
  content   ${content}, ${contents.server.length + contents.codecs.length} files and folders
  size      ${(size / 1e6).toFixed(1)} MB, unpacked ${(unpackedBytes / 1e6).toFixed(0)} MB`);
}

if (import.meta.main) await main(Deno.args);
