import type { Browser } from "playwright-core";
import { median } from "../report/statistics.ts";
import { BrowserPage, type PageTotals } from "./browser_page.ts";
import type { Contender, LoadSettings } from "./contenders.ts";
import { delay } from "./delay.ts";
import { treeCpuMs, treeResidentBytes } from "./process_tree.ts";
import { ServerProcess } from "./server_process.ts";

/** How long and how often is measured. */
export interface LoadPlan extends LoadSettings {
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Sequential connects for the time to the first frame. */
  readonly connects: number;
}

/** One contender's figures. */
export interface LoadResult {
  readonly name: string;
  /** CPU ms of the server's process tree for each frame that reached the browser. */
  readonly cpuMsPerFrame: number;
  /** Frames that reached the browser against those that were due; 1 is all. */
  readonly deliveredRatio: number;
  readonly firstFrameMs: number;
  readonly firstFrameMsEach: readonly number[];
  readonly memoryPerSessionMb: number;
  readonly idleMemoryMb: number;
  /** Payload kbit/s that each viewer received. */
  readonly kbitPerSession: number;
  readonly framesReceived: number;
  readonly framesDecoded: number;
  readonly packetsLost: number;
}

const OFFER = { task: "t2v", prompt: "bench" } as const;
const SETTLE_SECONDS = 1;
const MEGABYTE = 1e6;

/** Starts one server alone, measures it, and ends it again. */
export async function measureContender(
  contender: Contender,
  { browser, plan }: { readonly browser: Browser; readonly plan: LoadPlan },
): Promise<LoadResult> {
  const command = contender.command(plan);
  await using server = await ServerProcess.start(command);
  try {
    await using page = await BrowserPage.open(browser, command.origin);
    return { name: contender.name, ...await measureRunning(page, { pid: server.pid, plan }) };
  } catch (cause) {
    throw new Error(`${cause instanceof Error ? cause.message : cause}\n${server.output}`, { cause });
  }
}

async function measureRunning(
  page: BrowserPage,
  { pid, plan }: { readonly pid: number; readonly plan: LoadPlan },
): Promise<Omit<LoadResult, "name">> {
  const offer = { ...OFFER, fps: plan.fps };
  const firstFrameMsEach: number[] = [];
  for (let connect = 0; connect < plan.connects; connect++) {
    firstFrameMsEach.push(await page.firstFrameMs(offer));
    await delay(SETTLE_SECONDS / 2);
  }
  await delay(SETTLE_SECONDS);
  const idleBytes = await treeResidentBytes(pid);
  await page.openSessions(plan.sessions, offer);
  await delay(plan.warmUpSeconds);
  const before = await reading(page, pid);
  await delay(plan.seconds);
  const after = await reading(page, pid);
  const loadedBytes = await treeResidentBytes(pid);
  await page.closeSessions();
  const frames = after.totals.framesReceived - before.totals.framesReceived;
  const seconds = (after.totals.at - before.totals.at) / 1000;
  const bytes = after.totals.bytesReceived - before.totals.bytesReceived;
  return {
    cpuMsPerFrame: (after.cpuMs - before.cpuMs) / frames,
    deliveredRatio: frames / (plan.fps * seconds * plan.sessions),
    firstFrameMs: median(firstFrameMsEach),
    firstFrameMsEach,
    memoryPerSessionMb: (loadedBytes - idleBytes) / plan.sessions / MEGABYTE,
    idleMemoryMb: idleBytes / MEGABYTE,
    kbitPerSession: bytes * 8 / 1000 / seconds / plan.sessions,
    framesReceived: frames,
    framesDecoded: after.totals.framesDecoded - before.totals.framesDecoded,
    packetsLost: after.totals.packetsLost - before.totals.packetsLost,
  };
}

async function reading(page: BrowserPage, pid: number): Promise<{ totals: PageTotals; cpuMs: number }> {
  const [totals, cpuMs] = await Promise.all([page.totals(), treeCpuMs(pid)]);
  return { totals, cpuMs };
}
