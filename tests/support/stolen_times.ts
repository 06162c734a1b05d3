/** Milliseconds of a step of the kernel's clock in /proc/stat (USER_HZ, which is 100 on every machine of today). */
const TICK_MS = 10;

/** Milliseconds that each CPU was with another machine since this one runs (steal, proc_stat(5)). */
export function stolenTimes(): number[] {
  const lines = Deno.readTextFileSync("/proc/stat").matchAll(/^cpu\d+ (.*)$/gm);
  return [...lines].map(([, times = ""]) => Number(times.split(" ")[7] ?? 0) * TICK_MS);
}
