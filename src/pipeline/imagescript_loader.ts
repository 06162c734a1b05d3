/**
 * Loads the npm package `imagescript` so that it works inside a restricted worker. Three things stand in its way there:
 *
 * 1. It loads a native addon for its encoders, which needs `ffi`. Without that permission a stand-in takes the addon's
 *    place; its encoders throw and say what to do instead.
 * 2. Its scripts read one variable of `process.env` while they load. They find an empty environment for that moment.
 * 3. Its font module takes its text codec from `Deno.core`, which Deno no longer has. It finds one while it starts.
 *
 * Nothing stays patched for the pipeline, and no permission is asked for.
 *
 * @module
 */

import { createRequire, Module } from "node:module";
import process from "node:process";

/** The package's `wasm/node/font.js`: `new()` makes one WebAssembly instance with its Font and Layout classes. */
interface FontModule {
  new: () => unknown;
}

const packageUrl = import.meta.resolve("imagescript");
const require = createRequire(packageUrl);

if (!mayLoadCodecs()) replaceCodecs();
withEmptyEnvironment(() => require("./ImageScript.js"));
repairFonts(require("./wasm/node/font.js"));

function mayLoadCodecs(): boolean {
  const path = new URL("./codecs/node/bin/", packageUrl);
  return Deno.permissions.querySync({ name: "ffi", path }).state === "granted";
}

/** Puts a module without native code where `require` looks for the codecs. */
function replaceCodecs(): void {
  const path = require.resolve("./codecs/node/index.js");
  const standIn = new Module(path);
  standIn.filename = path;
  standIn.loaded = true;
  standIn.exports = {
    jpeg: { encode_async: () => refuse("encodeJPEG()") },
    webp: { encode_async: () => refuse("encodeWEBP()") },
    gif: {
      encoder: function encoder() {
        refuse("GIF.encode()");
      },
    },
  };
  require.cache[path] = standIn;
}

function refuse(call: string): never {
  throw new Error(
    `imagescript: ${call} needs native code, which this pipeline may not load. Yield the pixels instead and let the ` +
      `server encode them: frames: [{ format: "rgba", data: new Uint8Array(image.bitmap), width: image.width, ` +
      `height: image.height }]`,
  );
}

function withEmptyEnvironment(load: () => void): void {
  const env = Object.getOwnPropertyDescriptor(process, "env");
  if (env === undefined) return load();
  Object.defineProperty(process, "env", { ...env, value: {} });
  try {
    load();
  } finally {
    Object.defineProperty(process, "env", env);
  }
}

function repairFonts(fonts: FontModule): void {
  if ("core" in Deno) return;
  const create = fonts.new;
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const core = {
    encode: (text: string) => encoder.encode(text),
    decode: (bytes: Uint8Array) => decoder.decode(bytes),
  };
  fonts.new = function newInstance() {
    Object.defineProperty(Deno, "core", { configurable: true, value: core });
    try {
      return create.call(fonts);
    } finally {
      Reflect.deleteProperty(Deno, "core");
    }
  };
}
