import { createHash } from "node:crypto";

/** Name of the file with the checksums of what is built, beside it. */
export const CHECKSUMS = "SHA256SUMS";

/** What may be built, by the name under `dist/`. */
const BUILT = ["telefuser", "telefuser-packaged", "telefuser.cdx.json"] as const;

/**
 * Writes the checksums of what there is in a folder, in the form of `sha256sum`.
 *
 * @param folder With `/` at the end
 */
export async function writeChecksums(folder: string): Promise<void> {
  const lines: string[] = [];
  for (const name of BUILT) {
    const digest = await digestOf(`${folder}${name}`);
    if (digest !== null) lines.push(`${digest}  ${name}\n`);
  }
  await Deno.writeTextFile(`${folder}${CHECKSUMS}`, lines.join(""));
}

/** SHA-256 of a file as hex, or null when it is not there. */
async function digestOf(path: string): Promise<string | null> {
  const hash = createHash("sha256");
  try {
    using file = await Deno.open(path);
    const bytes = new Uint8Array(1 << 20);
    for (let count = await file.read(bytes); count !== null; count = await file.read(bytes)) {
      hash.update(bytes.subarray(0, count));
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  return hash.digest("hex");
}
