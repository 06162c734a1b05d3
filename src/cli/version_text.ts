import { codecLibrary } from "../codec/mod.ts";
import { VERSION } from "../version.ts";

/** Folder of `main.ts`; in an executable file the one inside it. */
const ROOT = new URL("../../", import.meta.url);

/** What `build.json` says beside the program when it was put into one file. */
interface Build {
  readonly commit: string;
}

/** What `--version` prints: the server, the commit it was made from, and what it runs on. */
export function versionText(): string {
  const build = readBuild();
  const { ffmpeg, encoders } = codecLibrary();
  const codecs = [...encoders].map(([codec, library]) => `${codec} (${library ?? "missing"})`);
  const { deno, v8 } = Deno.version;
  return [
    `telefuser ${VERSION}`,
    `commit    ${build?.commit ?? commitOfCheckout() ?? "unknown"}`,
    `form      ${Deno.build.standalone ? "compiled" : build === null ? "source" : "packaged"}`,
    `Deno      ${deno} (V8 ${v8}, ${Deno.build.target})`,
    `FFmpeg    ${ffmpeg}`,
    `codecs    ${codecs.join(", ")}`,
  ].join("\n");
}

function readBuild(): Build | null {
  try {
    return JSON.parse(Deno.readTextFileSync(new URL("build.json", ROOT)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Git's own word, when the program runs from a checkout and git is there. */
function commitOfCheckout(): string | null {
  try {
    Deno.statSync(new URL(".git", ROOT));
    const args = ["rev-parse", "HEAD"];
    const { success, stdout } = new Deno.Command("git", { args, cwd: ROOT, stderr: "null" }).outputSync();
    return success ? new TextDecoder().decode(stdout).trim() : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
