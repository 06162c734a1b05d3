/** Longest message that is passed on, in characters: it must fit into one message to the viewer. */
const MAX_DETAIL = 2000;
/** Longest stack that is passed on, in characters. */
const MAX_STACK = 16_384;

const UNDESCRIBABLE = "something was thrown that cannot be described; throw an Error with a message";

/** What the pipeline may change is taken before it is loaded. */
const { apply } = Reflect;
const { slice } = String.prototype;
const toText = String;

/**
 * What user code threw, for messages: it need not be an Error, and looking at it may throw again. Never throws; both texts
 * are texts, and of a bounded length.
 */
export function describe(thrown: unknown): { detail: string; stack: string } {
  const { detail, stack } = read(() => {
    if (!(thrown instanceof Error)) return { detail: toText(thrown), stack: "" };
    return { detail: firstText(read(() => thrown.message), read(() => thrown.name)), stack: read(() => thrown.stack) };
  }) ?? { detail: undefined, stack: undefined };
  return { detail: cut(firstText(detail, UNDESCRIBABLE), MAX_DETAIL), stack: cut(firstText(stack, ""), MAX_STACK) };
}

/** What a look at user code's value gives; undefined when it throws. */
function read<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined; // It was an attempt to put a fault into words: that this fails as well tells nothing more.
  }
}

/** The first that is a text and not empty. */
function firstText(...candidates: readonly unknown[]): string {
  for (const candidate of candidates) if (typeof candidate === "string" && candidate !== "") return candidate;
  return "";
}

function cut(text: string, length: number): string {
  return text.length > length ? `${apply(slice, text, [0, length])}…` : text;
}

/** Values that cross the port for certain. */
export function toPlain(fields: object | undefined): Record<string, unknown> {
  if (fields === undefined) return {};
  try {
    return JSON.parse(JSON.stringify(fields)) as Record<string, unknown>;
  } catch (error) {
    return { unprintable: describe(error).detail };
  }
}
