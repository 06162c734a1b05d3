import { Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { z } from "zod";
import { VERSION } from "../version.ts";
import type { health, metadata, readiness } from "./answer_schemas.ts";
import type { AppEnv, Services } from "./services.ts";

type Readiness = z.infer<typeof readiness>;

/** `/v1/service/*`: what runs here and how it is. */
export function serviceRoutes(services: Services): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/health", (context) => {
    const health = healthOf(services);
    const status: ContentfulStatusCode = health.status === "unhealthy" ? 503 : 200;
    return context.json(health, status);
  });

  routes.get("/ready", (context) => {
    const health = healthOf(services);
    const readiness = { ...health, status: health.ready ? "ready" : "not_ready" } satisfies Readiness;
    return context.json(readiness, health.ready ? 200 : 503);
  });

  routes.get("/metadata", (context) => {
    const { config, pipeline, permissions, pipelineFile } = services;
    const { status } = pipeline;
    return context.json(
      {
        service_type: "stream",
        stream_mode: status.state === "running" ? status.mode : null,
        pipeline_file: pipelineFile,
        security_level: permissions.level.toUpperCase() as Uppercase<typeof permissions.level>,
        runner: "StreamPipelineService",
        ...sessionCounts(services),
        webrtc_video_codec: config.webrtcVideoCodec,
        webrtc_video_bitrate: config.webrtcVideoBitrate,
        default_fps: status.state === "running" ? status.defaultFps ?? null : null,
        ...services.registry.latency.summary,
        permissions: permissions.summary,
        version: VERSION,
      } satisfies z.infer<typeof metadata>,
    );
  });
  return routes;
}

function healthOf(services: Services): z.infer<typeof health> {
  const { status } = services.pipeline;
  const ready = status.state === "running";
  // A worker that is being replaced comes up by itself; whoever restarts the server for it loses what is loaded already.
  const broken = status.state === "failed" || status.state === "stopped";
  const { restarts, uncaughtErrors, invalidChunks } = services.pipeline.counters;
  return {
    status: ready ? "healthy" : broken ? "unhealthy" : "starting",
    ready,
    timestamp: new Date().toISOString(),
    version: VERSION,
    pipeline_ready: ready,
    stream_ready: ready,
    stream_mode: ready ? status.mode : null,
    ...sessionCounts(services),
    pipeline_restarts: restarts,
    pipeline_uncaught_errors: uncaughtErrors,
    pipeline_invalid_chunks: invalidChunks,
    ...(ready ? {} : { detail: services.pipeline.reasonNotRunning() }),
  };
}

function sessionCounts({ registry, pipeline }: Services) {
  const bidirectional = pipeline.status.state === "running" && pipeline.status.mode === "bidirectional";
  return {
    webrtc_active_sessions: registry.size,
    webrtc_server_push_sessions: bidirectional ? 0 : registry.size,
    webrtc_bidirectional_sessions: bidirectional ? registry.size : 0,
    webrtc_max_sessions: registry.maxSessions,
  };
}
