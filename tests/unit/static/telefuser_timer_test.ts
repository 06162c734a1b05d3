import assert from "node:assert/strict";
import { FakeTime } from "./fake_time.ts";

/** The module as it is used here: its own types are those of a browser. */
interface TimerModule {
  Pause: new () => { wait(ms: number): Promise<boolean>; end(): void };
}

const MODULE: string = "../../../static/telefuser-timer.js";
const { Pause } = await import(MODULE) as TimerModule;

Deno.test("a pause lasts its time unless it is ended, and an end that came before counts for the next one only", async () => {
  using time = new FakeTime();
  const pause = new Pause();
  const over: string[] = [];
  const wait = async (ms: number) => {
    const wasEnded = await pause.wait(ms);
    over.push(`${performance.now()} ${wasEnded}`);
  };
  void wait(1000);
  await time.pass(1000);
  void wait(1000);
  await time.pass(300);
  pause.end();
  await time.pass(2000);
  pause.end();
  pause.end();
  await wait(1000);
  void wait(1000);
  await time.pass(1000);
  assert.deepEqual(over, ["1000 false", "1300 true", "3300 true", "4300 false"]);
});
