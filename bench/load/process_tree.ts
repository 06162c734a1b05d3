/** Clock ticks per second of `/proc/<pid>/stat`: 100 on Linux for every user program. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

/** CPU milliseconds that a process and all its descendants have used since they began. */
export async function treeCpuMs(root: number): Promise<number> {
  const tree = await processTree(root);
  return tree.reduce((sum, { ticks }) => sum + ticks, 0) * 1000 / TICKS_PER_SECOND;
}

/** Resident bytes of a process and all its descendants. */
export async function treeResidentBytes(root: number): Promise<number> {
  const tree = await processTree(root);
  const sizes = await Promise.all(tree.map(async ({ pid }) => {
    const text = await readIfAlive(`/proc/${pid}/statm`);
    return text === undefined ? 0 : Number(text.split(" ")[1]) * PAGE_BYTES;
  }));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function processTree(root: number): Promise<ProcessStat[]> {
  const pids: number[] = [];
  for await (const entry of Deno.readDir("/proc")) {
    if (/^\d+$/.test(entry.name)) pids.push(Number(entry.name));
  }
  const all = (await Promise.all(pids.map(readStat))).filter((stat) => stat !== undefined);
  const tree = all.filter(({ pid }) => pid === root);
  if (tree.length === 0) throw new Error(`the process ${root} has ended`);
  for (const member of tree) tree.push(...all.filter(({ parent }) => parent === member.pid));
  return tree;
}

async function readStat(pid: number): Promise<ProcessStat | undefined> {
  const text = await readIfAlive(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The program's name stands in parentheses and may hold anything; field 3 of proc(5) follows it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  // utime, stime, cutime, cstime: the latter two are children that have ended.
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid, parent: Number(fields[1]), ticks };
}

async function readIfAlive(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    // A process that ends between opening and reading answers with ESRCH.
    const ended = error instanceof Deno.errors.NotFound || String(error).includes("No such process");
    if (ended) return undefined;
    throw error;
  }
}
