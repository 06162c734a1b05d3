import { type AstNode, childrenOf, isTypeOnly, nodeAt, nodesAt } from "./syntax_tree.ts";

/** One step from a value into it: the property that a pattern takes. */
export interface PatternKey {
  readonly node: AstNode;
  readonly computed: boolean;
}

/** A name that the module itself brings. */
export interface Binding {
  /** What it is set to where it is declared. */
  readonly source?: AstNode;
  /** The properties that the pattern takes from the source; null when it takes the rest of it, or an item. */
  readonly keys?: readonly PatternKey[] | null;
  /** For an import: the module and the exported name (`*` for all). */
  readonly imported?: { readonly specifier: string; readonly name: string };
  readonly isConst: boolean;
  /** Where the declaration stands, which is where its source is read. */
  readonly scope: Scope;
}

/** The names of a block, and the block around it. */
export class Scope {
  readonly #parent: Scope | null;
  readonly #names = new Map<string, Binding>();
  /** Whether `var` stops here. */
  readonly isFunction: boolean;

  constructor(parent: Scope | null, isFunction: boolean) {
    this.#parent = parent;
    this.isFunction = isFunction;
  }

  declare(name: string, binding: Binding): void {
    this.#names.set(name, binding);
  }

  /** The binding that a name means here; undefined for a global one. */
  find(name: string): Binding | undefined {
    return this.#names.get(name) ?? this.#parent?.find(name);
  }

  /** The scope to which `var` belongs. */
  get home(): Scope {
    return this.isFunction || this.#parent === null ? this : this.#parent.home;
  }
}

/** The scope in which each node stands that opens one. */
export type Scopes = ReadonlyMap<AstNode, Scope>;

/** Finds every declaration, so that what a name means is known before it is used. */
export function readScopes(program: AstNode): Scopes {
  const scopes = new Map<AstNode, Scope>();
  function enter(node: AstNode, outer: Scope | null): void {
    const kind = scopeKind(node);
    let scope = outer ?? new Scope(null, true);
    if (outer !== null) declareOutside(node, outer);
    if (kind !== null) {
      scope = outer === null ? scope : new Scope(outer, kind === "function");
      scopes.set(node, scope);
      declareInside(node, scope);
    }
    for (const [, child] of childrenOf(node)) enter(child, scope);
  }
  enter(program, null);
  return scopes;
}

const FUNCTIONS = new Set([
  "Program",
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
  "ObjectMethod",
  "ClassMethod",
  "ClassPrivateMethod",
  "StaticBlock",
  "TSModuleBlock",
]);

const BLOCKS = new Set([
  "BlockStatement",
  "ForStatement",
  "ForInStatement",
  "ForOfStatement",
  "SwitchStatement",
  "CatchClause",
  "ClassExpression",
  "ClassDeclaration",
]);

function scopeKind(node: AstNode): "function" | "block" | null {
  if (FUNCTIONS.has(node.type)) return "function";
  return BLOCKS.has(node.type) ? "block" : null;
}

/** The names that a node gives to the scope in which it stands. */
function declareOutside(node: AstNode, scope: Scope): void {
  switch (node.type) {
    case "FunctionDeclaration":
    case "ClassDeclaration":
    case "TSEnumDeclaration":
    case "TSImportEqualsDeclaration":
      return declarePattern(nodeAt(node, "id"), { home: scope, scope, isConst: false });
    case "TSModuleDeclaration":
      if (leavesSomething(node)) declarePattern(nodeAt(node, "id"), { home: scope, scope, isConst: false });
      return;
    case "VariableDeclaration":
      for (const declarator of nodesAt(node, "declarations")) {
        const source = nodeAt(declarator, "init") ?? undefined;
        const home = node.kind === "var" ? scope.home : scope;
        declarePattern(nodeAt(declarator, "id"), { home, scope, isConst: node.kind === "const", source, keys: [] });
      }
      return;
    case "ImportDeclaration":
      return declareImports(node, scope);
  }
}

/** The names that a node gives to its own scope. */
function declareInside(node: AstNode, scope: Scope): void {
  for (const param of nodesAt(node, "params")) declarePattern(param, { home: scope, scope, isConst: false });
  if (node.type === "CatchClause") declarePattern(nodeAt(node, "param"), { home: scope, scope, isConst: false });
  if (node.type === "FunctionExpression" || node.type === "ClassExpression") {
    declarePattern(nodeAt(node, "id"), { home: scope, scope, isConst: false });
  }
}

function declareImports(node: AstNode, scope: Scope): void {
  const specifier = String(nodeAt(node, "source")?.value);
  for (const one of nodesAt(node, "specifiers")) {
    if (isTypeOnly(one)) continue;
    const imported = nodeAt(one, "imported");
    const name = one.type === "ImportNamespaceSpecifier"
      ? "*"
      : one.type === "ImportDefaultSpecifier"
      ? "default"
      : String(imported?.name ?? imported?.value);
    const local = nodeAt(one, "local");
    if (local !== null) scope.declare(String(local.name), { imported: { specifier, name }, isConst: true, scope });
  }
}

interface PatternPlace {
  /** The scope that gets the names. */
  readonly home: Scope;
  readonly scope: Scope;
  readonly isConst: boolean;
  readonly source?: AstNode | undefined;
  readonly keys?: readonly PatternKey[] | null;
}

/** Declares the names of a pattern and notes which part of the source each of them is. */
function declarePattern(pattern: AstNode | null, place: PatternPlace): void {
  if (pattern === null) return;
  const { home, scope, isConst, source, keys = [] } = place;
  switch (pattern.type) {
    case "Identifier":
      return home.declare(String(pattern.name), { isConst, keys, scope, ...(source === undefined ? {} : { source }) });
    case "TSParameterProperty":
      return declarePattern(nodeAt(pattern, "parameter"), place);
    case "AssignmentPattern":
      return declarePattern(nodeAt(pattern, "left"), place);
    case "RestElement":
      return declarePattern(nodeAt(pattern, "argument"), { ...place, keys: null });
    case "ArrayPattern":
      for (const item of nodesAt(pattern, "elements")) declarePattern(item, { ...place, keys: null });
      return;
    case "ObjectPattern":
      for (const property of nodesAt(pattern, "properties")) {
        const key = nodeAt(property, "key");
        const more = key === null || keys === null
          ? null
          : [...keys, { node: key, computed: property.computed === true }];
        declarePattern(nodeAt(property, "value") ?? property, { ...place, keys: more });
      }
  }
}

/** Whether a namespace is more than types; one that is not is gone when the module runs and hides no global name. */
function leavesSomething(node: AstNode): boolean {
  const body = nodeAt(node, "body");
  if (body === null) return false;
  if (body.type === "TSModuleDeclaration") return leavesSomething(body);
  return nodesAt(body, "body").some((statement) => {
    const inner = statement.type === "ExportNamedDeclaration" ? nodeAt(statement, "declaration") : statement;
    if (inner === null || isTypeOnly(statement) || isTypeOnly(inner)) return false;
    return inner.type === "TSModuleDeclaration" ? leavesSomething(inner) : true;
  });
}
