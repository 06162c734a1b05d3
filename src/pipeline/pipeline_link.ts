import type { HostMessage } from "./protocol.ts";

/** The way to the pipeline's worker, wherever that runs. */
export interface PipelineLink {
  /** How it is run, for people: `a worker`, `process 4711`. */
  readonly name: string;
  /** @throws Error when the message cannot cross */
  send(message: HostMessage, transfer?: Transferable[]): void;
  /** Ends the worker by force; nothing is received from it any more. */
  close(): void;
}

/** What a link tells. */
export interface LinkEvents {
  /** Something came that may be a message of the protocol. */
  received(message: unknown): void;
  /** The worker is gone, in words. */
  lost(detail: string): void;
}

/** Starts a worker. It loads nothing of the user's before it is told to. */
export type OpenLink = (events: LinkEvents) => PipelineLink;
