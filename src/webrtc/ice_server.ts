import type { Address } from "./ice_socket.ts";

/** A STUN or TURN server. */
export interface IceServer {
  /** One URL (RFC 7064, RFC 7065), for example `turn:turn.example.org:3478?transport=tcp`. */
  readonly urls: string;
  readonly username?: string;
  readonly credential?: string;
}

/** A URL of a STUN or TURN server, taken apart. */
export interface IceServerAddress {
  readonly kind: "stun" | "turn";
  readonly transport: "udp" | "tcp" | "tls";
  readonly address: Address;
}

/** Takes a URL apart; null when it is none. An IPv6 address stands in brackets. */
export function readIceServerUrl(url: string): IceServerAddress | null {
  const match = /^(stun|turn)(s?):(\[[0-9a-f:.]+\]|[^\s:/?#@]+)(?::(\d+))?(?:\?transport=(udp|tcp))?$/i.exec(url);
  if (match === null) return null;
  const [, kind = "", secure = "", host = "", port, transport] = match;
  const isSecure = secure !== "";
  const number = port === undefined ? isSecure ? 5349 : 3478 : Number(port);
  if (number < 1 || number > 65_535) return null;
  return {
    kind: kind.toLowerCase() === "turn" ? "turn" : "stun",
    transport: isSecure ? "tls" : transport?.toLowerCase() === "tcp" ? "tcp" : "udp",
    address: [host.replace(/^\[|\]$/g, ""), number],
  };
}
