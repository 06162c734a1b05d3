/**
 * Ways out of the worker, each with a proof that is looked for outside of it.
 *
 * @module
 */

import type { Attempt } from "./attempt.ts";
import { READING, WRITING } from "./files.ts";
import { INSPECTION, PRINTED, PROMPTS, STORAGE, WORKERS } from "./inside.ts";
import { MEDIA } from "./media.ts";
import { MESSAGES, TAMPERING } from "./messages.ts";
import { NETWORK, REMOTE } from "./network.ts";
import { EXITS_OF_ALL, NATIVE, PROCESS, PROGRAMS, SIGNALS } from "./programs.ts";
import { ENVIRONMENT, SYSTEM } from "./surroundings.ts";

export * from "./attempt.ts";

/** All attempts. */
export const CORPUS: readonly Attempt[] = [
  ...READING,
  ...WRITING,
  ...MEDIA,
  ...ENVIRONMENT,
  ...SYSTEM,
  ...PROGRAMS,
  ...NATIVE,
  ...SIGNALS,
  ...EXITS_OF_ALL,
  ...PROCESS,
  ...NETWORK,
  ...REMOTE,
  ...WORKERS,
  ...STORAGE,
  ...INSPECTION,
  ...PRINTED,
  ...PROMPTS,
  ...MESSAGES,
  ...TAMPERING,
];
