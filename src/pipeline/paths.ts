/** Path helpers of the platform, in one place because JSR's `@std/path` cannot be reached where this is built. */
export { dirname, extname, isAbsolute, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The path of a file URL. */
export function fromFileUrl(url: URL): string {
  return fileURLToPath(url);
}

/** The file URL of a path. */
export function toFileUrl(path: string): URL {
  return pathToFileURL(path);
}
