import type { RuleId } from "./finding.ts";
import type { RuleGroup } from "./rule_group.ts";
import { nodeAt, nodesAt } from "./syntax_tree.ts";

/** Globals that reach beyond the worker, by rule. */
const REACHING: ReadonlyMap<string, RuleId> = new Map<string, RuleId>([
  ["Worker", "worker"],
  ["SharedWorker", "worker"],
  ["importScripts", "dynamic-import"],
  ["fetch", "network"],
  ["WebSocket", "network"],
  ["WebSocketStream", "network"],
  ["WebTransport", "network"],
  ["EventSource", "network"],
  ["XMLHttpRequest", "network"],
  ["caches", "shared-storage"],
  ["localStorage", "shared-storage"],
  ["sessionStorage", "shared-storage"],
  ["indexedDB", "shared-storage"],
  ["BroadcastChannel", "shared-storage"],
  ["prompt", "terminal"],
  ["confirm", "terminal"],
  ["alert", "terminal"],
]);

/** Globals that reach beyond the worker, and the global object itself. */
export const globalReach: RuleGroup = {
  name: (path, at, context) => {
    const [root = ""] = path;
    if (root === "globalThis") return context.report("global-alias", at, "hands the global object on");
    const rule = REACHING.get(root);
    if (rule === undefined || root === "fetch") return;
    context.report(rule, at, `uses ${root}`);
  },
  node: (node, context) => {
    // A call tells more than the name: what is fetched may be no network at all.
    if (node.type !== "CallExpression" && node.type !== "OptionalCallExpression") return;
    const callee = nodeAt(node, "callee");
    if (callee === null || context.names.pathOf(callee, context.scope)?.[0] !== "fetch") return;
    const [target] = nodesAt(node, "arguments");
    const text = target === undefined ? null : context.names.textOf(target, context.scope);
    if (text === null || !/^(data|blob):/.test(text)) context.report("network", node, "uses fetch");
  },
  unknownKey: (base, at, context) => {
    if (base[0] === "globalThis") {
      context.report("global-access", at, "reads the global object by a name that is not written out");
    }
  },
};
