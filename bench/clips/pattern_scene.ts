import { FilterGraph, Frame } from "node-av";
import { checked } from "./checked.ts";
import { FPS, HEIGHT, type Scene, WIDTH } from "./picture.ts";

const SOURCE = `testsrc2=size=${WIDTH}x${HEIGHT}:rate=${FPS},scale=out_range=full,format=yuvj420p,buffersink@out`;

/** FFmpeg's moving test picture `testsrc2`, in full range. */
export function patternScene(): Scene {
  const graph = new FilterGraph();
  graph.alloc();
  checked(graph.parsePtr(SOURCE), "parse the test picture's filter graph");
  checked(graph.configSync(), "configure the test picture's filter graph");
  const sink = graph.getFilter("buffersink@out");
  if (sink === null) throw new Error("the filter graph has no sink");
  const frame = new Frame();
  frame.alloc();
  return (picture) => {
    // The sink dies with its graph: keep it reachable.
    if (graph.filters === null) throw new Error("the filter graph has been freed");
    checked(sink.buffersinkGetFrameSync(frame), "draw the test picture");
    const packed = frame.toBuffer();
    const luma = WIDTH * HEIGHT;
    picture.luma.set(packed.subarray(0, luma));
    picture.u.set(packed.subarray(luma, luma * 1.25));
    picture.v.set(packed.subarray(luma * 1.25, luma * 1.5));
    frame.unref();
  };
}
