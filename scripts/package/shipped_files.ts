import type { Platform } from "./npm_packages.ts";

/** What programs do not read. */
const NOT_READ = /\.(?:[cm]?tsx?|map|flow|md|markdown|html|ya?ml|tsbuildinfo|sh|ivf)$/i;
/** What has to go along, whatever it is called. */
const LICENCES = /^(?:licen[cs]e|copying|notice|authors|third.?party)/i;
const WORK_FOLDERS = /(?:^|\/)(?:__tests__|tests?|docs?|examples?|benchmarks?|coverage)\//;

/** What single packages bring along that is not loaded here. */
const UNUSED: readonly RegExp[] = [
  // Compiled twice: the one file index.mjs is what is imported.
  /^werift\/lib\/(?!index\.mjs$|package\.json$)/,
  // A bundle for pages, and the same in other shapes.
  /^mediabunny\/dist\/bundles\/mediabunny\.(?:min\..*|cjs)$/,
  /^zod\/src\//,
  /^node-av\/(?:install|dist\/ffmpeg|dist\/webrtc)\//,
];

/** Native encoders of imagescript, one file for each platform: `x64-linux.node`. */
const IMAGESCRIPT_CODECS = /^imagescript\/codecs\/node\/bin\/(.+)\.node$/;

/** Whether a file of `node_modules` (its path in there) ships: what is loaded at run time, and licences. */
export function shipsFromPackage(path: string, { os, cpu }: Platform): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (name.startsWith(".") || path.startsWith(".")) return false;
  if (LICENCES.test(name)) return true;
  const codecs = IMAGESCRIPT_CODECS.exec(path);
  if (codecs !== null) return codecs[1] === `${cpu}-${os}`;
  return !NOT_READ.test(name) && !WORK_FOLDERS.test(path) && UNUSED.every((pattern) => !pattern.test(path));
}
