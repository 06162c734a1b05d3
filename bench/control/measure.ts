import type { Browser } from "playwright-core";
import { delay } from "../load/delay.ts";
import { treeCpuMs } from "../load/process_tree.ts";
import { ServerProcess } from "../load/server_process.ts";
import type { ControlContender, ControlSettings } from "./contenders.ts";
import { type Arrow, ControlPage, type Sighting, type VideoStats } from "./control_page.ts";
import { percentile } from "./percentile.ts";
import { KEYS, planPresses } from "./presses.ts";
import { type ServerTrace, serverTrace } from "./server_trace.ts";

/** How much is measured. */
export interface ControlPlan extends ControlSettings {
  readonly presses: number;
  readonly warmUpSeconds: number;
  /** A press that is not seen by then is lost. */
  readonly limitMs: number;
}

/** Milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** One contender's figures. */
export interface ControlResult {
  readonly name: string;
  readonly codec: string;
  readonly presses: number;
  readonly seen: number;
  /** What counts: to the first refresh of the display after the picture was presented. The others: {@link Sighting}. */
  readonly display: Latency;
  readonly expectedDisplay: Latency;
  readonly presented: Latency;
  readonly read: Latency;
  /** CPU ms of the server's process tree for each frame that reached the browser. */
  readonly cpuMsPerFrame: number;
  readonly deliveredRatio: number;
  readonly kbitPerSecond: number;
  /** Means per frame in the browser, while keys were pressed. */
  readonly browser: BrowserTimes;
  /** Milliseconds between two refreshes of the browser's display. */
  readonly refreshMs: number;
  /** What the server itself says, if it does; nothing above is made from it. */
  readonly server: ServerTrace | null;
  readonly arrows: Readonly<Record<string, Arrow>>;
  readonly each: readonly (Sighting | null)[];
}

/** Milliseconds per frame (W3C webrtc-stats). */
export interface BrowserTimes {
  /** First packet received to taken out of the jitter buffer. */
  readonly jitterBufferMs: number;
  readonly decodeMs: number;
  /** First packet received to decoded. */
  readonly processingMs: number;
}

const OFFER = { task: "bidirectional", prompt: "bench" } as const;

/** Starts one server alone, presses keys at it, and ends it again. */
export async function measureControl(
  contender: ControlContender,
  { browser, plan }: { readonly browser: Browser; readonly plan: ControlPlan },
): Promise<ControlResult> {
  const command = contender.command(plan);
  await using server = await ServerProcess.start(command);
  try {
    const fields = { ...OFFER, fps: plan.fps };
    await using page = await ControlPage.open(browser, { origin: command.origin, fields });
    const result = await measureOpen(page, { pid: server.pid, plan });
    const trace = await serverTrace(command.origin, await page.sessionId());
    return { name: contender.name, ...result, server: trace };
  } catch (cause) {
    throw new Error(`${cause instanceof Error ? cause.message : cause}\n${server.output}`, { cause });
  }
}

async function measureOpen(
  page: ControlPage,
  { pid, plan }: { readonly pid: number; readonly plan: ControlPlan },
): Promise<Omit<ControlResult, "name" | "server">> {
  await delay(plan.warmUpSeconds);
  const arrows: Record<string, Arrow> = {};
  for (const key of KEYS) arrows[key] = await page.calibrate(key, plan);
  const each: (Sighting | null)[] = [];
  const before = await reading(page, pid);
  for (const press of planPresses(plan.presses, Math.random)) each.push(await page.press(press, plan));
  const after = await reading(page, pid);
  const seconds = (after.at - before.at) / 1000;
  const frames = after.video.framesReceived - before.video.framesReceived;
  const seen = each.filter((sighting) => sighting !== null);
  return {
    codec: after.video.codec,
    presses: plan.presses,
    seen: seen.length,
    display: latency(seen.map((sighting) => sighting.displayMs)),
    expectedDisplay: latency(seen.map((sighting) => sighting.expectedDisplayMs)),
    presented: latency(seen.map((sighting) => sighting.presentedMs)),
    read: latency(seen.map((sighting) => sighting.readMs)),
    cpuMsPerFrame: (after.cpuMs - before.cpuMs) / frames,
    deliveredRatio: frames / (plan.fps * seconds),
    kbitPerSecond: (after.video.bytesReceived - before.video.bytesReceived) * 8 / 1000 / seconds,
    browser: browserTimes(before.video, after.video),
    refreshMs: await page.refreshMs(),
    arrows,
    each,
  };
}

interface Reading {
  readonly at: number;
  readonly video: VideoStats;
  readonly cpuMs: number;
}

async function reading(page: ControlPage, pid: number): Promise<Reading> {
  const [video, cpuMs] = await Promise.all([page.stats(), treeCpuMs(pid)]);
  return { at: performance.now(), video, cpuMs };
}

function latency(values: readonly number[]): Latency {
  return {
    p50: percentile(values, 0.5),
    p95: percentile(values, 0.95),
    p99: percentile(values, 0.99),
    max: percentile(values, 1),
  };
}

function browserTimes(before: VideoStats, after: VideoStats): BrowserTimes {
  const emitted = after.jitterBufferEmittedCount - before.jitterBufferEmittedCount;
  const decoded = after.framesDecoded - before.framesDecoded;
  return {
    jitterBufferMs: (after.jitterBufferDelay - before.jitterBufferDelay) * 1000 / emitted,
    decodeMs: (after.totalDecodeTime - before.totalDecodeTime) * 1000 / decoded,
    processingMs: (after.totalProcessingDelay - before.totalProcessingDelay) * 1000 / decoded,
  };
}
