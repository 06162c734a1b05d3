import { z } from "zod";
import { isNetGrant, NET_GRANT } from "./net_grant.ts";

/** How a setting is written on a command line or in a variable. */
export type SettingKind = "string" | "integer" | "number" | "boolean" | "choice" | "list";

/** One setting: the only place where its range, default and help stand. */
export interface Setting<T> {
  readonly kind: SettingKind;
  readonly schema: z.ZodType<T>;
  readonly default: T;
  readonly help: string;
  /** What the help shows for the value, for example `seconds`. */
  readonly value?: string;
  /** One-letter flag. */
  readonly short?: string;
  /** Never shown in full where the configuration is printed. */
  readonly secret?: boolean;
  /** The choices of kind `choice`. */
  readonly choices?: readonly string[];
}

function setting<T>(setting: Setting<T>): Setting<T> {
  return setting;
}

const SECURITY_LEVELS = ["strict", "standard", "permissive"] as const;
const ISOLATIONS = ["worker", "process"] as const;
const VIDEO_CODECS = ["H264", "VP8"] as const;
const EFFORTS = ["fast", "balanced", "quality"] as const;

/** How much a pipeline may do. */
export type SecurityLevel = (typeof SECURITY_LEVELS)[number];

const iceUrl = (scheme: string) =>
  z.string().regex(new RegExp(`^${scheme}s?:[^\\s/]+$`), `must look like ${scheme}:host:port`);

