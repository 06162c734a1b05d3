/**
 * The drawing package of pipelines: what `import { Image } from "imagescript"` gives inside the server. It is the npm
 * package of that name with its own types, made to load where native code, the environment and most files are out of
 * reach.
 *
 * Everything draws and decodes at every security level. The encoders `encodeJPEG`, `encodeWEBP` and `GIF.encode` need
 * native code: without the permission `ffi` they throw an Error that says to yield raw `rgba` frames instead.
 *
 * @module
 */

import "./imagescript_loader.ts";

export * from "imagescript";
