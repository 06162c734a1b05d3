/**
 * The composition root: from a configuration to a running server.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { type Clock, systemClock } from "./async/mod.ts";
import { openVideoFile } from "./codec/mod.ts";
import { type Config, type LoadedConfig, secretsOf } from "./config/mod.ts";
import { messageOf, StreamError } from "./errors.ts";
import { createApp, listenAsConfigured, type Listener, type OfferRequest, type Services } from "./http/mod.ts";
import { hideSecrets, Log } from "./log.ts";
import { isLoopback } from "./network.ts";
import {
  childCommand,
  type Finding,
  type Grants,
  type ModuleGraph,
  type OpenLink,
  permissionsFor,
  PipelineHost,
  type PipelinePermissions,
  processLink,
  readPipeline,
  type SecurityLevel,
  type StreamMode,
  validatePipeline,
  verdictText,
  workerLink,
} from "./pipeline/mod.ts";
import { isH264KeyFrame, isVp8KeyFrame } from "./rtp/mod.ts";
import { type Answered, SessionRegistry, type ViewerOffer } from "./session/mod.ts";
import { iceServersFor, MediaPorts, warmUp } from "./webrtc/mod.ts";

const log = new Log("server");

/** Frames per second when nobody says. */
const DEFAULT_FPS = 24;

/** Files that come with the server and that every pipeline may open. */
const ASSETS = new Map([["telefuser:clip", new URL("../pipelines/assets/clip.mp4", import.meta.url)]]);

/** What a server is made from. */
export interface ServerOptions {
  readonly loaded: LoadedConfig;
  /** The pipeline file as the operator gave it. */
  readonly pipelineFile: string;
  /** Told what the check before the start found, also when it keeps the pipeline from being started. */
  readonly report?: (findings: readonly Finding[]) => void;
  readonly clock?: Clock;
}

/** A server that listens. */
export interface Server {
  /** Port it listens on. */
  readonly port: number;
  readonly permissions: PipelinePermissions;
  readonly pipeline: PipelineHost;
  readonly registry: SessionRegistry;
  /** Resolves when the pipeline runs or has failed. */
  readonly started: Promise<void>;
  /** Closes sessions, stops the pipeline, then stops listening. */
  stop(): Promise<void>;
}

/**
 * Checks the pipeline, listens, and starts the pipeline in the background.
 *
 * @throws StreamError `invalid_pipeline`, `invalid_config`, `port_in_use`
 */
export async function startServer(
  { loaded, pipelineFile, report, clock = systemClock }: ServerOptions,
): Promise<Server> {
  const { config } = loaded;
  const secrets = hideSecrets(secretsOf(config));
  const entry = await existingFile(pipelineFile, "the pipeline");
  const media = await Promise.all(config.media.map((file) => existingFile(file, "--media")));
  const allowRead = await Promise.all(config.allowRead.map((path) => existingPath(path, "--allow-read")));
  const level = config.skipValidation ? "permissive" : config.securityLevel;
  const grants: Grants = { read: allowRead, net: config.allowNet, env: config.allowEnv, media };
  const graph = config.skipValidation
    ? { entry, files: [entry], packages: new Set<string>() }
    : await checkedPipeline(entry, { pipelineFile, level, grants, report });
  const permissions = await permissionsFor(level, graph, grants);
  const pipeline = new PipelineHost({
    entry,
    permissions,
    media,
    assets: new Map([...ASSETS].map(([name, url]) => [name, fileURLToPath(url)])),
    openVideo: openVideoFile,
    openLink: linkFor({ config, permissions, clock }),
    limits: {
      startSeconds: config.pipelineStartSeconds,
      heartbeatSeconds: config.pipelineHeartbeatSeconds,
      openSeconds: config.pipelineOpenSeconds,
      closeSeconds: config.pipelineCloseSeconds,
      chunkBytes: config.pipelineChunkBytes,
      chunkFrames: config.pipelineChunkFrames,
    },
    probe: { h264: isH264KeyFrame, vp8: isVp8KeyFrame },
    clock,
  });
  const ports = new MediaPorts({
    udpPort: config.udpPort,
    udpPortRange: portRange(config.udpPortRange),
    tcpPort: config.tcpPort,
    publicIps: config.publicIp,
    relayOnly: config.relayOnly,
    clock,
  });
  const registry = new SessionRegistry({ maxSessions: config.webrtcMaxSessions, clock });
  const services: Services = {
    config,
    clock,
    registry,
    pipeline,
    permissions,
    pipelineFile,
    openSession: (offer, remote) => openSession({ services, loaded, ports, clock, offer, remote }),
    iceServers: (remote) => iceServersFor(loaded, { remote, unixTime: clock.unixTime() }),
  };
  const app = await createApp(services);
  const http = await listenAsConfigured({ config, clock }, (request, remote) => app.fetch(request, { remote }));
  const warm = warmUp().catch((error) => log.debug(`warm-up failed: ${messageOf(error)}`));
  const started = pipeline.start();
  let stopping: Promise<void> | undefined;
  return {
    port: http.addr.port,
    permissions,
    pipeline,
    registry,
    started: Promise.all([started, warm]).then(() => undefined),
    stop: () => stopping ??= stop({ registry, pipeline, ports, http, warm, secrets }),
  };
}

