/**
 * The command line: one file a command.
 *
 * @module
 */
export { EXIT, run } from "./program.ts";
