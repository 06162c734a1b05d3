/**
 * Load of a streaming server: CPU per delivered frame, time to the first frame, memory per session. Ours and an aiortc
 * server, one after the other on loopback, each alone, with a real browser at the other end.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import type { Browser } from "playwright-core";
import { FPS } from "./clips/picture.ts";
import { CLIP_NAMES, type ClipName, ensureClip } from "./frames.ts";
import { launchBrowser } from "./load/browser_page.ts";
import { type Contender, CONTENDERS } from "./load/contenders.ts";
import { type LoadPlan, type LoadResult, measureContender } from "./load/measure.ts";
import { describeMachine, pythonPackageVersion } from "./report/machine.ts";
import { type Column, formatTable } from "./report/table.ts";

const FIRST_PORT = 18200;
const BITRATE = 2_000_000;
/** What V8 is to compile well has run often enough by then: the long run counts, not the first seconds of a server. */
const WARM_UP_SECONDS = 20;
const LATEST = join(import.meta.dirname!, "results", "latest.json");

const COLUMNS: Column<LoadResult>[] = [
  { title: "contender", text: (row) => row.name, align: "left" },
  { title: "CPU ms/frame", text: (row) => row.cpuMsPerFrame.toFixed(2) },
  { title: "delivered", text: (row) => `${(row.deliveredRatio * 100).toFixed(1)} %` },
  { title: "first frame ms", text: (row) => row.firstFrameMs.toFixed(0) },
  { title: "MB/session", text: (row) => row.memoryPerSessionMb.toFixed(1) },
  { title: "idle MB", text: (row) => row.idleMemoryMb.toFixed(0) },
  { title: "kbit/s", text: (row) => row.kbitPerSession.toFixed(0) },
];

interface Options {
  readonly sessions: number;
  readonly seconds: number;
  readonly connects: number;
  readonly clip: ClipName;
  readonly contenders: readonly Contender[];
  readonly json: string;
}

async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === "string") {
    console.error(options);
    return 2;
  }
  const files = await ensureClip(options.clip);
  const { sessions, seconds, connects } = options;
  const plan = { sessions, seconds, connects, frames: files.folder, bitrate: BITRATE, fps: FPS };
  const browser = await launchBrowser();
  const failures: string[] = [];
  const results: LoadResult[] = [];
  try {
    const machine = await describeMachine({
      chromium: browser.version(),
      aiortc: await pythonPackageVersion("aiortc"),
      av: await pythonPackageVersion("av"),
    });
    console.log(`${machine.cpu}, ${machine.cores} cores; ${sessions} sessions, clip "${options.clip}", ${seconds} s\n`);
    if (machine.load > machine.cores / 4) console.error(`the machine is busy (load ${machine.load}); expect noise`);
    for (const [index, contender] of options.contenders.entries()) {
      console.error(`measuring ${contender.name} …`);
      const outcome = await tryContender(contender, {
        browser,
        plan: { ...plan, warmUpSeconds: WARM_UP_SECONDS, port: FIRST_PORT + index },
      });
      if (typeof outcome === "string") failures.push(outcome);
      else results.push(outcome);
    }
    if (results.length > 0) console.log(formatTable(results, COLUMNS));
    await writeJson(options.json, {
      at: new Date().toISOString(),
      machine,
      plan,
      clip: options.clip,
      results,
      failures,
    });
  } finally {
    await browser.close();
  }
  for (const failure of failures) console.error(`\n${failure}`);
  return failures.length > 0 ? 1 : 0;
}

/** The figures, or in words why there are none. */
async function tryContender(
  contender: Contender,
  options: { readonly browser: Browser; readonly plan: LoadPlan },
): Promise<LoadResult | string> {
  try {
    const result = await measureContender(contender, options);
    return result.framesReceived > 0 ? result : `${contender.name} delivered no frame`;
  } catch (error) {
    return `${contender.name} failed: ${error instanceof Error ? error.message : error}`;
  }
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeTextFile(path, JSON.stringify(value, null, 2) + "\n");
}

/** What the command line says, or in words what is wrong with it. */
function readOptions(): Options | string {
  try {
    return parseOptions();
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return error.message;
    throw error;
  }
}

function parseOptions(): Options {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      sessions: { type: "string", default: "4" },
      seconds: { type: "string", default: "20" },
      connects: { type: "string", default: "9" },
      clip: { type: "string", default: "detail" },
      only: { type: "string" },
      json: { type: "string", default: LATEST },
    },
  });
  const clip = CLIP_NAMES.find((name) => name === values.clip);
  if (clip === undefined) throw new RangeError(`--clip takes ${CLIP_NAMES.join(" or ")}, not ${values.clip}`);
  return {
    sessions: atLeast(1, values.sessions, "--sessions"),
    seconds: atLeast(1, values.seconds, "--seconds"),
    connects: atLeast(5, values.connects, "--connects"),
    clip,
    contenders: values.only === undefined ? CONTENDERS : values.only.split(",").map(contenderNamed),
    json: values.json,
  };
}

function contenderNamed(name: string): Contender {
  const found = CONTENDERS.find((contender) => contender.name === name);
  if (found !== undefined) return found;
  throw new RangeError(`--only knows ${CONTENDERS.map((contender) => contender.name).join(", ")}, not ${name}`);
}

function atLeast(least: number, text: string, flag: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(`${flag} takes a whole number from ${least} on, not ${text}`);
  }
  return value;
}

if (import.meta.main) Deno.exit(await main());
