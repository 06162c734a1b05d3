/**
 * Sessions: the only place where pipeline, stream and connection meet.
 *
 * A session owns all three; however it ends, all three are released and the reason is told to the viewer and the log.
 *
 * @module
 */
export { ControlLatency, ControlTrace } from "./control_trace.ts";
export { Conversation } from "./conversation.ts";
export { type LatencySummary, LatencyWindow } from "./latency.ts";
export { Session } from "./session.ts";
export type { CloseReason, SessionOptions, ViewerOffer } from "./session_options.ts";
export { type Answered, SessionRegistry } from "./session_registry.ts";
export { nextState, type SessionEvent, type SessionState } from "./session_state.ts";
