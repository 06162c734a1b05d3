import { parse } from "@babel/parser";
import { type Attempt, CORPUS } from "./corpus/mod.ts";

/** A way to write the same thing differently. */
interface Mutation {
  readonly name: string;
  /** The source anew; the same text when the mutation has nothing to hold on to. */
  apply(source: string, random: () => number): string;
}

/** Names of globals through which a pipeline reaches out, before a point. */
const GLOBAL = /(?<![\w$.'"`\]])(Deno|process|caches|navigator|self)(?=\.[a-zA-Z_])/g;
/** A member of one of them. */
const MEMBER = /(?<![\w$.'"`])(Deno|process|caches|navigator)\.([a-zA-Z_]+)/g;
/** A module that is loaded by a name in quotes. */
const IMPORT = /import\('([^'\\]+)'\)/g;
/** A call of a global function or class. */
const FUNCTION = /(?<![\w$.'"`])(?:new )?(fetch|Worker|WebSocket|EventSource|BroadcastChannel|WebTransport)(?=\()/g;

const MUTATIONS: readonly Mutation[] = [
  { name: "alias", apply: (text) => onEveryGlobal(text, (name) => `(() => { const a = ${name}; return a; })()`) },
  { name: "brackets", apply: (text) => text.replace(MEMBER, (_, owner, key) => `${owner}['${key}']`) },
  { name: "global_this", apply: (text) => onEveryGlobal(text, (name) => `globalThis.${name}`) },
  { name: "global_this_brackets", apply: (text) => onEveryGlobal(text, (name) => `globalThis['${name}']`) },
  { name: "pieces", apply: (text, random) => onEveryGlobal(text, (name) => `globalThis[${pieces(name, random)}]`) },
  {
    name: "joined",
    apply: (text) => onEveryGlobal(text, (name) => `globalThis[${JSON.stringify([...name])}.join('')]`),
  },
  {
    name: "char_codes",
    apply: (text) => onEveryGlobal(text, (name) => `globalThis[String.fromCharCode(${codes(name)})]`),
  },
  { name: "base64", apply: (text) => onEveryGlobal(text, (name) => `globalThis[atob('${btoa(name)}')]`) },
  {
    name: "reversed",
    apply: (text) => onEveryGlobal(text, (name) => `globalThis[[...'${flip(name)}'].reverse().join('')]`),
  },
  { name: "escapes", apply: (text, random) => onEveryGlobal(text, (name) => escaped(name, random)) },
  { name: "escapes_in_text", apply: (text) => onEveryGlobal(text, (name) => `globalThis['${hex(name)}']`) },
  { name: "reflect", apply: (text) => onEveryGlobal(text, (name) => `Reflect.get(globalThis, '${name}')`) },
  {
    name: "reflect_member",
    apply: (text) => text.replace(MEMBER, (_, o, key) => called(`Reflect.get(${o}, '${key}')`, o)),
  },
  { name: "descriptor", apply: (text) => onEveryGlobal(text, viaDescriptor) },
  { name: "optional", apply: (text) => text.replace(MEMBER, (_, owner, key) => `${owner}?.${key}`) },
  { name: "comma", apply: (text) => onEveryGlobal(text, (name) => `(0, ${name})`) },
  { name: "destructured", apply: (text) => onEveryGlobal(text, (name) => `(({ ${name}: d }) => d)(globalThis)`) },
  {
    name: "template",
    apply: (text, random) => onEveryGlobal(text, (name) => `globalThis[\`${holes(name, random)}\`]`),
  },
  { name: "function_text", apply: (text) => onEveryGlobal(text, (name) => `Function('return ${name}')()`) },
  { name: "eval_text", apply: (text) => onEveryGlobal(text, (name) => `(0, eval)('${name}')`) },
  { name: "constructor", apply: (text) => onEveryGlobal(text, (name) => `(() => {}).constructor('return ${name}')()`) },
  { name: "array_of", apply: (text) => onEveryGlobal(text, (name) => `[${name}].at(-1)`) },
  { name: "proxy", apply: (text) => onEveryGlobal(text, (name) => `[...new Map([[1, ${name}]]).values()][0]`) },
  { name: "default", apply: (text) => onEveryGlobal(text, (name) => `((d = ${name}) => d)()`) },
  { name: "comment", apply: (text) => text.replace(MEMBER, (_, owner, key) => `${owner}/* . */./**/${key}`) },
  { name: "import_pieces", apply: (text, random) => onEveryImport(text, (name) => pieces(name, random)) },
  { name: "import_variable", apply: (text) => onEveryImport(text, (name) => `[ '${name}' ][0]`) },
  { name: "import_template", apply: (text, random) => onEveryImport(text, (name) => `\`${holes(name, random)}\``) },
  { name: "import_escapes", apply: (text) => onEveryImport(text, (name) => `'${hex(name)}'`) },
  {
    name: "import_bare",
    apply: (text) => text.replace(IMPORT, (_, name) => `import('${name.replace(/^node:/, "")}')`),
  },
  { name: "import_built_in", apply: (text) => text.replace(/import\('(node:[^'\\]+)'\)/g, viaBuiltin) },
  { name: "import_required", apply: (text) => text.replace(/import\('(node:[^'\\]+)'\)/g, viaRequire) },
  { name: "import_from_text", apply: (text) => text.replace(IMPORT, (_, name) => `(0, eval)("import('${name}')")`) },
  { name: "function_global", apply: (text) => onEveryFunction(text, (name) => `globalThis['${name}']`) },
  {
    name: "function_pieces",
    apply: (text, random) => onEveryFunction(text, (name) => `globalThis[${pieces(name, random)}]`),
  },
  {
    name: "function_reflect",
    apply: (text) => onEveryFunction(text, (name) => `(Reflect.get(globalThis, '${name}'))`),
  },
  { name: "function_alias", apply: (text) => onEveryFunction(text, (name) => `((f) => f)(${name})`) },
];

/**
 * The attempts of the corpus, written differently: those that can share a worker, and whose proof is outside of it. Always
 * the same ones for the same seed.
 */
export function variantsOf(
  { seed, level, count }: { seed: number; level: "strict" | "standard"; count: number },
): Attempt[] {
  const random = randomFrom(seed);
  const bases = CORPUS.filter(({ id, alone, allowed, control }) =>
    !alone && !allowed.includes(level) && control === "permissive" && !id.startsWith("remote.npm")
  );
  const all = bases.flatMap((base) =>
    MUTATIONS.flatMap(({ name, apply }) => {
      const body = apply(base.body, random);
      return body === base.body || !parses(body) ? [] : [{ ...base, id: `${base.id}.${name}`, body }];
    })
  );
  const order = all.map((variant) => ({ variant, at: random() })).sort((a, b) => a.at - b.at);
  return order.slice(0, count).map(({ variant }) => variant);
}

/** Some places take no expression in place of a name. */
function parses(body: string): boolean {
  const source = `async function attempt(t, context) {\n${body}\n}`;
  try {
    parse(source, { sourceType: "module" });
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function onEveryGlobal(source: string, made: (name: string) => string): string {
  // In brackets, so that `new` takes all of it.
  return source.replace(GLOBAL, (_, name: string) => `(${made(name)})`);
}

function onEveryImport(source: string, made: (name: string) => string): string {
  return source.replace(IMPORT, (_, name: string) => `import(${made(name)})`);
}

function onEveryFunction(source: string, made: (name: string) => string): string {
  if (/\{ Worker\b/.test(source)) return source; // A class of that name which is no global.
  return source.replace(
    FUNCTION,
    (whole: string, name: string) => whole.startsWith("new ") ? `new (${made(name)})` : made(name),
  );
}

function called(member: string, owner: string): string {
  return `((m) => typeof m === 'function' && !/^[A-Z]/.test(m.name) ? m.bind(${owner}) : m)(${member})`;
}

function viaDescriptor(name: string): string {
  return `((d) => d.get ? d.get.call(globalThis) : d.value)(Object.getOwnPropertyDescriptor(globalThis, '${name}'))`;
}

function viaBuiltin(_: string, name: string): string {
  return `Promise.resolve(process.getBuiltinModule('${name}')).then((m) => ({ ...m, default: m }))`;
}

function viaRequire(_: string, name: string): string {
  return `import('node:module').then((m) => m.createRequire(import.meta.url)('${name}')).then((m) => ({ ...m, default: m }))`;
}

function pieces(name: string, random: () => number): string {
  const at = 1 + Math.floor(random() * (name.length - 1));
  return `'${name.slice(0, at)}' + '${name.slice(at)}'`;
}

function holes(name: string, random: () => number): string {
  const at = 1 + Math.floor(random() * (name.length - 1));
  return `${name.slice(0, at)}\${'${name.slice(at)}'}`;
}

function escaped(name: string, random: () => number): string {
  const at = Math.floor(random() * name.length);
  return name.slice(0, at) + `\\u{${name.charCodeAt(at).toString(16)}}` + name.slice(at + 1);
}

function hex(name: string): string {
  return [...name].map((char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`).join("");
}

function codes(name: string): string {
  return [...name].map((char) => char.charCodeAt(0)).join(", ");
}

function flip(name: string): string {
  return [...name].toReversed().join("");
}

/** Numbers from 0 up to 1 that follow from the seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
