/**
 * Which files a restricted worker must be able to read before a pipeline can import `imagescript`.
 *
 * Nothing of the package is loaded here, so the host may import this module.
 *
 * @module
 */

/** The package's own name resolves to the package here, not to this folder's door to it: see `scopes` in deno.json. */
const PACKAGE = "imagescript";

/**
 * Read paths to grant to a worker whose pipeline imports `imagescript`: the modules of this folder that stand in for
 * the package, and the folder of its WebAssembly modules, which it reads when a picture is decoded or text is drawn.
 * Deno's module loader needs no permission for the package's own scripts. The native codecs are not among the paths.
 */
export function imagescriptReadUrls(): URL[] {
  return [
    new URL("./imagescript.ts", import.meta.url),
    new URL("./imagescript_loader.ts", import.meta.url),
    new URL("./wasm/any/", import.meta.resolve(PACKAGE)),
  ];
}
