import { z } from "zod";

/** What a grant for the network must look like, for people. */
export const NET_GRANT =
  "must look like example.org, example.org:443, *.example.org, 192.0.2.7, 192.0.2.0/24 or [2001:db8::7]:443";

/**
 * Whether a worker's permissions take it (Deno 2.9): a host name, perhaps with all names below it, an address or a range of
 * IPv4 addresses, each perhaps with a port; or a unix or vsock socket.
 */
export function isNetGrant(text: string): boolean {
  if (/^(?:unix|vsock):/.test(text)) return /^unix:\/[^\s@]+$|^vsock:\d{1,10}:\d{1,10}$/.test(text);
  const [, inner, name = "", port = "1"] = /^(?:\[([^\]]*)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (Number(port) < 1 || Number(port) > 65535) return false;
  if (inner !== undefined) return z.ipv6().safeParse(inner).success;
  if (name.includes("/")) return z.cidrv4().safeParse(name).success;
  return /^(?:\*\.)?[\w-]+(?:\.[\w-]+)*\.?$/.test(name);
}
