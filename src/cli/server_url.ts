import { StreamError } from "../errors.ts";

/**
 * Reads what was given as `--server-url`; a slash at its end is taken off.
 *
 * @throws StreamError `invalid_config`
 */
export function readServerUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || /[@?#]/.test(text)) {
    throw new StreamError("invalid_config", `--server-url must look like http://host:8088${notThis(text)}`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

/** What was typed instead, unless it may hold a password. */
export function notThis(text: string): string {
  return /[@?#]/.test(text) ? ", without user name, password, query and fragment" : `, not ${JSON.stringify(text)}`;
}
