import { type Inventory, takeInventory, withCrates } from "./inventory.ts";
import { writeLicences } from "./licence_texts.ts";
import { idOf, type Part } from "./parts.ts";
import { type Bill, billText } from "./sbom.ts";

/** The part of NOTICE that is kept by hand. */
const HEAD = new URL("./notice_head.txt", import.meta.url);
const WIDTH = 120;

/** Writes `NOTICE`, `licenses/` and `sbom.cdx.json` into a stage. */
export async function writeNotices(folder: string, contents: Omit<Bill, "inventory">): Promise<void> {
  const inventory = await takeInventory(contents.lock, contents.build.target);
  await Deno.writeTextFile(`${folder}NOTICE`, await noticeText(inventory));
  await writeLicences(`${folder}licenses/`, inventory);
  const runtime = await withCrates(inventory.runtime, Deno.execPath());
  await Deno.writeTextFile(`${folder}sbom.cdx.json`, billText({ ...contents, inventory: { ...inventory, runtime } }));
}

/** The text of NOTICE. */
export async function noticeText({ packages, runtime, files }: Inventory): Promise<string> {
  const inside = packages.filter((part) => (part.inside ?? []).length > 0);
  const sections = [
    ["Runtime", [runtime]],
    [`Inside ${idOf(runtime)}, besides some hundred Rust crates (see the SBOM)`, runtime.inside ?? []],
    ["Packages", packages],
    ...inside.map((part) => [`Inside ${idOf(part)}`, part.inside ?? []] as const),
    ["Files", files],
  ] as const;
  const list = sections.map(([title, parts]) =>
    `${title}\n${"-".repeat(title.length)}\n\n${parts.map(entry).join("")}`
  );
  return `${await Deno.readTextFile(HEAD)}\n${list.join("\n").trimEnd()}\n`;
}

/** `name version: licence`, and below it whose it is and where from. */
function entry({ name, version, licence, holder, source }: Part): string {
  const head = `${version === undefined ? name : `${name} ${version}`}: ${licence ?? "see its project"}`;
  const rest = [holder === undefined ? null : `(c) ${holder}`, source ?? null].filter((text) => text !== null);
  return `${head}\n${rest.map((text) => wrap(text).map((line) => `    ${line}\n`).join("")).join("")}`;
}

function wrap(text: string): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1) ?? "";
    if (last !== "" && last.length + 1 + word.length > WIDTH - 4) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}
