import { toFileUrl } from "../../src/pipeline/paths.ts";
import { type Attempt, markOf, type Secret } from "./corpus/mod.ts";
import { blackPng } from "./black_png.ts";
import { LOADED } from "./plan.ts";
import { Listeners } from "./listeners.ts";

const ROOT = new URL("../../", import.meta.url);

/** What an attempt is told: where things are, never what they hold. */
export interface Facts {
  readonly mark: string;
  readonly root: string;
  readonly folder: string;
  readonly note: string;
  readonly secret: string;
  readonly secretModule: string;
  readonly secretJson: string;
  readonly video: string;
  readonly out: string;
  readonly target: string;
  readonly addon: string;
  readonly packages: string;
  readonly variable: string;
  readonly http: string;
  readonly http2: string;
  readonly tcp: number;
  readonly udp: number;
  readonly unix: string;
  readonly knock: number;
  readonly victim: number;
}

/** A module that ends the process in which it runs. */
const ENDS = 'import * as process from "node:process";\nexport const end = () => process.abort();\n';

/** The environment variable that holds a secret. */
export const VARIABLE = "GROUND_SECRET";

/**
 * What the attempts go after: a folder with a pipeline's place and things beside it that are none of its business,
 * listeners, processes to be ended. Everything that can show that an attempt got through is here, outside of the worker.
 */
export class Ground implements AsyncDisposable {
  readonly root: string;
  /** The pipeline's own folder. */
  readonly folder: string;
  readonly secrets: Readonly<Record<Secret, string>>;
  readonly listeners: Listeners;
  readonly #victims = new Map<string, { readonly child: Deno.ChildProcess; ended: boolean }>();
  readonly #knocks: ReadonlyMap<string, number>;
  readonly #addon: string;

  private constructor(
    { root, secrets, listeners, knocks, addon }: {
      root: string;
      secrets: Record<Secret, string>;
      listeners: Listeners;
      knocks: ReadonlyMap<string, number>;
      addon: string;
    },
  ) {
    this.root = root;
    this.folder = `${root}/pipeline`;
    this.secrets = secrets;
    this.listeners = listeners;
    this.#knocks = knocks;
    this.#addon = addon;
  }

