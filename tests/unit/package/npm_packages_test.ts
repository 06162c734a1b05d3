import assert from "node:assert/strict";
import { type Lock, lockFor } from "../../../scripts/package/npm_packages.ts";
import { shipsFromPackage } from "../../../scripts/package/shipped_files.ts";

const integrity = "sha512-";
const PLATFORM = { os: "linux", cpu: "x64" };

/** A lock in which `app` uses `left@1`, and nothing uses `stray`. */
const LOCK: Lock = {
  version: "5",
  specifiers: {},
  npm: {
    "@scope/tool@1.0.0": { integrity, dependencies: ["left@1.0.0"] },
    "app@2.0.0": { integrity, dependencies: ["@scope/tool", "left@2.0.0"], scripts: true },
    "left@1.0.0": { integrity },
    "left@2.0.0": { integrity },
    "native-linux@1.0.0": { integrity, os: ["linux"], cpu: ["x64"] },
    "native-mac@1.0.0": { integrity, os: ["darwin"], cpu: ["arm64"] },
    "node-av@6.0.0": {
      integrity,
      dependencies: ["unzipper"],
      optionalDependencies: ["native-linux", "native-mac", "werift@0.1.0"],
    },
    "stray@1.0.0": { integrity },
    "unzipper@1.0.0": { integrity },
    "werift@0.1.0": { integrity, dependencies: ["stray"] },
  },
};

Deno.test("what a package depends on comes along in its own version, what nobody asked for stays", () => {
  const { npm, specifiers } = lockFor(["npm:app@2.0.0"], { lock: LOCK, platform: PLATFORM });
  assert.deepEqual(Object.keys(npm), ["@scope/tool@1.0.0", "app@2.0.0", "left@1.0.0", "left@2.0.0"]);
  assert.deepEqual(specifiers, { "npm:app@2.0.0": "2.0.0" });
  assert.equal(npm["app@2.0.0"]?.scripts, undefined);
});

Deno.test("native code is taken for one platform, and what node-av never loads here stays", () => {
  const { npm } = lockFor(["npm:node-av@6.0.0"], { lock: LOCK, platform: PLATFORM });
  assert.deepEqual(Object.keys(npm), ["native-linux@1.0.0", "node-av@6.0.0"]);
  assert.deepEqual(npm["node-av@6.0.0"]?.optionalDependencies, ["native-linux@1.0.0"]);
});

Deno.test("a package that the lock lacks is named", () => {
  assert.throws(() => lockFor(["npm:new@1.0.0"], { lock: LOCK, platform: PLATFORM }), /no package new@1\.0\.0/);
});

Deno.test("of a package ships what is loaded and its licence; types, maps, tests and other platforms stay", () => {
  const ships = (path: string) => shipsFromPackage(path, PLATFORM);
  const kept = [
    "hono/dist/index.js",
    "hono/LICENSE",
    "zod/LICENSE.md",
    "imagescript/wasm/any/svg.wasm",
    "imagescript/codecs/node/bin/x64-linux.node",
    "werift/lib/index.mjs",
    "werift/package.json",
  ];
  assert.deepEqual(kept.filter((path) => !ships(path)), []);
  const left = [
    ".bin/parser",
    "hono/dist/index.d.ts",
    "hono/dist/index.js.map",
    "hono/README.md",
    "node-av/.scripts-warned-1",
    "imagescript/codecs/node/bin/x64-win32.node",
    "werift/lib/webrtc/src/index.js",
    "imagescript/tests/a.js",
  ];
  assert.deepEqual(left.filter(ships), []);
});
