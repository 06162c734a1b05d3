/** Where a session stands. */
export type SessionState = "opening" | "connecting" | "live" | "interrupted" | "closing" | "closed";

/** What can happen to a session. */
export type SessionEvent = "answered" | "connected" | "lost" | "close" | "released";

const TABLE: Readonly<Record<SessionState, Partial<Record<SessionEvent, SessionState>>>> = {
  opening: { answered: "connecting", close: "closing" },
  connecting: { connected: "live", close: "closing" },
  live: { lost: "interrupted", close: "closing" },
  interrupted: { connected: "live", close: "closing" },
  closing: { released: "closed" },
  closed: {},
};

/** The state after an event, or null when the event means nothing in this state. */
export function nextState(state: SessionState, event: SessionEvent): SessionState | null {
  return TABLE[state][event] ?? null;
}
