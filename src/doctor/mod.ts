/**
 * Tries what works from here and says it in plain words: this machine with its settings, or the way to a server as a
 * viewer goes it. Everything is bounded in time, and whatever was opened is closed again.
 *
 * @module
 */
export { type Check, type CheckStatus } from "./check.ts";
export { diagnose, type DoctorOptions } from "./doctor.ts";
export { type Report, reportText } from "./report.ts";
