import { join } from "node:path";
import type { ServerCommand } from "./server_process.ts";

const ROOT = join(import.meta.dirname!, "..", "..");
const HOST = "127.0.0.1";

/** What every contender is asked for. */
export interface LoadSettings {
  readonly port: number;
  /** Folder of JPEG frames. */
  readonly frames: string;
  readonly bitrate: number;
  readonly fps: number;
  readonly sessions: number;
}

/** One row of the load table. */
export interface Contender {
  readonly name: string;
  readonly command: (settings: LoadSettings) => ServerCommand;
}

/** Everything that is measured, in the order of the table. */
export const CONTENDERS: readonly Contender[] = [
  stream("stream-fast", { effort: "fast", pipeline: "jpeg_source.ts" }),
  stream("stream-fast-process", { effort: "fast", pipeline: "jpeg_source.ts", isolation: "process" }),
  stream("stream-balanced", { effort: "balanced", pipeline: "jpeg_source.ts" }),
  stream("stream-quality", { effort: "quality", pipeline: "jpeg_source.ts" }),
  stream("stream-encoded", { effort: "balanced", pipeline: "encoded_source.ts" }),
  aiortc("aiortc-vp8", { codec: "vp8", decode: "rgb", rate: "sent" }),
  aiortc("aiortc-vp8-stock", { codec: "vp8", decode: "rgb", rate: "asked" }),
  aiortc("aiortc-vp8-lean", { codec: "vp8", decode: "yuv", rate: "sent" }),
  aiortc("aiortc-h264", { codec: "h264", decode: "rgb", rate: "sent" }),
];

function stream(
  name: string,
  variant: { readonly effort: string; readonly pipeline: string; readonly isolation?: string },
): Contender {
  return {
    name,
    command: (settings) => ({
      program: Deno.execPath(),
      args: [
        "run",
        "-A",
        "--config",
        join(ROOT, "deno.json"),
        join(ROOT, "main.ts"),
        "stream-serve",
        join(ROOT, "bench", "pipelines", variant.pipeline),
        ...["--port", String(settings.port)],
        ...["--host", HOST],
        ...["--security-level", "permissive"],
        ...["--isolation", variant.isolation ?? "worker"],
        ...["--encoder-effort", variant.effort],
        ...["--webrtc-video-bitrate", String(settings.bitrate)],
        ...["--webrtc-video-codec", "H264"],
        ...["--webrtc-max-sessions", String(settings.sessions + 1)],
      ],
      env: { BENCH_FRAMES: settings.frames },
      origin: originOf(settings),
      cwd: ROOT,
    }),
  };
}

function aiortc(
  name: string,
  { codec, decode, rate }: {
    readonly codec: "vp8" | "h264";
    readonly decode: "rgb" | "yuv";
    readonly rate: "sent" | "asked";
  },
): Contender {
  return {
    name,
    command: (settings) => ({
      program: "python3",
      args: [
        join(ROOT, "bench", "peers", "aiortc_server.py"),
        ...["--host", HOST],
        ...["--port", String(settings.port)],
        ...["--codec", codec],
        ...["--decode", decode],
        ...["--rate", rate],
        ...["--fps", String(settings.fps)],
        ...["--bitrate", String(settings.bitrate)],
        ...["--frames", settings.frames],
      ],
      env: {},
      origin: originOf(settings),
      cwd: ROOT,
    }),
  };
}

function originOf({ port }: LoadSettings): string {
  return `http://${HOST}:${port}`;
}
