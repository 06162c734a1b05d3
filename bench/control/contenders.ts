import { join } from "node:path";
import type { ServerCommand } from "../load/server_process.ts";

const ROOT = join(import.meta.dirname!, "..", "..");
const HOST = "127.0.0.1";
const CLIP = join(ROOT, "pipelines", "assets", "clip.mp4");

/** What every contender is asked for. */
export interface ControlSettings {
  readonly port: number;
  readonly fps: number;
}

/** One row of the control table. */
export interface ControlContender {
  readonly name: string;
  readonly command: (settings: ControlSettings) => ServerCommand;
}

/** Everything that is measured, in the order of the table. */
export const CONTROL_CONTENDERS: readonly ControlContender[] = [
  stream("stream-h264", "H264"),
  stream("stream-vp8", "VP8"),
  aiortc("aiortc-vp8", "vp8"),
  aiortc("aiortc-h264", "h264"),
];

function stream(name: string, codec: "H264" | "VP8"): ControlContender {
  return {
    name,
    command: ({ port }) => ({
      program: Deno.execPath(),
      args: [
        "run",
        "-A",
        "--no-prompt",
        "--config",
        join(ROOT, "deno.json"),
        join(ROOT, "main.ts"),
        "stream-serve",
        join(ROOT, "pipelines", "arrow_overlay.ts"),
        ...["--port", String(port)],
        ...["--host", HOST],
        ...["--webrtc-video-codec", codec],
      ],
      env: {},
      origin: `http://${HOST}:${port}`,
      cwd: ROOT,
    }),
  };
}

function aiortc(name: string, codec: "vp8" | "h264"): ControlContender {
  return {
    name,
    command: ({ port, fps }) => ({
      program: "python3",
      args: [
        join(ROOT, "bench", "peers", "aiortc_arrow.py"),
        ...["--host", HOST],
        ...["--port", String(port)],
        ...["--codec", codec],
        ...["--fps", String(fps)],
        ...["--clip", CLIP],
      ],
      env: { PYTHONDONTWRITEBYTECODE: "1" },
      origin: `http://${HOST}:${port}`,
      cwd: ROOT,
    }),
  };
}
