/**
 * Runs a program to its end; returns what it prints.
 *
 * @throws Error with what it printed, when it fails
 */
export async function must([program = "", ...args]: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const text = new TextDecoder().decode(stdout);
  if (success) return text;
  throw new Error(`${program} ${args.join(" ")}\n${text.slice(-4000)}${new TextDecoder().decode(stderr)}`);
}

/** Whether something has this path, be it a link that leads nowhere. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
