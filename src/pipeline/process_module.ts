/**
 * What `node:process` is in the server and its pipelines: the import map in deno.json puts it in that module's place, and
 * `worker_modules.ts` where that map does not hold. A named export of a built-in module cannot be replaced, and some of them
 * act on the whole server from any worker. Here those are the methods of the object, which the worker replaces.
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

/** Changes the working folder, which is that of the whole process; a worker refuses. */
export function chdir(folder: string): void {
  process.chdir(folder);
}

/** Sets variables of the whole process as a file says. */
export function loadEnvFile(path?: string | URL): void {
  process.loadEnvFile(path);
}
