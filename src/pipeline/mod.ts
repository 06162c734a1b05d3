/**
 * The user's code behind a wall: contract, module graph, permissions, worker and the host that talks to it.
 *
 * Whatever the pipeline does, the rest of the server sees checked chunks, an end with or without an error, and a status.
 *
 * @module
 */
export { type ChunkFault, type KeyFrameProbe, parseChunk, type PipelineChunk } from "./chunk_schema.ts";
export type { SessionEnd } from "./contract.ts";
export { Inbox, type InputCounters } from "./inbox.ts";
export { isWithin, type ModuleGraph, type ParsedPipeline, readModuleGraph, readPipeline } from "./module_graph.ts";
export { type Grants, permissionsFor, type PipelinePermissions, refuseGrants } from "./permissions.ts";
export { levelsText, SECURITY_LEVEL_NAMES, SECURITY_LEVELS, type SecurityLevel } from "./security_levels.ts";
export { type Finding, RULES } from "./validation/finding.ts";
export { findingsText, verdictText } from "./validation/report.ts";
export { validatePipeline } from "./validation/validate.ts";
export { childCommand } from "./child_command.ts";
export { DEFAULT_LIMITS, type PipelineLimits } from "./limits.ts";
export { PipelineHost, type PipelineHostOptions, type PipelineStatus } from "./pipeline_host.ts";
export type { OpenLink } from "./pipeline_link.ts";
export type { PipelineCounters, StreamMode } from "./pipeline_run.ts";
export { PipelineSession, type SessionOwner } from "./pipeline_session.ts";
export type { ViewerMedia } from "./viewer_media.ts";
export { processLink } from "./process_link.ts";
export { workerLink } from "./worker_link.ts";
