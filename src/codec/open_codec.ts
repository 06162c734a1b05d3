import { Codec, CodecContext, type Stream } from "node-av/lib";
import { StreamError } from "../errors.ts";
import { check } from "./native.ts";

/** A decoder for a stream of a file. */
export function openDecoder(stream: Stream): CodecContext {
  const codec = Codec.findDecoder(stream.codecpar.codecId);
  if (codec === null) throw new StreamError("invalid_frame", "this FFmpeg cannot decode the file's codec");
  const context = new CodecContext();
  context.allocContext3(codec);
  check(context.parametersToContext(stream.codecpar), "cannot set the decoder up");
  context.pktTimebase = stream.timeBase;
  return opened(context, codec, "cannot open the decoder");
}

/** Opens a codec, or frees it and throws. */
export function opened(context: CodecContext, codec: Codec, what: string): CodecContext {
  const result = context.open2Sync(codec, null);
  if (result < 0) context.freeContext();
  check(result, what);
  return context;
}