const turnUrl = z.string().regex(
  /^turns?:[^\s/@?#]+(\?transport=(udp|tcp))?$/,
  "must look like turn:host:port, perhaps with ?transport=tcp",
);

/** `first-last` (RFC 6335 leaves ports below 1024 to the system), or empty for any port. */
function isPortRange(text: string): boolean {
  if (text === "") return true;
  const [first = 0, last = 0] = /^\d+-\d+$/.test(text) ? text.split("-").map(Number) : [];
  return first >= 1024 && last >= first && last <= 65535;
}

/** `scheme://host[:port]` as browsers send it in `Origin`, or a word for all of them or none. */
function isWebOrigin(text: string): boolean {
  if (isKeyword(text)) return true;
  return /^https?:\/\/[\w.:[\]-]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

function isKeyword(text: string): boolean {
  return text === "*" || text === "none";
}

/** Every setting of the server, once. Flags and variables follow from the names by rule. */
export const SETTINGS = {
  host: setting({
    kind: "string",
    schema: z.string().min(1),
    default: "0.0.0.0",
    help: "address to listen on",
    value: "address",
  }),
  port: setting({
    kind: "integer",
    schema: z.number().int().min(0).max(65535),
    default: 8088,
    help: "TCP port of pages and API; 0 takes a free one",
    value: "port",
    short: "p",
  }),
  securityLevel: setting<SecurityLevel>({
    kind: "choice",
    schema: z.enum(SECURITY_LEVELS),
    choices: SECURITY_LEVELS,
    default: "strict",
    help: "what the pipeline may do",
  }),
  skipValidation: setting({
    kind: "boolean",
    schema: z.boolean(),
    default: false,
    help: "load the pipeline without checking its module graph, with every permission (development only)",
  }),
  allowRead: setting<readonly string[]>({
    kind: "list",
    schema: z.array(z.string().min(1)),
    default: [],
    help: "files and folders that the pipeline may read as well (standard level)",
    value: "paths",
  }),
  allowNet: setting<readonly string[]>({
    kind: "list",
    schema: z.array(z.string().refine(isNetGrant, NET_GRANT)),
    default: [],
    help: "hosts, with or without port, that the pipeline may connect to (standard level)",
    value: "hosts",
  }),
  allowEnv: setting<readonly string[]>({
    kind: "list",
    schema: z.array(z.string().regex(/^[^\s=,]+$/, "must be the name of a variable, for example MODEL_NAME")),
    default: [],
    help: "environment variables that the pipeline may read (standard level)",
    value: "names",
  }),
  media: setting<readonly string[]>({
    kind: "list",
    schema: z.array(z.string().min(1)),
    default: [],
    help: "video files that the pipeline may have decoded at every level",
    value: "files",
  }),
  isolation: setting<(typeof ISOLATIONS)[number]>({
    kind: "choice",
    schema: z.enum(ISOLATIONS),
    choices: ISOLATIONS,
    default: "worker",
    help:
      "where the pipeline runs: in a worker of the server, or in a process of its own, which may crash without harm",
  }),
  pipelineMemory: setting({
    kind: "integer",
    schema: z.number().int().min(0).max(1024 * 1024),
    default: 0,
    help: "memory that the pipeline's process may hold (with --isolation process, on Linux); 0 for any",
    value: "MiB",
  }),
  pipelineStartSeconds: setting({
    kind: "number",
    schema: z.number().min(1).max(24 * 3600),
    default: 600,
    help: "longest that the pipeline may take to load and start",
    value: "seconds",
  }),
  pipelineHeartbeatSeconds: setting({
    kind: "number",
    schema: z.number().min(0.5).max(3600),
    default: 10,
    help: "longest that the pipeline may block its worker; after that the worker is replaced",
    value: "seconds",
  }),
  pipelineOpenSeconds: setting({
    kind: "number",
    schema: z.number().min(0.5).max(3600),
    default: 30,
    help: "longest that createSession() may take",
    value: "seconds",
  }),
  pipelineCloseSeconds: setting({
    kind: "number",
    schema: z.number().min(0.5).max(600),
    default: 5,
    help: "longest that closeSession() and stop() may take",
    value: "seconds",
  }),
  pipelineChunkBytes: setting({
    kind: "integer",
    schema: z.number().int().min(64 * 1024).max(2 ** 31 - 1),
    default: 256 * 1024 * 1024,
    help: "pictures and sound in one chunk",
    value: "bytes",
  }),
  pipelineChunkFrames: setting({
    kind: "integer",
    schema: z.number().int().min(1).max(100_000),
    default: 1000,
    help: "pictures in one chunk",
    value: "count",
  }),
  webrtcMaxSessions: setting({
    kind: "integer",
    schema: z.number().int().min(1).max(100),
    default: 10,
    help: "sessions at once, 1–100",
    value: "count",
  }),
  webrtcVideoCodec: setting<(typeof VIDEO_CODECS)[number]>({
    kind: "choice",
    schema: z.enum(VIDEO_CODECS),
    choices: VIDEO_CODECS,
    default: "H264",
    help: "codec to prefer; the other is used when a browser does not offer it",
  }),
  webrtcVideoBitrate: setting({
    kind: "integer",
    schema: z.number().int().min(50_000).max(50_000_000),
    default: 2_000_000,
    help: "target bitrate of the picture in bit/s",
    value: "bit/s",
  }),
  webrtcVideoMinBitrate: setting({
    kind: "integer",
    schema: z.number().int().min(30_000).max(50_000_000),
    default: 150_000,
    help: "least bitrate of the picture on a narrow network in bit/s",
    value: "bit/s",
  }),
  webrtcCameraBitrate: setting({
    kind: "integer",
    schema: z.number().int().min(150_000).max(50_000_000),
    default: 2_500_000,
    help: "most that a viewer's camera may send in bit/s, for two-way pipelines",
    value: "bit/s",
  }),
  webrtcVideoBufferSeconds: setting({
    kind: "number",
    schema: z.number().min(0.1).max(10),
    default: 1,
    help: "how far a pipeline may run ahead of what is played",
    value: "seconds",
  }),
  webrtcConnectTimeoutSeconds: setting({
    kind: "number",
    schema: z.number().min(1).max(120),
    default: 15,
    help: "time from the answer until the connection must be up",
    value: "seconds",
  }),
  webrtcDataChannelTimeoutSeconds: setting({
    kind: "number",
    schema: z.number().min(1).max(120),
    default: 10,
    help: "time from the connection until the viewer's DataChannel must be open, for two-way pipelines",
    value: "seconds",
  }),
  webrtcHoldSeconds: setting({
    kind: "number",
    schema: z.number().min(0).max(3600),
    default: 30,
    help: "time for which a viewer that vanished may come back to its session; 0 ends it at once",
    value: "seconds",
  }),
  webrtcDisconnectedGraceSeconds: setting({
    kind: "number",
    schema: z.number().min(1).max(120),
    default: 8,
    help: "silence of a viewer after which it counts as gone",
    value: "seconds",
  }),
  encoderEffort: setting<(typeof EFFORTS)[number]>({
    kind: "choice",
    schema: z.enum(EFFORTS),
    choices: EFFORTS,
    default: "balanced",
    help: "CPU the encoder may spend for the same bitrate",
  }),
  stunServers: setting<readonly string[]>({
    kind: "list",
    schema: z.array(iceUrl("stun")),
    default: ["stun:stun.l.google.com:19302"],
    help: "STUN servers; asked only when a viewer comes from outside the local network",
    value: "urls",
  }),
  turnServer: setting<readonly string[]>({
    kind: "list",
    schema: z.array(turnUrl),
    default: [],
    help: "TURN servers, for example turn:turn.example.org:3478?transport=tcp,turns:turn.example.org:5349",
    value: "urls",
  }),
  turnUsername: setting({
    kind: "string",
    schema: z.string(),
    default: "",
    help: "user name at the TURN server",
    value: "name",
  }),
  turnCredential: setting({
    kind: "string",
    schema: z.string(),
    default: "",
    help: "password at the TURN server",
    value: "password",
    secret: true,
  }),
  turnSecret: setting({
    kind: "string",
    schema: z.string(),
    default: "",
    help: "secret shared with the TURN servers, from which each viewer gets a password that expires",
    value: "secret",
    secret: true,
  }),
  turnTtlSeconds: setting({
    kind: "integer",
    schema: z.number().int().min(60).max(7 * 86_400),
    default: 86_400,
    help: "life of a password made from the shared secret",
    value: "seconds",
  }),
  relayOnly: setting({
    kind: "boolean",
    schema: z.boolean(),
    default: false,
    help: "have viewers and this server use nothing but the TURN servers",
  }),
  publicIp: setting<readonly string[]>({
    kind: "list",
    schema: z.array(z.union([z.ipv4(), z.ipv6()], { error: "must be an IP address, for example 203.0.113.7" })),
    default: [],
    help: "addresses under which viewers reach this machine, when it has others behind a NAT",
    value: "addresses",
  }),
  udpPort: setting({
    kind: "integer",
    schema: z.number().int().min(0).max(65535),
    default: 0,
    help: "one UDP port for all sessions; 0 takes a free one for each",
    value: "port",
  }),
  udpPortRange: setting({
    kind: "string",
    schema: z.string().refine(isPortRange, "must look like 40000-40100, from 1024 to 65535"),
    default: "",
    help: "UDP ports to take one of for each session, for example 40000-40100",
    value: "first-last",
  }),
  tcpPort: setting({
    kind: "integer",
    schema: z.number().int().min(0).max(65535),
    default: 0,
    help: "TCP port for viewers whose network lets no UDP through (ICE-TCP); 0 for none",
    value: "port",
  }),
  certFile: setting({
    kind: "string",
    schema: z.string(),
    default: "",
    help: "certificate chain (PEM) to serve HTTPS with; a renewed file is picked up by itself",
    value: "file",
  }),
  keyFile: setting({
    kind: "string",
    schema: z.string(),
    default: "",
    help: "private key (PEM) of the certificate",
    value: "file",
  }),
  maxBodyBytes: setting({
    kind: "integer",
    schema: z.number().int().min(1024).max(64 * 1024 * 1024),
    default: 1024 * 1024,
    help: "largest request body",
    value: "bytes",
  }),
  httpTimeoutSeconds: setting({
    kind: "number",
    schema: z.number().min(1).max(600),
    default: 15,
    help: "longest that the headers of a request, its body and the taking of its answer may each last",
    value: "seconds",
  }),
  corsOrigins: setting<readonly string[]>({
    kind: "list",
    schema: z.array(z.string().refine(isWebOrigin, "must look like https://app.example.org, or be * or none"))
      .min(1, "must name an origin, or be * or none")
      .refine((list) => list.length === 1 || !list.some(isKeyword), "must have * and none stand alone"),
    default: ["*"],
    help: "web pages that may use the API besides the server's own: origins, * for all, none for no others",
    value: "origins",
  }),
  verbose: setting({
    kind: "boolean",
    schema: z.boolean(),
    default: false,
    help: "log every step",
    short: "v",
  }),
} satisfies Record<string, Setting<unknown> | object>;

/** Names of settings. */
export type SettingName = keyof typeof SETTINGS;

type ValueOf<S> = S extends Setting<infer T> ? T : never;

/** A checked configuration. */
export type Config = { readonly [N in SettingName]: ValueOf<(typeof SETTINGS)[N]> };

/** All names, in the order in which help shows them. */
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

/** The setting of that name without its own value type, for code that walks over all of them. */
export function settingOf(name: SettingName): Setting<unknown> {
  return SETTINGS[name] as Setting<unknown>;
}

/** `webrtcMaxSessions` → `webrtc-max-sessions`. */
export function flagName(name: SettingName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `webrtcMaxSessions` → `TELEFUSER_WEBRTC_MAX_SESSIONS`. */
export function variableName(name: SettingName): string {
  return `TELEFUSER_${flagName(name).replaceAll("-", "_").toUpperCase()}`;
}
