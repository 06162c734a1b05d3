import { COMPILED } from "../../scripts/package/compile.ts";
import { PACKAGED } from "../../scripts/package/package.ts";
import { freePort } from "../support/free_port.ts";

/** One executable file that is there. */
export interface Form {
  readonly name: "packaged" | "compiled";
  readonly path: string;
  readonly bytes: number;
}

const FORMS = [["packaged", PACKAGED], ["compiled", COMPILED]] as const;

/** The forms that have been built. */
export function formsThere(): Form[] {
  return FORMS.flatMap(([name, path]) => {
    try {
      return [{ name, path, bytes: Deno.statSync(path).size }];
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  });
}

/** What says which forms are tested and which are not there. */
export function formsText(forms: readonly Form[]): string {
  const words = FORMS.map(([name, path]) => {
    const form = forms.find((one) => one.name === name);
    return form === undefined
      ? `${name}: ${path} is not there`
      : `${name}: ${path}, ${(form.bytes / 1e6).toFixed(1)} MB`;
  });
  return `forms: ${words.join("; ")}`;
}

/** A machine to try an executable on, as far as its environment makes one: no Deno, an empty home, another folder. */
export interface Machine extends AsyncDisposable {
  readonly home: string;
  readonly temporary: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs a command to its end. */
  run(args: readonly string[]): Promise<{ code: number; out: string; err: string }>;
  /** Starts `stream-serve` and waits until health answers. */
  serve(args: readonly string[]): Promise<Serving>;
}

/** A server that runs. */
export interface Serving extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Milliseconds from the start of the program until health answered. */
  readonly healthyAfter: number;
  /** Ends it; returns its exit code. */
  stop(): Promise<number>;
}

/** Time limit of one command, in milliseconds. */
const LIMIT_MS = 60_000;

/**
 * Makes a machine for an executable.
 *
 * @param options.cache folder that it unpacks into or has unpacked into before; the home's own when left out
 */
export async function makeMachine({ path }: Form, { cache }: { cache?: string } = {}): Promise<Machine> {
  const folder = await Deno.makeTempDir({ prefix: "telefuser-" });
  const [home, temporary] = [`${folder}/home`, `${folder}/tmp`];
  for (const one of [home, temporary]) await Deno.mkdir(one, { mode: 0o700 });
  const env = {
    PATH: "/usr/bin:/bin",
    HOME: home,
    TMPDIR: temporary,
    NO_COLOR: "1",
    ...(cache && { XDG_CACHE_HOME: cache }),
  };
  const options = { cwd: "/", env, clearEnv: true } as const;
  return {
    home,
    temporary,
    env,
    async run(args) {
      const signal = AbortSignal.timeout(LIMIT_MS);
      const { code, stdout, stderr } = await new Deno.Command(path, { ...options, args: [...args], signal }).output();
      return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
    },
    async serve(args) {
      const begun = performance.now();
      const port = freePort();
      const child = new Deno.Command(path, {
        ...options,
        args: ["stream-serve", ...args, "--host", "127.0.0.1", "--port", `${port}`],
        stdout: "null",
        stderr: "null",
      }).spawn();
      const url = `http://127.0.0.1:${port}`;
      let ended = false;
      const status = child.status.finally(() => ended = true);
      await until(`${url}/v1/service/health`, () => ended);
      const healthyAfter = performance.now() - begun;
      await until(`${url}/v1/service/ready`, () => ended);
      async function stop(): Promise<number> {
        if (!ended) child.kill("SIGTERM");
        return (await status).code;
      }
      return {
        url,
        pid: child.pid,
        healthyAfter,
        stop,
        async [Symbol.asyncDispose]() {
          await stop();
        },
      };
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Asks an address until it answers well. */
async function until(url: string, isOver: () => boolean): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!isOver() && performance.now() < end) {
    const ok = await fetch(url).then(async (response) => {
      await response.body?.cancel();
      return response.ok;
    }, () => false);
    if (ok) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${url} does not answer${isOver() ? ": the program has ended" : ""}`);
}
