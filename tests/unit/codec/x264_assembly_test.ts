import assert from "node:assert/strict";
import { assemblyFor } from "../../../src/codec/x264_assembly.ts";

const FLAGS = "fpu sse sse2 sse4_2 avx fma abm bmi1 bmi2 avx2";

Deno.test("keeps x264 from AVX-512 on a CPU that has everything below it", () => {
  const chosen = assemblyFor(`processor\t: 0\nflags\t\t: ${FLAGS} avx512f avx512bw\nbugs\t\t: none\n`);
  assert.equal(chosen?.split(",").includes("AVX2"), true);
  assert.equal(chosen?.includes("AVX512"), false);
});

Deno.test("says nothing about a CPU without AVX-512, with gaps below it, or that cannot be read", () => {
  for (const flags of [FLAGS, `${FLAGS.replace(" bmi2", "")} avx512f`, `${FLAGS.replace(" avx2", "")} avx512f`]) {
    assert.equal(assemblyFor(`flags\t\t: ${flags}\n`), null, flags);
  }
  assert.equal(assemblyFor(""), null);
});
