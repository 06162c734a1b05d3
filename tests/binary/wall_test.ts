/**
 * The corpus of attempts to get out, in a pipeline's process of each executable that is there, and in a worker of the
 * server where the server can be had from the file: the compiled form keeps its own inside.
 *
 * @module
 */

import assert from "node:assert/strict";
import { checkWall, describe } from "../security/check_wall.ts";
import { categoryOf, CORPUS } from "../security/corpus/mod.ts";
import { failuresOf } from "../security/runner.ts";
import { formsThere } from "./executable.ts";
import { unpack } from "./unpacked.ts";

for (const form of formsThere()) {
  const { name, path } = form;
  for (const level of ["strict", "standard"] as const) {
    Deno.test(`${name}: at ${level} no attempt gets out of a pipeline's process`, async () => {
      await checkWall(CORPUS, { level, child: { program: path, args: ["pipeline-child"] }, isPackaged: true });
    });

    Deno.test(`${name}: at ${level} no attempt gets out of a worker of the server`, {
      ignore: name === "compiled",
    }, async () => {
      await using unpacked = await unpack(form);
      await checkWall(CORPUS, { level, child: null, host: unpacked.host, isPackaged: true });
    });
  }

  Deno.test(`${name}: what is denied works where nothing denies it, but that nothing is fetched at any level`, {
    ignore: name === "compiled",
  }, async () => {
    await using unpacked = await unpack(form);
    const attempts = CORPUS.filter(({ control }) => control === "permissive");
    const failures = await failuresOf(attempts, { level: "permissive", child: null, host: unpacked.host });
    const denied = failures.filter(({ attempt }) => categoryOf(attempt) !== "remote");
    assert.deepEqual(denied.map(describe), []);
  });
}
