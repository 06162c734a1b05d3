/**
 * Picture quality at equal bitrate: the server's encoder against libvpx VP8, on two clips, in memory.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { AV_LOG_ERROR, Log } from "node-av";
import { CLIP_NAMES, type ClipName, ensureClip, loadPictures } from "./frames.ts";
import { bitrateOf, comparePictures, encodeClip, type Pass } from "./quality/trial.ts";
import { type QualityRow, qualityRows, REFERENCE } from "./quality/subjects.ts";
import { median } from "./report/statistics.ts";
import { type Column, formatTable } from "./report/table.ts";

interface Measured {
  readonly name: string;
  readonly clip: ClipName;
  readonly lumaDb: number;
  readonly overallDb: number;
  /** Luma dB more than the reference has. */
  readonly gainDb: number;
  readonly bitrate: number;
  readonly cpuLeastMs: number;
  readonly cpuMedianMs: number;
}

const COLUMNS: Column<Measured>[] = [
  { title: "encoder", text: (row) => row.name, align: "left" },
  { title: "luma dB", text: (row) => row.lumaDb.toFixed(2) },
  { title: "all dB", text: (row) => row.overallDb.toFixed(2) },
  { title: "luma vs ref", text: (row) => (row.gainDb >= 0 ? "+" : "") + row.gainDb.toFixed(2) },
  { title: "kbit/s", text: (row) => (row.bitrate / 1000).toFixed(0) },
  { title: "CPU ms/frame", text: (row) => row.cpuLeastMs.toFixed(2) },
  { title: "median", text: (row) => row.cpuMedianMs.toFixed(2) },
];

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      bitrate: { type: "string", default: "2000000" },
      rounds: { type: "string", default: "5" },
      json: { type: "string" },
    },
  });
  const bitrate = positive(values.bitrate, "--bitrate");
  const rounds = positive(values.rounds, "--rounds");
  Log.setLevel(AV_LOG_ERROR);
  const rows = qualityRows(bitrate);
  const results: Measured[] = [];
  for (const clip of CLIP_NAMES) {
    const measured = await measureClip(clip, { rows, rounds });
    console.log(`\n${clip}, 640x360, 24 fps, target ${bitrate / 1000} kbit/s\n`);
    console.log(formatTable(measured, COLUMNS));
    results.push(...measured);
  }
  if (values.json !== undefined) await Deno.writeTextFile(values.json, JSON.stringify(results, null, 2));
}

/** Rounds go over all encoders in turn, so that a busy moment of the machine hits none of them alone. */
async function measureClip(
  name: ClipName,
  options: { readonly rows: readonly QualityRow[]; readonly rounds: number },
): Promise<Measured[]> {
  const clip = await loadPictures(await ensureClip(name));
  const passes = options.rows.map((): Pass[] => []);
  for (let round = 0; round < options.rounds; round++) {
    for (const [index, row] of options.rows.entries()) passes[index]!.push(await encodeClip(row, clip));
  }
  const compared = options.rows.map((row, index) => ({
    row,
    passes: passes[index]!,
    psnr: comparePictures(passes[index]![0]!.coded, { clip, codec: row.codec }),
  }));
  const reference = compared.find(({ row }) => row.name === REFERENCE)!.psnr;
  return compared.map(({ row, passes, psnr }) => ({
    name: row.name,
    clip: name,
    lumaDb: psnr.luma,
    overallDb: psnr.overall,
    gainDb: psnr.luma - reference.luma,
    bitrate: bitrateOf(passes[0]!.coded),
    cpuLeastMs: Math.min(...passes.map((pass) => pass.cpuPerFrame)),
    cpuMedianMs: median(passes.map((pass) => pass.cpuPerFrame)),
  }));
}

function positive(text: string, flag: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0) throw new RangeError(`${flag} takes a whole number above 0, not ${text}`);
  return value;
}

if (import.meta.main) await main();
