import { timingSafeEqual } from "node:crypto";
import type { Clock } from "../async/mod.ts";
import { StreamError } from "../errors.ts";
import { ControlLatency } from "./control_trace.ts";
import { Session } from "./session.ts";
import type { CloseReason, SessionOptions, ViewerOffer } from "./session_options.ts";

/** Seconds for which the reason of a closed session can be asked for. */
const REMEMBER = 120;
/** Closed sessions that are remembered at most. */
const REMEMBER_COUNT = 200;

/** A session and the SDP answer to its viewer's offer. */
export interface Answered {
  readonly session: Session;
  readonly sdp: string;
}

/** All sessions of a server, by id. The only place that knows how many there may be. */
export class SessionRegistry {
  /** Latencies of all sessions together. */
  readonly latency: ControlLatency = new ControlLatency();
  readonly #maxSessions: number;
  readonly #clock: Clock;
  readonly #sessions = new Map<string, Session>();
  readonly #closed = new Map<string, { reason: CloseReason; at: number }>();
  #draining = false;

  constructor(options: { maxSessions: number; clock: Clock }) {
    this.#maxSessions = options.maxSessions;
    this.#clock = options.clock;
  }

  get maxSessions(): number {
    return this.#maxSessions;
  }

  /** Sessions that hold a slot now, those that are opening or closing included. */
  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Takes a slot and opens a session in it.
   *
   * @throws StreamError `session_exists`, `sessions_full`, `shutting_down`, and what `Session.open` throws
   */
  async open(options: SessionOptions): Promise<Answered> {
    this.#requireFree(options.id);
    while (this.#sessions.size >= this.#maxSessions) {
      if (!await this.#makeRoom()) {
        throw new StreamError(
          "sessions_full",
          `Max sessions reached: all ${this.#maxSessions} are in use; try again later or raise --webrtc-max-sessions`,
        );
      }
      this.#requireFree(options.id);
    }
    const session = new Session(options, this.latency);
    this.#sessions.set(session.id, session);
    this.#closed.delete(session.id);
    session.closed.then((reason) => this.#forget(session, reason));
    return { session, sdp: await session.open() };
  }

  /**
   * Takes a viewer that comes back to the session it had.
   *
   * @param viewer.token what the session's first answer gave it
   * @param viewer.after `sequence` of the last message it got, when it says
   * @throws StreamError `session_not_found`, `resume_refused`, and what `Session.resume` throws
   */
  async resume(
    id: string,
    viewer: { token: string; offer: ViewerOffer; after?: number | undefined },
  ): Promise<Answered> {
    const session = this.get(id);
    if (!isSame(viewer.token, session.resumeToken)) {
      const detail = `the resume token is not that of session ${id}; leave both out to get a new session`;
      throw new StreamError("resume_refused", detail, { field: "resume_token" });
    }
    return { session, sdp: await session.resume(viewer.offer, { after: viewer.after }) };
  }

  /**
   * A session that is not over.
   *
   * @throws StreamError `session_not_found`, with the reason when it has been closed lately
   */
  get(id: string): Session {
    const session = this.#sessions.get(id);
    const reason = session === undefined ? this.#closed.get(id)?.reason : session.closeReason;
    if (session !== undefined && reason === undefined) return session;
    throw new StreamError(
      "session_not_found",
      reason === undefined ? `session ${id} not found` : `session ${id} is closed: ${reason.detail}`,
      { field: "session_id" },
    );
  }

  /**
   * Closes a session. For one that is closing already it waits until its place is free.
   *
   * @throws StreamError `session_not_found`
   */
  async close(id: string, reason: CloseReason): Promise<void> {
    const session = this.#sessions.get(id);
    if (session?.closeReason !== undefined) await session.closed;
    await this.get(id).close(reason);
  }

  /** Takes no more sessions and closes those there are. */
  async drain(reason: CloseReason): Promise<void> {
    this.#draining = true;
    await Promise.all([...this.#sessions.values()].map((session) => session.close(reason)));
  }

  #requireFree(id: string): void {
    if (this.#draining) {
      throw new StreamError("shutting_down", "Stream service is not running: the server is shutting down");
    }
    if (!this.#sessions.has(id)) return;
    const detail = `session ${id} is in use; leave session_id out to get a new one`;
    throw new StreamError("session_exists", detail, { field: "session_id" });
  }

  /**
   * Gives up the session that was left first, if there is one whose viewer went by itself and has not come back.
   *
   * @returns whether there was one
   */
  async #makeRoom(): Promise<boolean> {
    const left = [...this.#sessions.values()].filter(({ leftAt }) => leftAt !== undefined);
    left.sort((a, b) => (a.leftAt ?? 0) - (b.leftAt ?? 0));
    const detail = "the viewer left, and another one needed the place";
    await left[0]?.close({ code: "connection_lost", detail });
    return left.length > 0;
  }

  #forget(session: Session, reason: CloseReason): void {
    this.#sessions.delete(session.id);
    const now = this.#clock.now();
    this.#closed.set(session.id, { reason, at: now });
    for (const [id, { at }] of this.#closed) {
      if (this.#closed.size <= REMEMBER_COUNT && now - at <= REMEMBER) break;
      this.#closed.delete(id);
    }
  }
}

/** Takes as long for a token that is nearly right as for any other. */
function isSame(given: string, token: string): boolean {
  const [a, b] = [new TextEncoder().encode(given), new TextEncoder().encode(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}
