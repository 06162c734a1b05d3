import { parse, type ParserPlugin } from "@babel/parser";

/** A node of the syntax tree of @babel/parser, as far as the checks look at it. */
export interface AstNode {
  readonly type: string;
  readonly loc?: { readonly start: Position };
  readonly [field: string]: unknown;
}

/** A place in a file: lines count from 1, columns from 0. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Why a text is no module, and where. */
export interface SyntaxFault {
  readonly at: Position;
  readonly detail: string;
}

/** Endings of files that hold code. */
export const SCRIPT_EXTENSIONS: ReadonlySet<string> = new Set([
  ".ts",
  ".mts",
  ".tsx",
  ".js",
  ".mjs",
  ".jsx",
]);

/** Parses a module; its ending says in which language it is written. */
export function parseModule(path: string, source: string): { program: AstNode } | { fault: SyntaxFault } {
  const plugins: ParserPlugin[] = [
    "decoratorAutoAccessors",
    "decorators",
    "sourcePhaseImports",
    "deferredImportEvaluation",
  ];
  if (/\.[mc]?ts$|\.tsx$/.test(path)) plugins.push("typescript");
  if (/\.[jt]sx$/.test(path)) plugins.push("jsx");
  const sourceType = /\.c[jt]s$/.test(path) ? "commonjs" : "module";
  try {
    const { program } = parse(source, { sourceType, createImportExpressions: true, plugins });
    return { program: program as unknown as AstNode };
  } catch (error) {
    const { loc, message } = error as Error & { loc?: Position };
    return { fault: { at: loc ?? { line: 1, column: 0 }, detail: message.replace(/ \(\d+:\d+\)$/, "") } };
  }
}

/** Whether a value is a node. */
export function isNode(value: unknown): value is AstNode {
  return typeof value === "object" && value !== null && typeof (value as AstNode).type === "string";
}

/** A field of a node that is a node. */
export function nodeAt(node: AstNode, field: string): AstNode | null {
  const value = node[field];
  return isNode(value) ? value : null;
}

/** A field of a node that is a list of nodes; holes are left out. */
export function nodesAt(node: AstNode, field: string): AstNode[] {
  const value = node[field];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** Where a node begins. */
export function positionOf(node: AstNode): Position {
  return node.loc?.start ?? { line: 1, column: 0 };
}

/** The text of a string, or of a template without holes. */
export function literalText(node: unknown): string | null {
  if (!isNode(node)) return null;
  if (node.type === "StringLiteral" && typeof node.value === "string") return node.value;
  const [only, ...more] = node.type === "TemplateLiteral" ? nodesAt(node, "quasis") : [];
  if (only === undefined || more.length > 0) return null;
  return (only.value as { cooked?: string }).cooked ?? null;
}

/** TypeScript's nodes that leave something behind when the types are gone. */
const RUNTIME_NODES = new Set([
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSTypeAssertion",
  "TSInstantiationExpression",
  "TSEnumDeclaration",
  "TSEnumBody",
  "TSEnumMember",
  "TSModuleDeclaration",
  "TSModuleBlock",
  "TSExportAssignment",
  "TSImportEqualsDeclaration",
  "TSExternalModuleReference",
  "TSParameterProperty",
]);

/** Whether a node is there for types only and gone when the module runs. */
export function isTypeOnly(node: AstNode): boolean {
  if (node.declare === true || node.importKind === "type" || node.exportKind === "type") return true;
  return node.type.startsWith("TS") && !RUNTIME_NODES.has(node.type);
}

/** The nodes within a node that run, with the field in which each stands. */
export function* childrenOf(node: AstNode): Generator<[string, AstNode]> {
  for (const [field, value] of Object.entries(node)) {
    if (field === "loc" || typeof value !== "object" || value === null) continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child) && !isTypeOnly(child)) yield [field, child];
    }
  }
}

/** What wraps an expression without changing its value is taken off: casts, parentheses, `(0, x)`. */
export function unwrap(node: AstNode): AstNode {
  for (let inner = node;;) {
    const next = WRAPPERS.has(inner.type)
      ? nodeAt(inner, "expression")
      : inner.type === "SequenceExpression"
      ? nodesAt(inner, "expressions").at(-1) ?? null
      : null;
    if (next === null) return inner;
    inner = next;
  }
}

const WRAPPERS = new Set([
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSTypeAssertion",
  "TSInstantiationExpression",
  "ParenthesizedExpression",
  "ChainExpression",
]);
