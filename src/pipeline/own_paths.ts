import { isWithin } from "./module_graph.ts";

/**
 * The paths that cover a folder without the links in it that lead out of these roots: the folder itself when there are none,
 * else its entries one by one. A runtime that may read a folder follows whatever links lie in it. A folder that the server
 * may not read is passed over with what lies in it.
 *
 * @param folder a real path
 */
export async function pathsWithin(folder: string, roots: readonly string[]): Promise<string[]> {
  const entries = await entriesOf(folder);
  if (entries === null) return [];
  const paths: string[] = [];
  let isWhole = true;
  for (const { name, isDirectory, isSymlink } of entries) {
    const path = `${folder}/${name}`;
    const own = isDirectory
      ? await pathsWithin(path, roots)
      : !isSymlink || await leadsWithin(path, roots)
      ? [path]
      : [];
    isWhole &&= own.length === 1 && own[0] === path;
    paths.push(...own);
  }
  return isWhole ? [folder] : paths;
}

/** Null when it may not be looked into. */
async function entriesOf(folder: string): Promise<Deno.DirEntry[] | null> {
  try {
    return await Array.fromAsync(Deno.readDir(folder));
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return null;
    throw error;
  }
}

/** A link that leads nowhere now may lead somewhere later. */
async function leadsWithin(link: string, roots: readonly string[]): Promise<boolean> {
  try {
    const real = await Deno.realPath(link);
    return roots.some((root) => isWithin(root, real));
  } catch (error) {
    const { FilesystemLoop, NotFound, PermissionDenied } = Deno.errors;
    if ([FilesystemLoop, NotFound, PermissionDenied].some((kind) => error instanceof kind)) return false;
    throw error;
  }
}