  /** Lays it out for these attempts. */
  static async lay(attempts: readonly Attempt[]): Promise<Ground> {
    const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "ground-" }));
    const token = () => crypto.randomUUID();
    const addon = await addonPath();
    const secrets: Record<Secret, string> = {
      file: token(),
      own: token(),
      input: token(),
      env: token(),
      server: token(),
      output: token(),
      video: await videoSize(),
      addon: await addonNames(addon),
      hostname: Deno.hostname(),
      release: Deno.osRelease(),
    };
    const listeners = await Listeners.open({ unix: `${root}/listener.sock`, answer: secrets.server });
    const knocks = new Map<string, number>();
    for (const { id, proof } of attempts) {
      if (proof.kind === "knocks") knocks.set(id, listeners.ownPort(id));
    }
    const ground = new Ground({ root, secrets, listeners, knocks, addon });
    await ground.#fill();
    for (const { id, body } of attempts) {
      await Deno.writeTextFile(`${root}/targets/${markOf(id)}`, "before");
      if (body.includes("t.victim")) ground.#victims.set(id, victim());
    }
    return ground;
  }

  /** What an attempt is told. */
  facts({ id }: Attempt): Facts {
    const { root, folder, listeners } = this;
    const mark = markOf(id);
    return {
      mark,
      root,
      folder,
      note: `${folder}/note.txt`,
      secret: `${root}/secret.txt`,
      secretModule: `${root}/secret.ts`,
      secretJson: `${root}/secret.json`,
      video: `${root}/secret.mp4`,
      out: `${root}/out/${mark}`,
      target: `${root}/targets/${mark}`,
      addon: this.#addon,
      packages: new URL("main.ts", ROOT).pathname,
      variable: VARIABLE,
      http: listeners.http,
      http2: listeners.http,
      tcp: listeners.tcp,
      udp: listeners.udp,
      unix: listeners.unix,
      knock: this.#knocks.get(id) ?? 0,
      victim: this.#victims.get(id)?.child.pid ?? 0,
    };
  }

  /** Variables for the program that holds the worker: one is a secret, the others keep what is fetched by name here. */
  async environment(): Promise<Record<string, string>> {
    const { http } = this.listeners;
    const home = `${this.root}/home`;
    await Deno.mkdir(home, { recursive: true });
    const before = await textOf(`${Deno.env.get("HOME") ?? ""}/.npmrc`);
    await Deno.writeTextFile(`${home}/.npmrc`, `${before}\n@ground:registry=${http}/npm/\n`);
    return { [VARIABLE]: this.secrets.env, HOME: home, DENO_DIR: await cacheFolder(), JSR_URL: `${http}/jsr/` };
  }

  /** A copy of the lock file: what a program loads by name may add to it. */
  async lock(): Promise<string> {
    const copy = `${this.root}/deno.lock`;
    await Deno.copyFile(new URL("deno.lock", ROOT), copy);
    return copy;
  }

  /** Whether something is where the attempt was to make it. */
  isMade(id: string): boolean {
    return exists(`${this.root}/out/${markOf(id)}`);
  }

  /** Whether the file that was to stay as it was is different, or gone. */
  isChanged(id: string): boolean {
    const path = `${this.root}/targets/${markOf(id)}`;
    if (!exists(path)) return true;
    const { mode, mtime } = Deno.statSync(path);
    return Deno.readTextFileSync(path) !== "before" || ((mode ?? 0) & 0o777) === 0o777 ||
      (mtime?.getTime() ?? 0) < 1e9;
  }

  /** Whether the process that was to live has ended. */
  hasEnded(id: string): boolean {
    return this.#victims.get(id)?.ended === true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.listeners[Symbol.asyncDispose]();
    for (const one of this.#victims.values()) {
      if (!one.ended) one.child.kill("SIGKILL");
      await one.child.status;
    }
    await Deno.remove(this.root, { recursive: true });
  }

  async #fill(): Promise<void> {
    const { root, folder, secrets: { file, own }, listeners: { http } } = this;
    const packages = [`${root}/node_modules/ground`, `${folder}/node_modules/ground`];
    for (const path of [`${folder}/clean`, `${root}/out`, `${root}/targets`, ...packages]) {
      await Deno.mkdir(path, { recursive: true });
    }
    const clip = new URL("pipelines/assets/clip.mp4", ROOT);
    const png = await blackPng(this.secrets.video);
    const files: Record<string, string | Uint8Array> = {
      "secret.txt": file,
      "secret.ts": `export default ${JSON.stringify(file)};`,
      "secret.json": JSON.stringify({ secret: file }),
      "secret.cjs": `module.exports = ${JSON.stringify(file)};`,
      "secret.env": `SECRET_LOADED=${this.secrets.env}\n`,
      "secret.png": png,
      "node_modules/ground/secret.mjs": `export default ${JSON.stringify(file)};`,
      "node_modules/ground/secret.cjs": `module.exports = ${JSON.stringify(file)};`,
      "node_modules/ground/secret.json": JSON.stringify({ secret: file }),
      "pipeline/node_modules/ground/ends.mjs": ENDS,
      "pipeline/ends.mjs": ENDS,
      "pipeline/own.env": `${LOADED}=yes\n`,
      "make.cjs": "require('node:fs').mkdirSync(process.argv[2]);",
      "secret.mp4": await Deno.readFile(clip),
      "pipeline/note.txt": own,
      "pipeline/clean/note.txt": own,
      "pipeline/own.mp4": await Deno.readFile(clip),
      "pipeline/list.ffconcat": `ffconcat version 1.0\nfile link.mp4\n`,
      "pipeline/list_as.mp4": `ffconcat version 1.0\nfile link.mp4\n`,
      "pipeline/http.ffconcat": `ffconcat version 1.0\nfile ${http}/http.mp4\n`,
      "pipeline/list.m3u8": playlist(`${root}/secret.mp4`),
      "pipeline/hls_as.mp4": playlist(toFileUrl(`${root}/secret.mp4`).href),
      "pipeline/http.m3u8": playlist(`${http}/${markOf("media.list_hls_http")}.mp4`),
      "pipeline/frame%d.png": png,
    };
    for (const [path, content] of Object.entries(files)) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(`${root}/${path}`, bytes);
    }
    await makeDatabase(`${root}/secret.db`, file);
    await Deno.symlink("../secret.txt", `${folder}/link.txt`);
    await Deno.symlink("../secret.ts", `${folder}/linked_module.ts`);
    await Deno.symlink("../secret.mp4", `${folder}/link.mp4`);
    await Deno.symlink("../secret.png", `${folder}/frame0.png`);
    await Deno.symlink("..", `${folder}/linked`);
    await Deno.symlink("../..", `${folder}/node_modules/linked`);
  }
}

function playlist(uri: string): string {
  return `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:60\n#EXTINF:30,\n${uri}\n#EXT-X-ENDLIST\n`;
}

function victim(): { readonly child: Deno.ChildProcess; ended: boolean } {
  const one = { child: new Deno.Command("sleep", { args: ["600"] }).spawn(), ended: false };
  void one.child.status.then(() => one.ended = true);
  return one;
}

async function makeDatabase(path: string, text: string): Promise<void> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(path);
  database.exec("create table secret(text)");
  database.prepare("insert into secret values (?)").run(text);
  database.close();
}

async function videoSize(): Promise<string> {
  const { openVideoFile } = await import("../../src/codec/mod.ts");
  const path = new URL("pipelines/assets/clip.mp4", ROOT).pathname;
  const file = await openVideoFile(path, { format: "rgba", quality: 90, width: undefined, height: undefined });
  await file.close();
  return `${file.width}x${file.height}`;
}

/** A native addon that is at hand: the codecs of the drawing package. */
async function addonPath(): Promise<string> {
  const { imagescriptReadUrls } = await import("../../src/pipeline/imagescript_files.ts");
  const folder = imagescriptReadUrls().find((url) => url.pathname.endsWith("/wasm/any/"));
  const bin = new URL("../../codecs/node/bin/", folder);
  for await (const { name } of Deno.readDir(bin)) {
    if (
      name.endsWith(".node") && name.includes(Deno.build.arch === "x86_64" ? "x64" : "arm64") && name.includes("linux")
    ) {
      if (!name.includes("musl")) return new URL(name, bin).pathname;
    }
  }
  throw new Error(`there is no addon for this machine in ${bin.pathname}`);
}

async function addonNames(path: string): Promise<string> {
  const { createRequire } = await import("node:module");
  return Object.keys(createRequire(import.meta.url)(path)).sort().join();
}

async function textOf(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** Where the runtime keeps packages. */
async function cacheFolder(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"], stderr: "null" }).output();
  return (JSON.parse(new TextDecoder().decode(stdout)) as { denoDir: string }).denoDir;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
