import assert from "node:assert/strict";
import { EffortControl } from "../../../src/stream/effort_control.ts";

/** Encodes at 25 pictures a second for that long; each takes that share of its time. */
function encode(control: EffortControl, { from, seconds, load }: { from: number; seconds: number; load: number }) {
  for (let picture = 0; picture < seconds * 25; picture++) {
    control.encoded({ took: load / 25, interval: 1 / 25, waiting: 0, now: from + picture / 25 });
  }
}

Deno.test("the effort stays while there is time, and does not rise beyond what was asked for", () => {
  const control = new EffortControl("balanced");
  encode(control, { from: 0, seconds: 60, load: 0.1 });
  assert.equal(control.effort, "balanced");
  encode(control, { from: 60, seconds: 60, load: 0.7 });
  assert.equal(control.effort, "balanced");
});

Deno.test("it drops step by step when pictures take too long, and one slow picture is none", () => {
  const control = new EffortControl("quality");
  encode(control, { from: 0, seconds: 10, load: 0.5 });
  control.encoded({ took: 0.2, interval: 0.04, waiting: 4, now: 10 });
  encode(control, { from: 10.04, seconds: 1, load: 0.5 });
  assert.equal(control.effort, "quality");
  encode(control, { from: 11, seconds: 2, load: 1.2 });
  assert.equal(control.effort, "balanced");
  encode(control, { from: 13, seconds: 2, load: 1.2 });
  assert.equal(control.effort, "fast");
  encode(control, { from: 15, seconds: 30, load: 2 });
  assert.equal(control.effort, "fast");
});

Deno.test("it rises again after ten calm seconds, and waits twice as long after each rise that did not last", () => {
  const control = new EffortControl("balanced");
  encode(control, { from: 0, seconds: 3, load: 1.5 });
  assert.equal(control.effort, "fast");
  encode(control, { from: 3, seconds: 8, load: 0.2 });
  assert.equal(control.effort, "fast");
  encode(control, { from: 11, seconds: 5, load: 0.2 });
  assert.equal(control.effort, "balanced");
  encode(control, { from: 16, seconds: 3, load: 1.5 });
  assert.equal(control.effort, "fast");
  encode(control, { from: 19, seconds: 17, load: 0.2 });
  assert.equal(control.effort, "fast");
  encode(control, { from: 36, seconds: 6, load: 0.2 });
  assert.equal(control.effort, "balanced");
});

/** Pictures that may wait; beyond it one is lost. */
const MAX_WAITING = 4;

/** 25 pictures a second come and are encoded one by one; returns when one was first lost and when the effort first dropped. */
function overrun(load: number, before: number): { lostAt: number; droppedAt: number } {
  const control = new EffortControl("quality");
  encode(control, { from: 0, seconds: 5, load: before });
  let [lostAt, droppedAt] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let [now, waiting, next] = [5, 0, 5];
  for (let picture = 0; picture < 250; picture++) {
    const took = (control.effort === "quality" ? load : load / 2) / 25;
    if (waiting > 0) waiting--;
    else now = next += 0.04;
    now += took;
    while (next + 0.04 <= now) {
      next += 0.04;
      if (++waiting <= MAX_WAITING) continue;
      waiting = MAX_WAITING;
      lostAt = Math.min(lostAt, now);
    }
    control.encoded({ took, interval: 0.04, waiting, now });
    if (control.effort !== "quality") droppedAt = Math.min(droppedAt, now);
  }
  return { lostAt, droppedAt };
}

Deno.test("when pictures begin to wait because each takes too long, it drops before one is lost", () => {
  for (const load of [1.1, 1.2, 1.5, 1.8]) {
    for (const before of [0, 0.3, 0.6, 0.8]) {
      const { lostAt, droppedAt } = overrun(load, before);
      assert.ok(Number.isFinite(droppedAt), `load ${load} after ${before}: it does not drop`);
      assert.equal(lostAt, Number.POSITIVE_INFINITY, `load ${load} after ${before}: dropped at ${droppedAt}`);
    }
  }
});

Deno.test("pictures that come all at once, and one that a stall of the machine has held up, are no overrun", () => {
  for (const load of [0.2, 0.5, 0.7]) {
    const control = new EffortControl("balanced");
    encode(control, { from: 0, seconds: 5, load });
    control.encoded({ took: 0.4, interval: 0.04, waiting: 4, now: 5.4 });
    for (const waiting of [4, 3, 2, 1, 0]) {
      control.encoded({ took: load / 25, interval: 0.04, waiting, now: 5.5 });
      assert.equal(control.effort, "balanced", `at load ${load}, with ${waiting} waiting`);
    }
  }
});

Deno.test("it rises again ten calm seconds after an overrun that was short", () => {
  const control = new EffortControl("balanced");
  for (let picture = 0; picture < 4; picture++) {
    control.encoded({ took: 0.06, interval: 0.04, waiting: 2, now: picture * 0.06 });
  }
  assert.equal(control.effort, "fast");
  encode(control, { from: 1, seconds: 9, load: 0.2 });
  assert.equal(control.effort, "fast");
  encode(control, { from: 10, seconds: 3, load: 0.2 });
  assert.equal(control.effort, "balanced");
});
