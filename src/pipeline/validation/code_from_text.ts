import type { RuleContext, RuleGroup } from "./rule_group.ts";
import { type NamePath, UNKNOWN } from "./names.ts";
import { type AstNode, nodeAt, nodesAt, unwrap } from "./syntax_tree.ts";

const TIMERS = new Set(["setTimeout", "setInterval", "setImmediate"]);
const APPLIED = new Set(["call", "apply", "bind"]);

/** Code that comes from texts: `eval` and its cousins. */
export const codeFromText: RuleGroup = {
  name: (path, at, context) => {
    if (path[0] === "eval") context.report("eval", at, "uses eval");
  },
  node: (node, context) => {
    const isNew = node.type === "NewExpression";
    const isTag = node.type === "TaggedTemplateExpression";
    const isCall = node.type === "CallExpression" || node.type === "OptionalCallExpression" || isTag;
    const callee = isCall || isNew ? nodeAt(node, isTag ? "tag" : "callee") : null;
    if (callee === null) return;
    const path = context.names.pathOf(callee, context.scope);
    const values = nodesAt(node, "arguments");
    if (makesFunction(path)) {
      context.report("function-constructor", node, "makes a function from texts");
    } else if (
      path?.[0] === UNKNOWN && path.length === 2 && (!isNew || values.some((value) => isText(value, context)))
    ) {
      context.report("function-constructor", node, "calls .constructor, which makes functions from texts");
    } else if (path?.[0] === "Reflect" && values.some((value) => isFunctionItself(value, context))) {
      context.report("function-constructor", node, "makes a function from texts by way of Reflect");
    }
    const [first] = values;
    if (path?.length === 1 && TIMERS.has(path[0] ?? "") && first !== undefined && isText(first, context)) {
      context.report("timer-text", first, `gives ${path[0]}() a text to run`);
    }
  },
};

function makesFunction(path: NamePath | null): boolean {
  if (path?.[0] !== "Function") return false;
  return path.length === 1 || (path.length === 2 && APPLIED.has(path[1] ?? ""));
}

function isFunctionItself(node: AstNode, { names, scope }: RuleContext): boolean {
  const path = names.pathOf(node, scope);
  return path?.length === 1 && path[0] === "Function";
}

/** Whether an expression is a text for certain, known or not. */
function isText(node: AstNode, context: RuleContext): boolean {
  const inner = unwrap(node);
  if (inner.type === "TemplateLiteral" || context.names.textOf(inner, context.scope) !== null) return true;
  if (inner.type !== "BinaryExpression" || inner.operator !== "+") return false;
  const sides = [nodeAt(inner, "left"), nodeAt(inner, "right")];
  return sides.some((side) => side !== null && isText(side, context));
}
