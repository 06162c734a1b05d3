import type { LevelDefinition } from "../security_levels.ts";
import type { RuleId } from "./finding.ts";
import type { NamePath, Names } from "./names.ts";
import type { Scope } from "./scopes.ts";
import type { AstNode } from "./syntax_tree.ts";

/** What the rules of a group see of the module that is being checked. */
export interface RuleContext {
  readonly level: LevelDefinition;
  readonly names: Names;
  /** The scope of the node at hand. */
  readonly scope: Scope;
  report(rule: RuleId, at: AstNode, detail: string): void;
}

/** A group of rules. A module is walked once for all groups. */
export interface RuleGroup {
  /** Called for every node that runs. */
  readonly node?: (node: AstNode, context: RuleContext) => void;
  /**
   * Called for every use of a name that comes from outside the module, with as much of `a.b.c` as is known. `typeof x`
   * is no use.
   */
  readonly name?: (path: NamePath, at: AstNode, context: RuleContext) => void;
  /** Called when a property is read whose name is not known before the module runs. */
  readonly unknownKey?: (base: NamePath, at: AstNode, context: RuleContext) => void;
}
