import { dirname, join } from "node:path";

/** A folder that is gone when it goes out of scope: `await using folder = await TempFolder.make({ "a.ts": "…" })`. */
export class TempFolder implements AsyncDisposable {
  /** Absolute path without links in it. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(files: Readonly<Record<string, string | Uint8Array>> = {}): Promise<TempFolder> {
    const folder = new TempFolder(await Deno.realPath(await Deno.makeTempDir()));
    for (const [name, content] of Object.entries(files)) await folder.write(name, content);
    return folder;
  }

  /** The path of something in it. */
  at(name: string): string {
    return join(this.path, name);
  }

  async write(name: string, content: string | Uint8Array): Promise<string> {
    const path = this.at(name);
    await Deno.mkdir(dirname(path), { recursive: true });
    if (typeof content === "string") await Deno.writeTextFile(path, content);
    else await Deno.writeFile(path, content);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
