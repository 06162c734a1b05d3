/** Longest message that is passed on, in characters: it must fit into one message to the viewer. */
const MAX_DETAIL = 2000;

/** What user code threw, for messages: it need not be an Error. */
export function describe(thrown: unknown): { detail: string; stack: string } {
  if (thrown instanceof Error) return { detail: shortened(thrown.message || thrown.name), stack: thrown.stack ?? "" };
  return { detail: shortened(String(thrown)), stack: "" };
}

function shortened(text: string): string {
  return text.length > MAX_DETAIL ? `${text.slice(0, MAX_DETAIL)}…` : text;
}

/** Values that cross the port for certain. */
export function toPlain(fields: object | undefined): Record<string, unknown> {
  if (fields === undefined) return {};
  try {
    return JSON.parse(JSON.stringify(fields)) as Record<string, unknown>;
  } catch (error) {
    return { unprintable: String(error) };
  }
}
