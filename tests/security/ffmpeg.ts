import { FormatContext } from "node-av/lib";

/** The size of what FFmpeg opens under a name when nothing holds it back; null when it opens nothing. */
export async function openedByFfmpeg(path: string): Promise<string | null> {
  const format = new FormatContext();
  try {
    if (await format.openInput(path, null, null) < 0 || await format.findStreamInfo(null) < 0) return null;
    const size = format.streams?.[0]?.codecpar;
    return size === undefined ? null : `${size.width}x${size.height}`;
  } finally {
    await format.closeInput();
  }
}
