import { StreamError } from "../errors.ts";

/** A command line that cannot be carried out as it was typed: exit code 2. */
export function invalid(detail: string): StreamError {
  return new StreamError("invalid_config", detail);
}
