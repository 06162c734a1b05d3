/** Largest message that is taken from a viewer, in bytes of UTF-8. */
export const MAX_CONTROL_BYTES = 262_144;
/** Levels of objects and arrays in each other that a message may have; copying deeper ones overflows the stack. */
const MAX_DEPTH = 100;

/** Why something on the channel is no message: a code for programs, a sentence for people. */
export interface ChannelFault {
  readonly code: "invalid_message" | "message_too_large";
  readonly detail: string;
}

/** Reads what a viewer sent: one JSON object as text. */
export function readMessage(
  data: string | Uint8Array,
): { readonly message: Readonly<Record<string, unknown>> } | { readonly fault: ChannelFault } {
  const bytes = typeof data === "string" ? utf8Length(data) : data.length;
  if (bytes > MAX_CONTROL_BYTES) {
    const detail = `the message has ${bytes} bytes, ${MAX_CONTROL_BYTES} are taken; send large data over HTTP`;
    return { fault: { code: "message_too_large", detail } };
  }
  if (typeof data !== "string") return invalid("the message is binary; send a JSON object as text");
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return invalid(`the message is not JSON: ${excerpt(data)}; send an object such as {"type":"control"}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return invalid(`the message is not a JSON object: ${excerpt(data)}; send an object such as {"type":"control"}`);
  }
  if (isDeeper(value, MAX_DEPTH)) {
    return invalid(`the message is nested deeper than ${MAX_DEPTH} levels; send it flatter`);
  }
  return { message: value as Record<string, unknown> };
}

function invalid(detail: string): { fault: ChannelFault } {
  return { fault: { code: "invalid_message", detail } };
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

/** Bytes of UTF-8, counted exactly only where it matters. */
function utf8Length(text: string): number {
  return text.length * 3 <= MAX_CONTROL_BYTES ? text.length : new TextEncoder().encode(text).length;
}
