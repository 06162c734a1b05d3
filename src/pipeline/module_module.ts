/**
 * What `node:module` is in the worker of a restricted pipeline: see `worker_modules.ts`. A named export of a built-in module
 * cannot be replaced. Here those that change how modules are loaded are the methods of the object, which the worker
 * replaces.
 *
 * @module
 */

import Module from "node:module";

// @ts-expect-error: Node's types know one object only; when it runs, the module has named exports.
export * from "node:module";
export default Module;

/** As `Module.registerHooks()`. */
export function registerHooks(...values: Parameters<typeof Module.registerHooks>): unknown {
  return Module.registerHooks(...values);
}
