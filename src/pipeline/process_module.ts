/**
 * What `node:process` is in the server and its pipelines: the import map in deno.json puts it in that module's place. A
 * named export of a built-in module cannot be replaced, and that of `abort` ends the whole server from any worker. Here it
 * is the method of the object, which the worker replaces.
 *
 * @module
 */

import process from "node:process";

// @ts-expect-error: Node's types know one object only; when it runs, the module has named exports.
export * from "node:process";
export default process;

/** Ends the process at once; in a pipeline's worker, only that. */
export function abort(): void {
  process.abort();
}
