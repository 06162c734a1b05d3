import { FFmpegError } from "node-av";

/** Returns `result`, or throws with FFmpeg's own words when it is an error code. */
export function checked(result: number, action: string): number {
  if (result < 0) throw new Error(`could not ${action}: ${FFmpegError.strerror(result)}`);
  return result;
}
