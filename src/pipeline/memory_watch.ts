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

/** Bytes that a process holds in memory; null when there is no such process. */
export async function residentBytes(pid: number): Promise<number | null> {
  try {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
    return kib === undefined ? null : Number(kib) * 1024;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
