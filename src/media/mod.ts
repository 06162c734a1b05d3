/**
 * Plain media values and the seams between rooms. No behaviour, no dependencies.
 *
 * @module
 */
export * from "./frame.ts";
export * from "./reader.ts";
export * from "./viewer_media.ts";
export * from "./video_file.ts";