/**
 * Reads the pipeline and checks it; nothing of it runs.
 *
 * @throws StreamError `invalid_pipeline` with the first of the findings that keep it from being started
 */
async function checkedPipeline(
  entry: string,
  { pipelineFile, level, grants, report }: {
    pipelineFile: string;
    level: SecurityLevel;
    grants: Grants;
    report: ServerOptions["report"];
  },
): Promise<ModuleGraph> {
  const parsed = await readPipeline(entry);
  const findings = await validatePipeline(parsed, { level, grants });
  report?.(findings);
  const first = findings.find(({ severity }) => severity === "error");
  if (first === undefined) return parsed;
  const { file, line, column, detail, rule } = first;
  throw new StreamError(
    "invalid_pipeline",
    `${pipelineFile} is not started: ${
      verdictText(findings, level)
    }; first ${file}:${line}:${column} ${detail} (${rule})`,
  );
}

/** @throws StreamError `invalid_config` when a limit does not go with the isolation */
function linkFor(
  { config, permissions, clock }: { config: Config; permissions: PipelinePermissions; clock: Clock },
): OpenLink {
  const { isolation, pipelineMemory: memory, pipelineChunkBytes: chunkBytes } = config;
  if (isolation === "worker") {
    if (memory === 0) return workerLink(permissions.worker);
    throw new StreamError("invalid_config", "--pipeline-memory needs a process to limit; add --isolation process");
  }
  return processLink({ command: childCommand(), permissions: permissions.worker, memory, chunkBytes, clock });
}

async function stop(
  { registry, pipeline, ports, http, warm, secrets }: {
    registry: SessionRegistry;
    pipeline: PipelineHost;
    ports: MediaPorts;
    http: Listener;
    warm: Promise<void>;
    secrets: Disposable;
  },
): Promise<void> {
  await registry.drain({ code: "shutting_down", detail: "the server is shutting down" });
  ports.close();
  await warm;
  await pipeline.stop();
  await http.shutdown();
  secrets[Symbol.dispose]();
}

async function openSession(
  { services, loaded, ports, clock, offer, remote }: {
    services: Services;
    loaded: LoadedConfig;
    ports: MediaPorts;
    clock: Clock;
    offer: OfferRequest;
    remote: string;
  },
): Promise<Answered> {
  const { config } = loaded;
  const { pipeline, registry } = services;
  const { trickle, resumable } = offer;
  const iceServers = services.iceServers(remote);
  const viewer: ViewerOffer = { sdp: offer.sdp, trickle, resumable, iceServers, loopback: isLoopback(remote) };
  if (offer.resumeToken !== undefined && offer.sessionId !== undefined) {
    return await registry.resume(offer.sessionId, {
      token: offer.resumeToken,
      offer: viewer,
      after: offer.lastMessage,
    });
  }
  const { status } = pipeline;
  if (status.state !== "running") throw new StreamError("service_not_running", pipeline.reasonNotRunning());
  const id = offer.sessionId ?? crypto.randomUUID();
  return await registry.open({
    id,
    offer: viewer,
    mode: status.mode,
    fps: offer.fps ?? configuredFps(status.mode, offer) ?? status.defaultFps ?? DEFAULT_FPS,
    preferredCodec: config.webrtcVideoCodec,
    bitrate: config.webrtcVideoBitrate,
    minBitrate: config.webrtcVideoMinBitrate,
    viewerMedia: status.viewerMedia,
    cameraBitrate: config.webrtcCameraBitrate,
    effort: config.encoderEffort,
    bufferSeconds: config.webrtcVideoBufferSeconds,
    connectLimit: config.webrtcConnectTimeoutSeconds,
    channelLimit: config.webrtcDataChannelTimeoutSeconds,
    silenceLimit: config.webrtcDisconnectedGraceSeconds,
    holdSeconds: config.webrtcHoldSeconds,
    ports,
    clock,
    openPipeline: () => pipeline.open(pipelineRequest(status.mode, { offer, id })),
  });
}

/** `40000-40100` as numbers; null for any port. The text has been checked. */
function portRange(text: string): { first: number; last: number } | null {
  const [first, last] = text.split("-").map(Number);
  return first === undefined || last === undefined ? null : { first, last };
}

/** What the pipeline gets: the offer's fields, with those of its `config` on the same level for a bidirectional one. */
function pipelineRequest(mode: StreamMode, { offer, id }: { offer: OfferRequest; id: string }) {
  if (mode === "server_push") return { config: {}, ...offer.fields, session_id: id, task_id: id };
  const { config, ...fields } = offer.fields;
  return { ...(config as Record<string, unknown> | undefined), ...fields, session_id: id };
}

/** The rate that the `config` of a bidirectional session asks for. */
function configuredFps(mode: StreamMode, { fields }: OfferRequest): number | undefined {
  const fps = mode === "bidirectional" ? (fields.config as { fps?: unknown } | undefined)?.fps : undefined;
  return typeof fps === "number" && fps >= 0.1 && fps <= 240 ? fps : undefined;
}

async function existingFile(path: string, what: string): Promise<string> {
  const real = await existingPath(path, what);
  if (!(await Deno.stat(real)).isFile) throw new StreamError("invalid_config", `${what}: ${path} is not a file`);
  return real;
}

async function existingPath(path: string, what: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new StreamError("invalid_config", `${what}: there is no file ${path}; check the path`, { cause });
    }
    throw cause;
  }
}
