/**
 * The corpus of attempts to get out, in a pipeline's process of each executable that is there.
 *
 * @module
 */

import { checkWall } from "../security/check_wall.ts";
import { CORPUS } from "../security/corpus/mod.ts";
import { formsThere } from "./executable.ts";

for (const { name, path } of formsThere()) {
  for (const level of ["strict", "standard"] as const) {
    Deno.test(`${name}: at ${level} no attempt gets out of a pipeline's process`, async () => {
      await checkWall(CORPUS, { level, child: { program: path, args: ["pipeline-child"] }, isPackaged: true });
    });
  }
}
