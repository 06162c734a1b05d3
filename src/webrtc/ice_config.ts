import { createHmac } from "node:crypto";
import type { LoadedConfig } from "../config/mod.ts";
import { isLocalAddress } from "../network.ts";
import type { IceServer } from "./ice_server.ts";

/** User name and password for a TURN server. */
export interface TurnCredentials {
  readonly username: string;
  readonly credential: string;
}

/**
 * A password that expires, made from the secret that is shared with the TURN server (draft-uberti-behave-turn-rest-00, what
 * coturn calls `use-auth-secret`).
 *
 * @param options.unixTime seconds since 1970 now
 * @param options.ttl seconds for which it is good
 */
export function timeLimitedCredentials(
  { secret, unixTime, ttl }: { secret: string; unixTime: number; ttl: number },
): TurnCredentials {
  const username = `${Math.floor(unixTime + ttl)}:telefuser`;
  return { username, credential: createHmac("sha1", secret).update(username).digest("base64") };
}

/**
 * The STUN and TURN servers for a viewer and for our side of its connection. The default STUN list is used only for
 * viewers from outside; servers that were named are always used.
 *
 * @param options.remote address that the viewer's request came from
 */
export function iceServersFor(
  { config, sources }: LoadedConfig,
  { remote, unixTime }: { remote: string; unixTime: number },
): IceServer[] {
  const usesStun = sources.stunServers !== "default" || !isLocalAddress(remote);
  const stun = usesStun ? config.stunServers.map((urls) => ({ urls })) : [];
  const { turnUsername, turnCredential, turnSecret, turnTtlSeconds } = config;
  const credentials = turnSecret === ""
    ? { username: turnUsername, credential: turnCredential }
    : timeLimitedCredentials({ secret: turnSecret, unixTime, ttl: turnTtlSeconds });
  return [...stun, ...config.turnServer.map((urls) => ({ urls, ...credentials }))];
}
