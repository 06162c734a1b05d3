import { builtinOf } from "./builtins.ts";
import type { RuleGroup } from "./rule_group.ts";
import { nodeAt, nodesAt } from "./syntax_tree.ts";

/** Members of `process` that only tell or time something. */
const HARMLESS = new Set([
  "arch",
  "cpuUsage",
  "emitWarning",
  "features",
  "hrtime",
  "memoryUsage",
  "nextTick",
  "platform",
  "release",
  "uptime",
  "version",
  "versions",
]);

/** Members of `process` that load native code or reach what is below JavaScript. */
const NATIVE = new Set(["binding", "_linkedBinding", "dlopen"]);

/** What Node's `process` offers. */
export const processApi: RuleGroup = {
  name: ([root, member], at, context) => {
    if (root !== "process") return;
    if (member === undefined) return context.report("process-api", at, "hands process itself on");
    const name = `process.${member}`;
    if (member === "env") return context.report("environment", at, `uses ${name}`);
    if (NATIVE.has(member)) return context.report("native-code", at, `uses ${name}`);
    if (member !== "getBuiltinModule" && !HARMLESS.has(member)) context.report("process-api", at, `uses ${name}`);
  },
  node: (node, context) => {
    const callee = nodeAt(node, "callee");
    if (callee === null || context.names.pathOf(callee, context.scope)?.join(".") !== "process.getBuiltinModule") {
      return;
    }
    const [argument] = nodesAt(node, "arguments");
    const text = argument === undefined ? null : context.names.textOf(argument, context.scope);
    if (text !== null && context.level.builtins.has(builtinOf(text))) return;
    const module = text === null ? "a module whose name is not written out" : `node:${text.replace(/^node:/, "")}`;
    context.report("builtin-import", node, `loads ${module}`);
  },
  unknownKey: (base, at, context) => {
    if (base.length === 1 && base[0] === "process") {
      context.report("process-api", at, "reads process by a name that is not written out");
    }
  },
};
