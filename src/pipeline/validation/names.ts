import type { Binding, PatternKey, Scope } from "./scopes.ts";
import { type AstNode, nodeAt, nodesAt, unwrap } from "./syntax_tree.ts";

/**
 * What an expression is, as a path from the global object: `["Deno", "env", "get"]`. The global object itself is
 * `["globalThis"]`. Of a value that is not known, only its `.constructor` has a path: `[UNKNOWN, "constructor"]`.
 */
export type NamePath = readonly string[];

/** Stands for any value that is not known. */
export const UNKNOWN = "(a value)";

/** Characters beyond which no text is put together. */
const MAX_TEXT = 10_000;

/** Names of the global object. */
const GLOBAL_OBJECTS = new Set(["globalThis", "self", "window", "global"]);

/** Globals that are functions, so that their `.constructor` is `Function`. */
const FUNCTIONS = new Set([
  "Function",
  "Object",
  "Array",
  "String",
  "Number",
  "Promise",
  "eval",
  "setTimeout",
  "fetch",
]);

const FUNCTION_NODES = new Set(["FunctionExpression", "ArrowFunctionExpression", "ClassExpression"]);

/** Built-ins whose exports are the globals of those names. */
const MIRRORS: Readonly<Record<string, NamePath>> = { "node:process": ["process"], "node:timers": ["globalThis"] };

/** Reads what the expressions of one module are, as far as it can be told from the text. */
export class Names {
  readonly #paths = new Map<AstNode, NamePath | null>();
  readonly #texts = new Map<AstNode, string | null>();

  /** The path of an expression; null when it cannot be told. */
  pathOf(node: AstNode, scope: Scope): NamePath | null {
    return memoized(this.#paths, node, () => this.#readPath(unwrap(node), scope));
  }

  /** The text that an expression always is; null when it cannot be told. */
  textOf(node: AstNode, scope: Scope): string | null {
    return memoized(this.#texts, node, () => this.#readText(unwrap(node), scope));
  }

  /** The name of a property; null when it is only known when the module runs. */
  keyOf(key: AstNode, scope: Scope, computed: boolean): string | null {
    if (computed) return this.textOf(key, scope);
    if (key.type === "Identifier") return String(key.name);
    return key.type === "StringLiteral" ? String(key.value) : null;
  }

  /** The path of a property of a value. */
  member(base: NamePath | null, key: string): NamePath | null {
    if (key === "constructor") return isFunctionPath(base) ? ["Function"] : [UNKNOWN, "constructor"];
    if (base === null) return null;
    if (base[0] !== "globalThis") return base[0] === UNKNOWN ? null : [...base, key];
    return GLOBAL_OBJECTS.has(key) ? base : [key];
  }

  #readPath(node: AstNode, scope: Scope): NamePath | null {
    switch (node.type) {
      case "Identifier": {
        const name = String(node.name);
        const binding = scope.find(name);
        if (binding !== undefined) return this.#boundPath(binding);
        return GLOBAL_OBJECTS.has(name) ? ["globalThis"] : [name];
      }
      case "MemberExpression":
      case "OptionalMemberExpression":
        return this.#memberPath(node, scope);
      case "AssignmentExpression":
        return this.#pathAt(node, "right", scope);
      case "LogicalExpression":
        return this.#pathAt(node, "left", scope) ?? this.#pathAt(node, "right", scope);
      case "ConditionalExpression":
        return this.#pathAt(node, "consequent", scope) ?? this.#pathAt(node, "alternate", scope);
      case "AwaitExpression":
        return this.#pathAt(node, "argument", scope);
      case "CallExpression":
        return this.#reflectedPath(node, scope);
      default:
        return null;
    }
  }

  #pathAt(node: AstNode, field: string, scope: Scope): NamePath | null {
    const child = nodeAt(node, field);
    return child === null ? null : this.pathOf(child, scope);
  }

