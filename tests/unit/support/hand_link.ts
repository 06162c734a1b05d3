import type { LinkEvents, OpenLink, PipelineLink } from "../../../src/pipeline/pipeline_link.ts";
import type { HostMessage, WorkerMessage } from "../../../src/pipeline/protocol.ts";

/** A worker that does what the test says. */
export class HandLink implements PipelineLink {
  readonly name = "a hand";
  readonly sent: HostMessage[] = [];
  closed = 0;
  readonly #events: LinkEvents;

  constructor(events: LinkEvents) {
    this.#events = events;
  }

  send(message: HostMessage): void {
    this.sent.push(message);
  }

  close(): void {
    this.closed++;
  }

  /** The worker says something. */
  say(message: WorkerMessage | unknown): void {
    this.#events.received(message);
  }

  /** The worker is gone. */
  lose(detail: string): void {
    this.#events.lost(detail);
  }

  /** Kinds of what was sent. */
  get kinds(): string[] {
    return this.sent.map(({ t }) => t);
  }
}

/** Opens such links; all that were opened, in order. */
export function handLinks(): { readonly open: OpenLink; readonly links: HandLink[] } {
  const links: HandLink[] = [];
  const open: OpenLink = (events) => {
    const link = new HandLink(events);
    links.push(link);
    return link;
  };
  return { open, links };
}
