import assert from "node:assert/strict";
import { EffortControl } from "../../../src/stream/effort_control.ts";

/** Encodes at 25 pictures a second for that long; each takes that share of its time. */
function encode(control: EffortControl, { from, seconds, load }: { from: number; seconds: number; load: number }) {
  for (let picture = 0; picture < seconds * 25; picture++) {
    control.encoded({ took: load / 25, interval: 1 / 25, now: from + picture / 25 });
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
  control.encoded({ took: 0.2, interval: 0.04, now: 10 });
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
