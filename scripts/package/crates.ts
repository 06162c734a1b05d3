import { Buffer } from "node:buffer";
import { idOf, type Part } from "./parts.ts";

/** Where Cargo puts the sources of crates: what panics of Rust print, so that names and versions are in the file. */
const SOURCES = "registry/src/";
const CRATE = /^registry\/src\/[\w.-]+\/([A-Za-z][\w-]*?)-(\d+\.\d+\.\d+(?:[-+][\w.+-]+)?)\//;

/** Licences of crates in `imagescript`, and those of Deno's that ask for more than a notice. */
const LICENCES: Readonly<Record<string, string>> = {
  "addr2line": "Apache-2.0 OR MIT",
  "adler32": "Zlib",
  "arrayvec": "MIT OR Apache-2.0",
  "bytemuck": "Zlib OR Apache-2.0 OR MIT",
  "color_quant": "MIT",
  "crc": "MIT OR Apache-2.0",
  "crossbeam-deque": "MIT OR Apache-2.0",
  "crossbeam-epoch": "MIT OR Apache-2.0",
  "cssparser": "MPL-2.0",
  "data-url": "MIT OR Apache-2.0",
  "flate2": "MIT OR Apache-2.0",
  "gif": "MIT OR Apache-2.0",
  "gimli": "MIT OR Apache-2.0",
  "hashbrown": "MIT OR Apache-2.0",
  "image": "MIT",
  "imagequant": "GPL-3.0-or-later",
  "jpeg-decoder": "MIT OR Apache-2.0",
  "kurbo": "MIT OR Apache-2.0",
  "miniz_oxide": "MIT OR Zlib OR Apache-2.0",
  "mtpng": "MIT",
  "napi": "MIT",
  "png": "MIT OR Apache-2.0",
  "rayon-core": "MIT OR Apache-2.0",
  "rctree": "MIT",
  "resvg": "MPL-2.0",
  "roxmltree": "MIT OR Apache-2.0",
  "rustc-demangle": "MIT OR Apache-2.0",
  "serde": "MIT OR Apache-2.0",
  "simplecss": "MIT OR Apache-2.0",
  "smartstring": "MPL-2.0",
  "svgfilters": "MPL-2.0",
  "svgtypes": "MIT OR Apache-2.0",
  "tiff": "MIT",
  "tiny-skia": "BSD-3-Clause",
  "usvg": "MPL-2.0",
  "weezl": "MIT OR Apache-2.0",
  "xmlparser": "MIT OR Apache-2.0",
};

/**
 * The Rust crates that files name in the paths of their sources; a crate that cannot panic leaves no path and is missed.
 *
 * @param files Contents by the name to say where it was found
 */
export function cratesIn(files: Iterable<readonly [name: string, bytes: Uint8Array]>): Part[] {
  const found = new Map<string, { name: string; version: string; files: Set<string> }>();
  for (const [file, bytes] of files) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = text.indexOf(SOURCES); at !== -1; at = text.indexOf(SOURCES, at + SOURCES.length)) {
      const [, name, version] = CRATE.exec(text.toString("latin1", at, at + 160)) ?? [];
      if (name === undefined || version === undefined) continue;
      const entry = found.get(idOf({ name, version })) ?? { name, version, files: new Set() };
      found.set(idOf({ name, version }), entry);
      entry.files.add(file);
    }
  }
  return [...found].toSorted(([one], [other]) => one < other ? -1 : 1).map(([id, { name, version, files }]) => ({
    name,
    version,
    kind: "library",
    purl: `pkg:cargo/${name}@${encodeURIComponent(version)}`,
    ...(Object.hasOwn(LICENCES, name) ? { licence: LICENCES[name] as string } : {}),
    evidence: { how: "found in the file", what: `path of a source of ${id}`, files: [...files].toSorted() },
  }));
}
