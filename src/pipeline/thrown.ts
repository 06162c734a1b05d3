/** What user code threw, for messages: it need not be an Error. */
export function describe(thrown: unknown): { detail: string; stack: string } {
  if (thrown instanceof Error) return { detail: thrown.message || thrown.name, stack: thrown.stack ?? "" };
  return { detail: String(thrown), stack: "" };
}
