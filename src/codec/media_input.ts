import { Dictionary, type FormatContext } from "node-av/lib";
import { check } from "./native.ts";

/**
 * Kinds of files that are opened, by FFmpeg's names: those that hold all that they show. Playlists, and series of pictures
 * under a pattern of names, would lead on to files that nobody was asked for.
 */
const FORMATS =
  "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,mxf,nut,ivf,h264,hevc,av1,m4v,mjpeg,yuv4mpegpipe,gif,apng";

/**
 * Opens a video file, and that file alone.
 *
 * @throws StreamError `invalid_frame` when it is missing, or of a kind that is not opened
 */
export async function openInput(format: FormatContext, path: string): Promise<void> {
  using options = Dictionary.fromObject({ format_whitelist: FORMATS, protocol_whitelist: "file" });
  check(await format.openInput(path, null, options), `cannot open the video ${path}`);
}
