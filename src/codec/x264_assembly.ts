/** CPU flags, as Linux names them, that the list below stands for. */
const REQUIRED = ["avx2", "bmi2", "fma", "abm", "sse4_2", "avx512f"];

/** x264's names for everything up to AVX2. */
const UP_TO_AVX2 = "MMX2,SSE2Fast,SSSE3,SSE4.2,AVX,FMA3,BMI2,AVX2,LZCNT";

let chosen: string | null | undefined;

/**
 * The instruction sets x264 should use here, for its `asm` parameter; null leaves the choice to x264. At the picture
 * sizes of live video its AVX-512 code takes 5 to 17 % more time than its AVX2 code (`deno task bench:quality` shows
 * the encoder's cost). x264 takes the list at its word, so nothing is said unless the CPU has all of it.
 */
export function x264Assembly(): string | null {
  chosen ??= assemblyFor(readCpuInfo());
  return chosen;
}

/** The same for the text of `/proc/cpuinfo`. */
export function assemblyFor(cpuInfo: string): string | null {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuInfo)?.[1]?.trim().split(/\s+/));
  return REQUIRED.every((flag) => flags.has(flag)) ? UP_TO_AVX2 : null;
}

/** Empty where there is no such file: other systems, a sandbox without `/proc`. */
function readCpuInfo(): string {
  try {
    return Deno.readTextFileSync("/proc/cpuinfo");
  } catch {
    return "";
  }
}
