import type { Clock, Timer } from "../async/mod.ts";
import { messageOf, StreamError } from "../errors.ts";
import { Log } from "../log.ts";
import type { OpenVideoFile } from "../media/mod.ts";
import type { KeyFrameProbe } from "./chunk_schema.ts";
import type { PipelineLimits } from "./limits.ts";
import type { PipelinePermissions } from "./permissions.ts";
import type { OpenLink } from "./pipeline_link.ts";
import { type PipelineCounters, PipelineRun, type ReadyPipeline } from "./pipeline_run.ts";
import type { PipelineSession } from "./pipeline_session.ts";
import { VideoDesk } from "./video_desk.ts";

/** Seconds before a lost worker is replaced; each further time in a row it takes twice as long. */
const FIRST_PAUSE = 0.5;
const LONGEST_PAUSE = 30;
/** Seconds that a pipeline must have run for the next pause to be a short one again. */
const STEADY = 60;

/** Where a pipeline stands. */
export type PipelineStatus =
  | { readonly state: "idle" | "starting" | "stopped" }
  | { readonly state: "running" } & ReadyPipeline
  /** It did not come up; the operator has to do something. */
  | { readonly state: "failed"; readonly detail: string }
  /** It ran and its worker was lost; another one is on its way. */
  | { readonly state: "restarting"; readonly detail: string };

/** What a host needs. */
export interface PipelineHostOptions {
  /** Absolute path of the pipeline module. */
  readonly entry: string;
  readonly permissions: PipelinePermissions;
  readonly media: readonly string[];
  readonly assets: ReadonlyMap<string, string>;
  readonly openVideo: OpenVideoFile;
  readonly openLink: OpenLink;
  readonly probe: KeyFrameProbe;
  readonly limits: PipelineLimits;
  readonly clock: Clock;
}

/** Keeps one pipeline running: a worker that is lost is replaced, ever later when that does not help. */
export class PipelineHost {
  /** What went wrong since the start. */
  readonly counters: PipelineCounters = { invalidChunks: 0, uncaughtErrors: 0, restarts: 0 };
  readonly #options: PipelineHostOptions;
  readonly #log: Log;
  #status: PipelineStatus = { state: "idle" };
  #run: PipelineRun | undefined;
  /** Resolves when what belongs to the run is released. */
  #over: Promise<void> | undefined;
  #pause: Timer | undefined;
  #lossesInARow = 0;

  constructor(options: PipelineHostOptions) {
    this.#options = options;
    this.#log = new Log(`pipeline ${options.entry.split(/[\\/]/).at(-1) ?? ""}`);
  }

  get status(): PipelineStatus {
    return this.#status;
  }

  /** Loads and starts the pipeline; resolves when it runs or has failed. It does not throw: see `status`. */
  async start(): Promise<void> {
    this.#status = { state: "starting" };
    await this.#begin((detail) => this.#status = { state: "failed", detail });
  }

  /**
   * Opens a session: one call of `serve()`, or of `createSession()` and then `pullChunks()`.
   *
   * @throws StreamError `service_not_running`; `invalid_request` when the request cannot be handed to the worker
   */
  open(request: { readonly session_id: string; readonly [field: string]: unknown }): PipelineSession {
    if (this.#status.state !== "running" || this.#run === undefined) {
      throw new StreamError("service_not_running", this.reasonNotRunning());
    }
    return this.#run.open(request);
  }

  /** Why an offer cannot be served now, in words. */
  reasonNotRunning(): string {
    const status = this.#status;
    switch (status.state) {
      case "failed":
        return `Stream service is not running: ${status.detail}`;
      case "restarting":
        return `Stream service is not running, its worker is being replaced; try again in a moment: ${status.detail}`;
      case "stopped":
        return "Stream service is not running: the server is shutting down";
      case "idle":
      case "starting":
        return "Stream service is not running: the pipeline is still starting; try again in a moment";
      case "running":
        return "";
    }
  }

  /** Stops the service and ends the worker, by force when it does not answer. */
  async stop(): Promise<void> {
    this.#status = { state: "stopped" };
    this.#pause?.cancel();
    await this.#run?.stop("the server is shutting down");
    await this.#over;
  }

  /** Starts a worker; resolves when the pipeline runs in it, or when it has not come up, which is told. */
  async #begin(failed: (detail: string) => void): Promise<void> {
    const { clock } = this.#options;
    const desk = new VideoDesk(this.#options);
    let run: PipelineRun;
    try {
      run = this.#run = new PipelineRun({ ...this.#options, desk, log: this.#log, counters: this.counters });
    } catch (error) {
      const detail = `its worker cannot be started: ${messageOf(error)}`;
      this.#log.error(detail);
      return failed(detail);
    }
    let ready: ReadyPipeline | undefined;
    let since = 0;
    const ended = this.#over = run.ended.then(async (detail) => {
      await desk.close();
      if (this.#status.state === "stopped") return;
      if (ready === undefined) failed(detail);
      else this.#lost(detail, clock.now() - since);
    });
    try {
      ready = await run.ready;
    } catch {
      return await ended;
    }
    if (this.#status.state === "stopped") return;
    since = clock.now();
    this.#status = { state: "running", ...ready };
  }

  /** @param ran seconds for which it ran */
  #lost(detail: string, ran: number): void {
    this.#lossesInARow = ran >= STEADY ? 1 : this.#lossesInARow + 1;
    this.#status = { state: "restarting", detail };
    const pause = Math.min(FIRST_PAUSE * 2 ** (this.#lossesInARow - 1), LONGEST_PAUSE);
    this.#log.info(`starting it anew in ${pause} s`);
    this.#pause = this.#options.clock.schedule(pause, () => {
      this.counters.restarts++;
      void this.#begin((next) => this.#lost(next, 0));
    });
  }
}
