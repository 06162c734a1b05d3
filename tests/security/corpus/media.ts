import { ARRIVES, type Attempt, attempts, type Control, tells } from "./attempt.ts";

const VIDEO = tells("video");

/** Opens a video by an expression for its name and gives its size. */
function open(path: string): string {
  return `const v = await context.openVideo(${path}, { format: "rgba" }); for await (const f of v.frames()) break; ` +
    `await v.close(); return v.width + "x" + v.height;`;
}

const NAMES: { readonly control: Control } = { control: { never: "names are paths, at every level" } };
const NO_VIDEO: { readonly control: Control } = { control: { never: "it holds no video" } };

/** A list in the pipeline's folder that leads on to something else. */
const leads = (file: string) => ({ control: { ffmpeg: file } });

/** What the host opens for a pipeline: only videos that it may see, and nothing that leads on from them. */
export const MEDIA: readonly Attempt[] = attempts([
  ["media.own", VIDEO, open("t.folder + '/own.mp4'"), { allowed: ["standard"] }],
  ["media.parent", VIDEO, open("t.video")],
  ["media.parent_by_dots", VIDEO, open("'../secret.mp4'")],
  ["media.symlink", VIDEO, open("'link.mp4'")],
  ["media.symlink_folder", VIDEO, open("'linked/secret.mp4'")],
  ["media.proc_root", VIDEO, open("'/proc/self/root' + t.video")],
  ["media.file_url", VIDEO, open("'file:' + t.video"), NAMES],
  ["media.concat_protocol", VIDEO, open("'concat:' + t.video"), NAMES],
  ["media.subfile_protocol", VIDEO, open("'subfile,,start,0,end,0,,:' + t.video"), NAMES],
  ["media.http", ARRIVES, open("t.http + '/' + t.mark"), NAMES],
  ["media.unix", ARRIVES, open("'unix:' + t.unix"), NAMES],
  ["media.device", VIDEO, open("'/dev/zero'"), NO_VIDEO],
  ["media.descriptor", tells("input"), open("'/dev/stdin'"), NO_VIDEO],
  ["media.list_concat", VIDEO, open("'list.ffconcat'"), leads("list.ffconcat")],
  ["media.list_concat_as_mp4", VIDEO, open("'list_as.mp4'"), leads("list_as.mp4")],
  ["media.list_concat_http", ARRIVES, open("'http.ffconcat'"), {
    control: { never: "FFmpeg takes no addresses in it" },
  }],
  ["media.list_hls", VIDEO, open("'list.m3u8'"), leads("list.m3u8")],
  ["media.list_hls_as_mp4", VIDEO, open("'hls_as.mp4'"), {
    control: { never: "FFmpeg takes such a list under its own ending only" },
  }],
  ["media.list_hls_http", ARRIVES, open("'http.m3u8'"), { control: { never: "FFmpeg takes no addresses in a file" } }],
  ["media.picture_pattern", VIDEO, open("'frame%d.png'"), leads("frame%d.png")],
]);
