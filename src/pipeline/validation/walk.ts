import type { LevelDefinition } from "../security_levels.ts";
import type { Observation } from "./finding.ts";
import { Names } from "./names.ts";
import type { RuleContext, RuleGroup } from "./rule_group.ts";
import { readScopes, Scope } from "./scopes.ts";
import { type AstNode, childrenOf, isTypeOnly, nodeAt, nodesAt, positionOf, unwrap } from "./syntax_tree.ts";

/** What a module is walked with. */
interface WalkOptions {
  readonly level: LevelDefinition;
  readonly groups: readonly RuleGroup[];
}

/** Shows every node and every outside name of a module to the groups of rules, once. */
export function walkModule(program: AstNode, { level, groups }: WalkOptions): Observation[] {
  const walk = new Walk(program, { level, groups });
  return walk.run();
}

class Walk {
  readonly #program: AstNode;
  readonly #groups: readonly RuleGroup[];
  readonly #level: LevelDefinition;
  readonly #names = new Names();
  readonly #observations: Observation[] = [];
  /** Nodes that have been dealt with as part of a longer name. */
  readonly #settled = new Set<AstNode>();

  constructor(program: AstNode, { level, groups }: WalkOptions) {
    this.#program = program;
    this.#level = level;
    this.#groups = groups;
  }

  run(): Observation[] {
    const scopes = readScopes(this.#program);
    const visit = (node: AstNode, outer: Scope): void => {
      const scope = scopes.get(node) ?? outer;
      const context = this.#contextIn(scope);
      for (const group of this.#groups) group.node?.(node, context);
      this.#readNames(node, context);
      for (const [field, child] of childrenOf(node)) {
        if (!isNameOnly(node, field)) visit(child, scope);
      }
    };
    visit(this.#program, new Scope(null, true));
    return this.#observations;
  }

  #contextIn(scope: Scope): RuleContext {
    return {
      level: this.#level,
      names: this.#names,
      scope,
      report: (rule, at, detail) => this.#observations.push({ rule, at: positionOf(at), detail }),
    };
  }

  #readNames(node: AstNode, context: RuleContext): void {
    switch (node.type) {
      case "UnaryExpression":
        if (node.operator === "typeof") this.#settleIn(node, "argument");
        return;
      case "VariableDeclarator":
        return this.#readPattern(node, { from: "init", to: "id" }, context);
      case "AssignmentExpression":
        return this.#readPattern(node, { from: "right", to: "left" }, context);
      case "MemberExpression":
      case "OptionalMemberExpression":
        return this.#readMember(node, context);
      case "CallExpression":
        return this.#readReflection(node, context);
      case "ImportDeclaration":
        return this.#readImported(node, context);
      case "Identifier":
        if (!this.#settled.has(node)) this.#emit(node, context);
    }
  }

  /** `Reflect.get(Deno, "env")` uses `Deno.env`. */
  #readReflection(node: AstNode, context: RuleContext): void {
    const [object] = nodesAt(node, "arguments");
    const path = context.names.pathOf(node, context.scope);
    if (path === null || object === undefined) return;
    this.#settled.add(unwrap(object));
    if (!this.#settled.has(node)) this.#tell(path, node, context);
  }

  /** `import { exit } from "node:process"` uses `process.exit`. */
  #readImported(node: AstNode, context: RuleContext): void {
    for (const specifier of nodesAt(node, "specifiers")) {
      const local = isTypeOnly(specifier) ? null : nodeAt(specifier, "local");
      const path = local === null ? null : context.names.pathOf(local, context.scope);
      if (path !== null && path.length > 1) this.#tell(path, specifier, context);
    }
  }

  /** A name that only stands there is no use of it. */
  #settleIn(node: AstNode, field: string): void {
    const child = nodeAt(node, field);
    if (child !== null) this.#settled.add(unwrap(child));
  }

