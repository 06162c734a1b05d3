import type { RuleGroup } from "./rule_group.ts";

/** Members of `Deno` that reach the network. */
const NETWORK = new Set([
  "QuicEndpoint",
  "connect",
  "connectQuic",
  "connectTls",
  "createHttpClient",
  "listen",
  "listenDatagram",
  "listenTls",
  "resolveDns",
  "serve",
  "startTls",
  "upgradeWebSocket",
  "upgradeWebTransport",
]);

/** What `Deno` offers, and `Deno` itself. Network, native code and environment have rules of their own. */
export const denoApi: RuleGroup = {
  name: ([root, member], at, context) => {
    if (root !== "Deno") return;
    if (member === undefined) return context.report("deno-alias", at, "hands Deno itself on");
    const name = `Deno.${member}`;
    if (member === "env") return context.report("environment", at, `uses ${name}`);
    if (member === "dlopen" || member.startsWith("Unsafe")) return context.report("native-code", at, `uses ${name}`);
    if (NETWORK.has(member)) return context.report("network", at, `uses ${name}`);
    if (!context.level.deno.has(member)) context.report("deno-api", at, `uses ${name}`);
  },
  unknownKey: (base, at, context) => {
    if (base.length === 1 && base[0] === "Deno") {
      context.report("deno-alias", at, "reads Deno by a name that is not written out");
    }
  },
};
