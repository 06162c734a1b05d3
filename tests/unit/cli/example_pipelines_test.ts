import assert from "node:assert/strict";
import { describeExample } from "../../../src/cli/example_pipelines.ts";

const SOURCE = `/**
 * Makes waves, as high as the prompt says, 2.5 m at
 * most: for the sea.
 *
 * More of it. @module
 */

/** Not this. */
export function getService(): Promise<BidirectionalService> {
  return make();
}
`;

Deno.test("an example is described by the first sentence of its first comment", () => {
  assert.deepEqual(describeExample("waves", SOURCE), {
    name: "waves",
    mode: "bidirectional",
    summary: "Makes waves, as high as the prompt says, 2.5 m at most: for the sea",
  });
});

Deno.test("its mode is what getService() returns", () => {
  const push = SOURCE.replace("Promise<BidirectionalService>", "ServerPushService");
  assert.equal(describeExample("waves", `${push}\n// no BidirectionalService`).mode, "server_push");
});

Deno.test("one without a comment has no summary", () => {
  assert.equal(describeExample("bare", "export const getService = 1;").summary, "");
});