  #readMember(node: AstNode, context: RuleContext): void {
    const { names, scope } = context;
    const object = nodeAt(node, "object");
    const property = nodeAt(node, "property");
    if (object === null || property === null) return;
    const base = names.pathOf(object, scope);
    const key = names.keyOf(property, scope, node.computed === true);
    if (base !== null && key === null) this.#unknownKey(base, node, context);
    // The longer name says it all, or what is wrong with it has been told.
    const told = key === null ? base !== null && isBareRoot(base) : base !== null && key !== "constructor";
    if (told) this.#settled.add(unwrap(object));
    if (!this.#settled.has(node)) this.#emit(node, context);
  }

  /** `const { env } = Deno` uses `Deno.env`; `const self = globalThis` only renames what is known. */
  #readPattern(node: AstNode, { from, to }: { from: string; to: string }, context: RuleContext): void {
    const source = nodeAt(node, from);
    const target = nodeAt(node, to);
    if (source === null || target === null) return;
    const path = context.names.pathOf(source, context.scope);
    if (path === null) return;
    if (target.type === "ObjectPattern") {
      this.#settled.add(unwrap(source));
      this.#readProperties(target, path, context);
    } else if (target.type === "Identifier" && path[0] === "globalThis" && node.type === "VariableDeclarator") {
      this.#settled.add(unwrap(source));
    }
  }

  #readProperties(pattern: AstNode, path: readonly string[], context: RuleContext): void {
    const { names, scope } = context;
    for (const property of nodesAt(pattern, "properties")) {
      const keyNode = nodeAt(property, "key");
      if (keyNode === null) {
        this.#tell(path, property, context);
        continue;
      }
      const key = names.keyOf(keyNode, scope, property.computed === true);
      if (key === null) {
        this.#unknownKey(path, property, context);
        continue;
      }
      const member = names.member(path, key);
      const value = nodeAt(property, "value");
      const inner = value?.type === "AssignmentPattern" ? nodeAt(value, "left") : value;
      if (member === null) continue;
      if (inner?.type === "ObjectPattern") this.#readProperties(inner, member, context);
      else this.#tell(member, property, context);
    }
  }

  #emit(node: AstNode, context: RuleContext): void {
    const path = context.names.pathOf(node, context.scope);
    if (path === null) return;
    const root = rootOf(node);
    // What a local name of this module was set to was told where that happened.
    const local = root !== null && context.scope.find(String(root.name)) !== undefined;
    if (local && (node.type === "Identifier" || context.names.pathOf(root, context.scope)?.length !== 1)) return;
    this.#tell(path, node, context);
  }

  #tell(path: readonly string[], at: AstNode, context: RuleContext): void {
    for (const group of this.#groups) group.name?.(path, at, context);
  }

  #unknownKey(base: readonly string[], at: AstNode, context: RuleContext): void {
    for (const group of this.#groups) group.unknownKey?.(base, at, context);
  }
}

/** Whether a path is one whose members have rules of their own. */
function isBareRoot(path: readonly string[]): boolean {
  return path.length === 1 && ["Deno", "process", "globalThis"].includes(path[0] ?? "");
}

/** The identifier with which a chain of members begins. */
function rootOf(node: AstNode): AstNode | null {
  let inner = unwrap(node);
  for (;;) {
    if (inner.type === "Identifier") return inner;
    const object = nodeAt(inner, "object");
    if (object === null) return null;
    inner = unwrap(object);
  }
}

/** Whether what stands in a field only names something and is no expression. */
function isNameOnly(node: AstNode, field: string): boolean {
  switch (node.type) {
    case "MemberExpression":
    case "OptionalMemberExpression":
      return field === "property" && node.computed !== true;
    case "ObjectProperty":
    case "ObjectMethod":
    case "ClassProperty":
    case "ClassMethod":
    case "ClassAccessorProperty":
      return field === "key" && node.computed !== true;
    case "ImportDeclaration":
      return field === "specifiers" || field === "attributes";
    case "ImportAttribute":
    case "ExportSpecifier":
    case "ExportNamespaceSpecifier":
    case "MetaProperty":
    case "PrivateName":
    case "TSEnumMember":
      return field !== "initializer";
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
      return field === "label";
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ClassDeclaration":
    case "ClassExpression":
    case "TSEnumDeclaration":
    case "TSModuleDeclaration":
    case "TSImportEqualsDeclaration":
      return field === "id";
    default:
      return false;
  }
}
