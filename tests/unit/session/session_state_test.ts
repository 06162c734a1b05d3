import assert from "node:assert/strict";
import { nextState, type SessionEvent, type SessionState } from "../../../src/session/mod.ts";

/** Every event in every state: where it leads, or null where it means nothing. */
const EXPECTED: Record<SessionState, Record<SessionEvent, SessionState | null>> = {
  opening: { answered: "connecting", connected: null, lost: null, close: "closing", released: null },
  connecting: { answered: null, connected: "live", lost: null, close: "closing", released: null },
  live: { answered: null, connected: null, lost: "interrupted", close: "closing", released: null },
  interrupted: { answered: null, connected: "live", lost: null, close: "closing", released: null },
  closing: { answered: null, connected: null, lost: null, close: null, released: "closed" },
  closed: { answered: null, connected: null, lost: null, close: null, released: null },
};

Deno.test("every event leads from every state where it should", () => {
  for (const [state, events] of Object.entries(EXPECTED)) {
    for (const [event, next] of Object.entries(events)) {
      assert.equal(nextState(state as SessionState, event as SessionEvent), next, `${event} while ${state}`);
    }
  }
});

Deno.test("a session ends from wherever it is, once", () => {
  for (const state of ["opening", "connecting", "live", "interrupted"] as const) {
    const closing = nextState(state, "close");
    assert.equal(closing, "closing");
    assert.equal(nextState("closing", "close"), null);
    assert.equal(nextState("closing", "released"), "closed");
  }
});
