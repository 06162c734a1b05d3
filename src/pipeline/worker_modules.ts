/**
 * Which modules a restricted pipeline is given, whoever asks for them and however. Deno's permissions and the server's import
 * map hold for most of the ways in which a module is loaded, but not for all. Where the server has its packages in a folder
 * `node_modules`, as the executable does, all that lies below a folder of that name is a package's: it is read without a
 * permission, and what it imports is resolved past the import map. So is what other code imports that is said to lie there,
 * and what a hook of the pipeline's own would bring.
 *
 * What is called here later runs beside the pipeline: it uses nothing that the pipeline may have replaced in the meantime.
 *
 * @module
 */

import Module from "node:module";
import v8 from "node:v8";
import { imagescriptReadUrls } from "./imagescript_files.ts";
import { fromFileUrl } from "./paths.ts";
import { type Method, refusal, replace } from "./worker_refusal.ts";
// These are to have taken what they stand in for before anything is redirected.
import "./module_module.ts";
import "./process_module.ts";
import "./v8_module.ts";

/** Modules in place of those whose named exports reach beyond the worker, by address. */
const STAND_INS: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  "node:module": new URL("./module_module.ts", import.meta.url).href,
  "node:process": new URL("./process_module.ts", import.meta.url).href,
  "node:v8": new URL("./v8_module.ts", import.meta.url).href,
});

const OF_PACKAGES = /(?:^|[\\/])node_modules(?:[\\/]|$)/i;
/** Addresses that name no file, whatever stands in them. */
const OF_NO_FILE = /^(?:data|blob|node):/;
const ROUNDABOUT = /%|(?:^|[\\/])\.\.(?:[\\/]|$)/;

const { apply } = Reflect;
const { exec } = RegExp.prototype;
const { slice, startsWith } = String.prototype;
const { stringify } = JSON;
const encode = encodeURIComponent;
const decode = decodeURIComponent;
const BadEscape = URIError;
const Address = URL;
const hrefOf = Object.getOwnPropertyDescriptor(URL.prototype, "href")?.get as () => string;

/** Sees to it from now on. */
export function guardModules(): void {
  const isForeign = foreignTo(drawingPackage());
  Module.registerHooks({
    resolve: (specifier, context, next) => {
      const refused = isRequire(context.conditions) ? thrown : failing;
      let found: ReturnType<typeof next>;
      let url: string;
      try {
        found = next(specifier, context);
        url = normal(found.url);
      } catch (error) {
        return refused(error);
      }
      // What is required of a built-in module is its object, in which all is replaced.
      const standIn = refused === thrown ? undefined : STAND_INS[url];
      if (standIn !== undefined) return { url: standIn, format: "module", shortCircuit: true };
      if (apply(exec, OF_NO_FILE, [url]) !== null || !isForeign(url)) return found;
      return refused(new Error("a pipeline cannot import what lies below a folder node_modules"));
    },
  });
  guardRequired(isForeign);
  replace(Module, "registerHooks", refusal("change how modules are loaded"));
  replace(v8, "setFlagsFromString", refusal("set flags of the engine"));
}

/** An address as it is understood in the end: ` NODE:process` is `node:process`. */
function normal(address: string): string {
  return apply(hrefOf, new Address(address), []);
}

/** By what Deno says of the way in which a module is asked for. */
function isRequire(conditions: readonly string[] | undefined): boolean {
  for (let i = 0; conditions !== undefined && i < conditions.length; i++) if (conditions[i] === "require") return true;
  return false;
}

function thrown(error: unknown): never {
  throw error;
}

/** A module that throws when it is loaded: what is thrown while a static import is resolved would be passed over. */
function failing(reason: unknown) {
  const source = `throw new Error(${stringify(reason instanceof Error ? reason.message : `${reason}`)})`;
  return { url: `data:text/javascript,${encode(source)}`, format: "module" as const, shortCircuit: true };
}

/**
 * What `require()` comes to for each kind of file; it may be called for any path, and nothing but CommonJS is compiled. An
 * ES module that is required would have its own imports resolved while the stack is as full as the pipeline likes.
 */
function guardRequired(isForeign: (path: string) => boolean): void {
  const { _extensions: loads, prototype } = Module as unknown as {
    _extensions: Record<string, Method>;
    prototype: { _compile: Method };
  };
  const guarded = (load: Method): Method =>
    function guarded(module, path) {
      if (typeof path !== "string" || isForeign(path)) {
        throw new Error("a pipeline cannot require what lies below a folder node_modules");
      }
      return apply(load, this, [module, path]);
    };
  const refuse = refusal("require an ES module");
  const { ".cjs": script = refuse, ".json": json = refuse, ".node": addon = refuse } = loads;
  const kinds: Record<string, Method> = { ".js": script, ".cjs": script, ".json": json, ".node": addon };
  for (const name of Object.keys(loads)) replace(loads, name, guarded(kinds[name] ?? refuse));
  const { _compile: compile } = prototype;
  replace(prototype, "_compile", function compiled(this: unknown, source: unknown, path: unknown) {
    return apply(compile, this, [source, path, "commonjs"]);
  });
}

/** Whether an address or a path leads through a folder `node_modules` to something else than what lies in these folders. */
function foreignTo(folders: readonly string[]): (path: string) => boolean {
  return function isForeign(path) {
    if (apply(exec, OF_PACKAGES, [path]) === null && apply(exec, OF_PACKAGES, [decoded(path)]) === null) return false;
    for (let i = 0; i < folders.length; i++) {
      const folder = folders[i] as string;
      if (apply(startsWith, path, [folder])) {
        return apply(exec, ROUNDABOUT, [apply(slice, path, [folder.length])]) !== null;
      }
    }
    return true;
  };
}

/** A `%` that stands for itself is no escape. */
function decoded(path: string): string {
  try {
    return decode(path);
  } catch (error) {
    if (error instanceof BadEscape) return path;
    throw error;
  }
}

/** Where the files of the drawing package are: as an address, as a path, and as a path without links. */
function drawingPackage(): readonly string[] {
  const wasm = imagescriptReadUrls().find(({ pathname }) => pathname.endsWith("/wasm/any/"));
  if (wasm === undefined) return [];
  const folder = fromFileUrl(wasm);
  return [wasm.href, folder, `${realPath(folder)}/`].map((path) => path.replace(/wasm\/any\/$/, ""));
}

/** The path without links; as it is where it may not be read, so that nothing is drawn there. */
function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return path;
    throw error;
  }
}
