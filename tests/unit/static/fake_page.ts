import { FakePeer } from "./fake_peer.ts";

/** What a server answers: its status, and a body that becomes JSON. */
export interface FakeAnswer {
  status: number;
  body: Record<string, unknown>;
}

/** A request as a server sees it: `POST /v1/stream/webrtc/offer`. */
export interface FakeRequest {
  line: string;
  body: string;
}

class FakeStream {
  readonly #tracks = new Set<{ kind: string }>();

  addTrack(track: { kind: string }): void {
    this.#tracks.add(track);
  }

  removeTrack(track: { kind: string }): void {
    this.#tracks.delete(track);
  }

  getTracks(): { kind: string }[] {
    return [...this.#tracks];
  }
}

/**
 * What the client library needs of a page: peers, streams, a document and a server to ask. `serve` answers; null: the
 * server is not reached.
 */
export class FakePage implements Disposable {
  readonly requests: FakeRequest[] = [];
  readonly #peers = FakePeer.install();
  readonly #globals = globalThis as unknown as Record<string, unknown>;
  readonly #fetch = globalThis.fetch;

  constructor(serve: (request: FakeRequest) => FakeAnswer | null) {
    this.#globals["MediaStream"] = FakeStream;
    this.#globals["document"] = Object.assign(new EventTarget(), { hidden: false });
    this.#globals["fetch"] = (url: string, { method = "GET", body = "" }: { method?: string; body?: string } = {}) => {
      const request = { line: `${method} ${url}`, body };
      this.requests.push(request);
      const answer = serve(request);
      if (answer === null) return Promise.reject(new TypeError("fetch failed"));
      const { status, body: fields } = answer;
      return Promise.resolve({ ok: status < 400, status, text: () => Promise.resolve(JSON.stringify(fields)) });
    };
    FakePeer.made.length = 0;
  }

  /** The peer that was made last. */
  get peer(): FakePeer {
    const peer = FakePeer.made.at(-1);
    if (peer === undefined) throw new Error("There is no peer.");
    return peer;
  }

  /** How often a request was made. */
  count(line: string): number {
    return this.requests.filter((request) => request.line === line).length;
  }

  [Symbol.dispose](): void {
    this.#peers[Symbol.dispose]();
    delete this.#globals["MediaStream"];
    delete this.#globals["document"];
    globalThis.fetch = this.#fetch;
  }
}
