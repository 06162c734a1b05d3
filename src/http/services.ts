import type { Clock } from "../async/mod.ts";
import type { Config } from "../config/mod.ts";
import type { PipelineHost, PipelinePermissions } from "../pipeline/mod.ts";
import type { Answered, SessionRegistry } from "../session/mod.ts";
import type { IceServer } from "../webrtc/mod.ts";
import type { OfferRequest } from "./offer_schema.ts";

/** What the routes work on; made by the composition root. */
export interface Services {
  readonly config: Config;
  readonly clock: Clock;
  readonly registry: SessionRegistry;
  readonly pipeline: PipelineHost;
  readonly permissions: PipelinePermissions;
  /** Path of the pipeline as the operator gave it. */
  readonly pipelineFile: string;
  /** Opens a session for an offer, or resumes one; `remote` is the address the request came from. */
  openSession(offer: OfferRequest, remote: string): Promise<Answered>;
  /** The STUN and TURN servers for a viewer whose request came from there. */
  iceServers(remote: string): IceServer[];
}

/** What Hono hands to every route of this server. */
export interface AppEnv {
  Bindings: {
    /** Address the request came from. */
    readonly remote: string;
  };
}
