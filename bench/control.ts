/**
 * Control to photon: how long it takes from a key press in the browser until the browser shows a picture that has taken
 * it in. Ours and an aiortc server, one after the other on loopback, each alone.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import type { Browser } from "playwright-core";
import { CONTROL_CONTENDERS, type ControlContender } from "./control/contenders.ts";
import { type ControlPlan, type ControlResult, measureControl } from "./control/measure.ts";
import { launchBrowser } from "./load/browser_page.ts";
import { describeMachine, pythonPackageVersion } from "./report/machine.ts";
import { type Column, formatTable } from "./report/table.ts";

const FIRST_PORT = 18300;
const FPS = 24;
const WARM_UP_SECONDS = 5;
const LIMIT_MS = 2000;
const LATEST = join(import.meta.dirname!, "results", "control.json");

const COLUMNS: Column<ControlResult>[] = [
  { title: "contender", text: (row) => row.name, align: "left" },
  { title: "p50 ms", text: (row) => row.display.p50.toFixed(1) },
  { title: "p95 ms", text: (row) => row.display.p95.toFixed(1) },
  { title: "p99 ms", text: (row) => row.display.p99.toFixed(1) },
  { title: "max ms", text: (row) => row.display.max.toFixed(1) },
  { title: "presented p50", text: (row) => row.presented.p50.toFixed(1) },
  { title: "presented p95", text: (row) => row.presented.p95.toFixed(1) },
  { title: "expected p50", text: (row) => row.expectedDisplay.p50.toFixed(1) },
  { title: "seen", text: (row) => `${row.seen}/${row.presses}` },
  { title: "jitter buffer ms", text: (row) => row.browser.jitterBufferMs.toFixed(1) },
  { title: "decode ms", text: (row) => row.browser.decodeMs.toFixed(1) },
  { title: "CPU ms/frame", text: (row) => row.cpuMsPerFrame.toFixed(2) },
  { title: "delivered", text: (row) => `${(row.deliveredRatio * 100).toFixed(1)} %` },
];

interface Options {
  readonly presses: number;
  readonly contenders: readonly ControlContender[];
  readonly json: string;
}

async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === "string") {
    console.error(options);
    return 2;
  }
  const plan = { presses: options.presses, fps: FPS, warmUpSeconds: WARM_UP_SECONDS, limitMs: LIMIT_MS };
  const browser = await launchBrowser();
  const failures: string[] = [];
  const results: ControlResult[] = [];
  try {
    const machine = await describeMachine({
      chromium: browser.version(),
      aiortc: await pythonPackageVersion("aiortc"),
      av: await pythonPackageVersion("av"),
    });
    console.log(`${machine.cpu}, ${machine.cores} cores, load ${machine.load}; ${plan.presses} presses, ${FPS} fps\n`);
    if (machine.load > machine.cores / 4) console.error(`the machine is busy (load ${machine.load}); expect noise`);
    for (const [index, contender] of options.contenders.entries()) {
      console.error(`measuring ${contender.name} …`);
      const outcome = await tryContender(contender, { browser, plan: { ...plan, port: FIRST_PORT + index } });
      if (typeof outcome === "string") failures.push(outcome);
      else results.push(outcome);
    }
    if (results.length > 0) console.log(formatTable(results, COLUMNS));
    await Deno.mkdir(dirname(options.json), { recursive: true });
    const report = { at: new Date().toISOString(), machine, plan, results, failures };
    await Deno.writeTextFile(options.json, JSON.stringify(report, null, 2) + "\n");
  } finally {
    await browser.close();
  }
  for (const failure of failures) console.error(`\n${failure}`);
  return failures.length > 0 ? 1 : 0;
}

/** The figures, or in words why there are none. */
async function tryContender(
  contender: ControlContender,
  options: { readonly browser: Browser; readonly plan: ControlPlan },
): Promise<ControlResult | string> {
  try {
    const result = await measureControl(contender, options);
    return result.seen > 0 ? result : `${contender.name} showed none of ${result.presses} presses`;
  } catch (error) {
    return `${contender.name} failed: ${error instanceof Error ? error.message : error}`;
  }
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
      presses: { type: "string", default: "100" },
      only: { type: "string" },
      json: { type: "string", default: LATEST },
    },
  });
  const presses = Number(values.presses);
  if (!Number.isInteger(presses) || presses < 1) {
    throw new RangeError(`--presses takes a whole number from 1 on, not ${values.presses}`);
  }
  return {
    presses,
    contenders: values.only === undefined ? CONTROL_CONTENDERS : values.only.split(",").map(contenderNamed),
    json: values.json,
  };
}

function contenderNamed(name: string): ControlContender {
  const found = CONTROL_CONTENDERS.find((contender) => contender.name === name);
  if (found !== undefined) return found;
  throw new RangeError(`--only knows ${CONTROL_CONTENDERS.map((one) => one.name).join(", ")}, not ${name}`);
}

if (import.meta.main) Deno.exit(await main());
