import assert from "node:assert/strict";
import { Turns } from "../../../src/async/mod.ts";

Deno.test("jobs run one after the other, also behind one that fails, and each outcome goes to who gave the job", async () => {
  const turns = new Turns();
  const order: string[] = [];
  const first = Promise.withResolvers<number>();
  const outcomes = Promise.allSettled([
    turns.take(() => (order.push("first begins"), first.promise.finally(() => order.push("first ends")))),
    turns.take(() => {
      order.push("second");
      throw new Error("it broke");
    }),
    turns.take(() => order.push("third")),
  ]);
  await Promise.resolve();
  assert.deepEqual(order, ["first begins"]);
  first.resolve(7);
  await turns.ended;
  assert.deepEqual(order, ["first begins", "first ends", "second", "third"]);
  const [a, b, c] = await outcomes;
  assert.deepEqual([a.status, b.status, c.status], ["fulfilled", "rejected", "fulfilled"]);
});
