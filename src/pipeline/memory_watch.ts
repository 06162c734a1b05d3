import type { Clock, Timer } from "../async/mod.ts";

/** Seconds between two looks. */
const INTERVAL = 0.1;
const MIB = 1024 * 1024;

/** Watches what memory a process holds (Linux: `VmRSS` of proc(5)), and says when it is too much. */
export function watchMemory(
  { pid, limit, clock, exceeded }: {
    pid: number;
    /** MiB; 0 for any. */
    limit: number;
    clock: Clock;
    exceeded: (detail: string) => void;
  },
): Disposable {
  let timer: Timer | undefined;
  let isOver = limit === 0;
  async function look(): Promise<void> {
    const held = await residentBytes(pid);
    if (isOver || held === null) return;
    if (held > limit * MIB) {
      return exceeded(`it held ${Math.round(held / MIB)} MiB of memory, --pipeline-memory allows ${limit} MiB`);
    }
    again();
  }
  function again(): void {
    timer = clock.schedule(INTERVAL, () => void look());
  }
  if (!isOver) again();
  return {
    [Symbol.dispose]: () => {
      isOver = true;
      timer?.cancel();
    },
  };
}

/** Whether memory can be watched here: only Linux tells what a process holds. */
export function canWatchMemory(folder = "/proc"): boolean {
  try {
    return /^VmRSS:/m.test(Deno.readTextFileSync(`${folder}/self/status`));
  } catch {
    return false; // There is no such file, or it is not to be read.
  }
}

/** Bytes that a process holds in memory; null when there is no such process. */
export async function residentBytes(pid: number): Promise<number | null> {
  let status: string;
  try {
    status = await Deno.readTextFile(`/proc/${pid}/status`);
  } catch {
    return null; // It has ended: before the file was opened, or while it was read (ESRCH).
  }
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
  return kib === undefined ? null : Number(kib) * 1024;
}
