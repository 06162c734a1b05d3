import assert from "node:assert/strict";
import { pathsWithin } from "../../../src/pipeline/own_paths.ts";

/** A folder `own` with a folder `outside` beside it, and what the test puts there. */
async function withFolders(fill: (own: string, outside: string) => Promise<void>): Promise<string[]> {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "own-paths-" }));
  try {
    const [own, outside] = [`${root}/own`, `${root}/outside`];
    await Deno.mkdir(`${own}/clips/deep`, { recursive: true });
    await Deno.mkdir(outside);
    for (const path of [`${own}/a.ts`, `${own}/clips/b.mp4`, `${own}/clips/deep/c.json`, `${outside}/secret.txt`]) {
      await Deno.writeTextFile(path, "");
    }
    await fill(own, outside);
    return (await pathsWithin(own, [own])).map((path) => path.slice(own.length)).toSorted();
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("a folder without links is covered by itself", async () => {
  assert.deepEqual(await withFolders(() => Promise.resolve()), [""]);
});

Deno.test("links that stay within are no reason to name what lies in the folder", async () => {
  const paths = await withFolders(async (own) => {
    await Deno.symlink("clips/b.mp4", `${own}/link.mp4`);
    await Deno.symlink("..", `${own}/clips/up`);
  });
  assert.deepEqual(paths, [""]);
});

Deno.test("a link to a file outside is left out, and only its folder is taken apart", async () => {
  const paths = await withFolders((own) => Deno.symlink("../../outside/secret.txt", `${own}/clips/link.txt`));
  assert.deepEqual(paths, ["/a.ts", "/clips/b.mp4", "/clips/deep"]);
});

Deno.test("links to a folder outside, to nowhere and to themselves are left out", async () => {
  const paths = await withFolders(async (own, outside) => {
    await Deno.symlink(outside, `${own}/folder`);
    await Deno.symlink("not/there/yet", `${own}/dangling`);
    await Deno.symlink("loop", `${own}/loop`);
  });
  assert.deepEqual(paths, ["/a.ts", "/clips"]);
});

Deno.test("a link from folder to folder that ends outside is left out", async () => {
  const paths = await withFolders(async (own, outside) => {
    await Deno.symlink(outside, `${own}/clips/out`);
    await Deno.symlink("clips/out/secret.txt", `${own}/innocent.txt`);
  });
  assert.deepEqual(paths, ["/a.ts", "/clips/b.mp4", "/clips/deep"]);
});

Deno.test("a folder that may not be read is passed over, and what lies beside it is not", {
  ignore: Deno.uid() === 0,
}, async () => {
  const own = await Deno.realPath(await Deno.makeTempDir({ prefix: "own-paths-" }));
  const closed = `${own}/lost+found`;
  try {
    await Deno.writeTextFile(`${own}/a.ts`, "");
    await Deno.mkdir(closed, { mode: 0 });
    await Deno.symlink("lost+found/a", `${own}/link`);
    assert.deepEqual(await pathsWithin(own, [own]), [`${own}/a.ts`]);
  } finally {
    await Deno.chmod(closed, 0o700);
    await Deno.remove(own, { recursive: true });
  }
});
