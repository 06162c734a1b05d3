/** Fields of a log line are a record by their type only: what a pipeline gives in their place is shown as one. */
export function asFields(given: unknown): Record<string, unknown> {
  if (given === null || given === undefined) return {};
  const isRecord = typeof given === "object" && !Array.isArray(given);
  return isRecord ? given as Record<string, unknown> : { fields: given };
}
