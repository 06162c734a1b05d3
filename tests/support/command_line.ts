const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** What a command printed and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line from source in some folder, with no settings but these. */
export async function telefuser(
  args: readonly string[],
  { cwd = "/", env = {} }: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<Outcome> {
  return await run(["run", "-A", "--no-prompt", MAIN, ...args], { cwd, env });
}

/** Runs Deno itself. */
export async function run(
  args: readonly string[],
  { cwd, env = {} }: { cwd: string; env?: Readonly<Record<string, string>> },
): Promise<Outcome> {
  const kept = Object.entries(Deno.env.toObject()).filter(([name]) => !name.startsWith("TELEFUSER_"));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: { ...Object.fromEntries(kept), NO_COLOR: "1", ...env },
    clearEnv: true,
    stdin: "null",
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}