  #memberPath(node: AstNode, scope: Scope): NamePath | null {
    const [object, property] = [nodeAt(node, "object"), nodeAt(node, "property")];
    if (object === null || property === null) return null;
    const key = this.keyOf(property, scope, node.computed === true);
    if (key === null) return null;
    if (key === "constructor" && this.#isFunction(unwrap(object), scope)) return ["Function"];
    return this.member(this.pathOf(object, scope), key);
  }

  /** `Reflect.get(value, "name")` is `value.name`. */
  #reflectedPath(node: AstNode, scope: Scope): NamePath | null {
    const [object, key] = nodesAt(node, "arguments");
    if (object === undefined || key === undefined) return null;
    if (this.#pathAt(node, "callee", scope)?.join(".") !== "Reflect.get") return null;
    const text = this.textOf(key, scope);
    return text === null ? null : this.member(this.pathOf(object, scope), text);
  }

  /** Whether an expression is a function, or what functions inherit from. */
  #isFunction(node: AstNode, scope: Scope): boolean {
    if (FUNCTION_NODES.has(node.type)) return true;
    if (node.type !== "CallExpression") return false;
    const [callee, argument] = [nodeAt(node, "callee"), nodesAt(node, "arguments")[0]];
    const called = callee === null ? undefined : this.pathOf(callee, scope)?.join(".");
    if (called !== "Object.getPrototypeOf" && called !== "Reflect.getPrototypeOf") return false;
    return argument !== undefined && this.#isFunction(unwrap(argument), scope);
  }

  #boundPath({ source, keys, imported, scope }: Binding): NamePath | null {
    if (imported !== undefined) return importedPath(imported);
    if (source === undefined || keys === undefined || keys === null) return null;
    return keys.reduce<NamePath | null>((path, key) => this.#step(path, key, scope), this.pathOf(source, scope));
  }

  #step(path: NamePath | null, { node, computed }: PatternKey, scope: Scope): NamePath | null {
    const key = this.keyOf(node, scope, computed);
    return key === null ? null : this.member(path, key);
  }

  #readText(node: AstNode, scope: Scope): string | null {
    switch (node.type) {
      case "StringLiteral":
        return String(node.value);
      case "TemplateLiteral":
        return this.#templateText(node, scope);
      case "BinaryExpression": {
        const [left, right] = [nodeAt(node, "left"), nodeAt(node, "right")];
        if (node.operator !== "+" || left === null || right === null) return null;
        return joined([this.textOf(left, scope), this.textOf(right, scope)]);
      }
      case "Identifier": {
        const binding = scope.find(String(node.name));
        if (binding?.source === undefined || !binding.isConst || binding.keys?.length !== 0) return null;
        return this.textOf(binding.source, binding.scope);
      }
      default:
        return null;
    }
  }

  #templateText(node: AstNode, scope: Scope): string | null {
    const holes = nodesAt(node, "expressions");
    const parts = nodesAt(node, "quasis").flatMap((quasi, index) => {
      const hole = holes[index];
      const text = (quasi.value as { cooked?: string }).cooked ?? null;
      return hole === undefined ? [text] : [text, this.textOf(hole, scope)];
    });
    return joined(parts);
  }
}

/** Keeps what was read; while something is being read it is unknown, so that circles end. */
function memoized<T>(known: Map<AstNode, T | null>, node: AstNode, read: () => T | null): T | null {
  const found = known.get(node);
  if (found !== undefined) return found;
  known.set(node, null);
  const value = read();
  known.set(node, value);
  return value;
}

function joined(parts: readonly (string | null)[]): string | null {
  let text = "";
  for (const part of parts) {
    if (part === null || text.length + part.length > MAX_TEXT) return null;
    text += part;
  }
  return text;
}

function isFunctionPath(path: NamePath | null): boolean {
  if (path === null) return false;
  if (path[0] === UNKNOWN) return true;
  return path.length === 1 ? FUNCTIONS.has(path[0] ?? "") : path[0] === "Deno";
}

function importedPath({ specifier, name }: { specifier: string; name: string }): NamePath | null {
  const base = MIRRORS[specifier];
  if (base === undefined) return null;
  if (name === "*" || name === "default") return base;
  return base[0] === "globalThis" ? [name] : [...base, name];
}
