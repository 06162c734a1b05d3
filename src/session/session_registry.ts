import type { Clock } from "../async/mod.ts";
import { StreamError } from "../errors.ts";
import { ControlLatency } from "./control_trace.ts";
import { type CloseReason, Session, type SessionOptions } from "./session.ts";

/** Seconds for which the reason of a closed session can be asked for. */
const REMEMBER = 120;
/** Closed sessions that are remembered at most. */
const REMEMBER_COUNT = 200;

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
   * @returns the SDP answer
   * @throws StreamError `session_exists`, `sessions_full`, `shutting_down`, and what `Session.open` throws
   */
  async open(options: SessionOptions): Promise<string> {
    if (this.#draining) {
      throw new StreamError("shutting_down", "Stream service is not running: the server is shutting down");
    }
    if (this.#sessions.has(options.id)) {
      throw new StreamError(
        "session_exists",
        `session ${options.id} is in use; leave session_id out to get a new one`,
        {
          field: "session_id",
        },
      );
    }
    if (this.#sessions.size >= this.#maxSessions) {
      throw new StreamError(
        "sessions_full",
        `Max sessions reached: all ${this.#maxSessions} are in use; try again later or raise --webrtc-max-sessions`,
      );
    }
    const session = new Session(options, this.latency);
    this.#sessions.set(session.id, session);
    this.#closed.delete(session.id);
    session.closed.then((reason) => this.#forget(session, reason));
    return await session.open();
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
