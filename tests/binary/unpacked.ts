import type { HostProgram } from "../security/runner.ts";
import { copyTree } from "../support/copy_tree.ts";
import { type Form, makeMachine } from "./executable.ts";

const SECURITY = new URL("../security/", import.meta.url).pathname;
/** What `wall_host.ts` consists of besides the server's own modules. */
const PROGRAM = ["wall_host.ts", "plan.ts", "corpus"] as const;

/** What a packaged file unpacks, with the program of the security tests added; gone when it is disposed of. */
export interface Unpacked extends AsyncDisposable {
  readonly host: HostProgram;
}

/**
 * Unpacks a packaged file on a machine of its own and lays `wall_host.ts` beside the server in it, so that the runtime,
 * the modules and the settings are those of the file.
 */
export async function unpack(form: Form): Promise<Unpacked> {
  const machine = await makeMachine(form);
  const { code, err } = await machine.run(["--version"]);
  if (code !== 0) throw new Error(err);
  const cache = `${machine.home}/.cache/telefuser`;
  const names = [...Deno.readDirSync(cache)].filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  if (names.length !== 1) throw new Error(`not one folder was unpacked: ${names.join(", ")}`);
  const root = await Deno.realPath(`${cache}/${names[0]}`);
  for (const name of PROGRAM) await copyTree(`${SECURITY}${name}`, `${root}/tests/security/${name}`);
  // As the script at the head of the file starts the server.
  const flags = ["run", "-A", "--no-prompt", "--cached-only", "--config", `${root}/deno.json`];
  return {
    host: {
      program: `${root}/telefuser`,
      args: [...flags, `${root}/tests/security/wall_host.ts`],
      env: { DENO_DIR: `${root}/.deno`, DENO_NO_UPDATE_CHECK: "1" },
    },
    [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
  };
}
