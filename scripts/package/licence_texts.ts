import type { Inventory } from "./inventory.ts";
import { flatten, idOf, licenceIds, type Part } from "./parts.ts";

/** Texts of licences by SPDX identifier, `GPL-3.0-or-later.txt`. */
const TEXTS = new URL("./licences/", import.meta.url);

/**
 * Writes the licences of what ships into a folder: `npm/<package>@<version>/` has the files that a package brings, or
 * the text of its licence with its author's name when it brings none; `texts/` has the text of every licence of what
 * brings none.
 *
 * @param folder With `/` at the end; is made
 * @throws Error when the text of a licence is missing
 */
export async function writeLicences(folder: string, { packages, runtime, files }: Inventory): Promise<void> {
  for (const part of packages) {
    const own = `${folder}npm/${idOf(part)}/`;
    await Deno.mkdir(own, { recursive: true });
    for (const path of part.licenceFiles ?? []) {
      // Without what the cache has of times and modes.
      await Deno.writeFile(`${own}${path.slice(path.lastIndexOf("/") + 1)}`, await Deno.readFile(path));
    }
    if (part.licenceFiles?.length === 0) await Deno.writeTextFile(`${own}LICENSE`, await textFor(part));
  }
  await Deno.mkdir(`${folder}deno`, { recursive: true });
  await Deno.writeTextFile(`${folder}deno/LICENSE`, await textFor(runtime));
  await Deno.mkdir(`${folder}texts`, { recursive: true });
  const withoutFiles = packages.flatMap((part) => part.licenceFiles?.length === 0 ? [part] : part.inside ?? []);
  for (const id of idsOf([...withoutFiles, runtime, ...files])) {
    await Deno.writeTextFile(`${folder}texts/${id}.txt`, await licenceText(id));
  }
}

/** Identifiers of all licences that parts and what is inside them have, sorted. */
export function idsOf(parts: readonly Part[]): string[] {
  return [...new Set(flatten(parts).flatMap(({ licence = "" }) => licenceIds(licence)))].toSorted();
}

/**
 * The text of one licence or exception.
 *
 * @throws Error when it is not kept here
 */
export async function licenceText(id: string): Promise<string> {
  try {
    return await Deno.readTextFile(new URL(`${id}.txt`, TEXTS));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new Error(`scripts/package/licences/${id}.txt is missing: the text of a licence that ships`);
    }
    throw error;
  }
}

/** The text of a part's only licence, with the holder in the place that the text has for it. */
async function textFor({ name, licence = "", holder }: Part): Promise<string> {
  if (holder === undefined) throw new Error(`nobody is named as author of ${name}, whose licence needs a name`);
  const text = await licenceText(licence);
  const named = text.replace(/<year> <(?:copyright holders|owner)>/, holder);
  return named === text ? `Copyright (c) ${holder}\n\n${text}` : named;
}
