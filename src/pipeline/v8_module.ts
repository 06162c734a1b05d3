/**
 * What `node:v8` is in the worker of a restricted pipeline: see `worker_modules.ts`. A named export of a built-in module
 * cannot be replaced. Here what changes the engine of the whole process is the method of the object, which the worker
 * replaces.
 *
 * @module
 */

import v8 from "node:v8";

export * from "node:v8";
export default v8;

/** As `v8.setFlagsFromString()`. */
export function setFlagsFromString(flags: string): void {
  v8.setFlagsFromString(flags);
}
