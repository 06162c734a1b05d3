/**
 * Makes the attempt of a plan in a plain program that may do everything, to show that the attempt works at all.
 *
 * Usage: deno run -A plain_host.ts <plan.json>
 *
 * @module
 */

import { toFileUrl } from "../../src/pipeline/paths.ts";
import type { Plan, Report } from "./plan.ts";

/** The part of a generated pipeline that is used here. */
interface CorpusModule {
  getService(): { start(context: unknown): void; serve(request: unknown): AsyncGenerator<{ outcome?: string }> };
}

const plan = JSON.parse(await Deno.readTextFile(Deno.args[0] ?? "")) as Plan;
for (const { id, entry, facts } of plan.tasks) {
  report({ t: "begin", id });
  const { getService } = await import(toFileUrl(entry).href) as CorpusModule;
  const service = getService();
  service.start({ log: console });
  try {
    const request = { attempt: id, facts: { ...facts, server: Deno.pid } };
    for await (const { outcome } of service.serve(request)) {
      report({ t: "end", id, outcome: String(outcome), error: null });
    }
  } catch (error) {
    report({ t: "end", id, outcome: null, error: String(error) });
  }
  if (facts.mark in {}) report({ t: "found", id, where: "polluted" });
}
report({ t: "done" });
Deno.exit(0);

function report(one: Report): void {
  Deno.writeTextFileSync(plan.reports, `${JSON.stringify(one)}\n`, { append: true });
}
