/**
 * The software bill of materials (CycloneDX 1.6, JSON) of what ships: from the lock file, from what the native files
 * have inside, and from the Deno that runs. The same checkout and the same Deno give the same bytes.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Inventory } from "./inventory.ts";
import type { Lock } from "./npm_packages.ts";
import { flatten, idOf, type Part } from "./parts.ts";
import type { Build } from "./build.ts";

const TECHNIQUES: Readonly<Record<Part["evidence"]["how"], readonly [technique: string, confidence: number]>> = {
  "manifest": ["manifest-analysis", 1],
  "found in the file": ["binary-analysis", 0.8],
  "told by the library": ["dynamic-analysis", 1],
  "told by the runtime": ["dynamic-analysis", 1],
};
const ROOT_REF = "telefuser";

/** What a bill is made of. */
export interface Bill {
  readonly inventory: Inventory;
  readonly lock: Lock;
  readonly build: Build;
  /** ISO 8601, to the second; absent where no commit says it. */
  readonly time?: string | undefined;
}

/** The bill as it is written to a file. */
export function billText({ inventory: { packages, runtime, files }, lock, build, time }: Bill): string {
  const refs = new Map(packages.map((part) => [idOf(part), part.purl ?? idOf(part)]));
  const top = [...packages, runtime, ...files];
  const roots = Object.keys(lock.specifiers).map((specifier) => refs.get(specifier.replace(/^npm:/, "")) ?? specifier);
  const inner = top.flatMap((part) => flatten(part.inside ?? []).map((one) => `${refOf(part)}#${idOf(one)}`));
  const document = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      ...(time === undefined ? {} : { timestamp: time }),
      lifecycles: [{ phase: "build" }],
      tools: { components: [{ type: "application", name: "scripts/package/sbom.ts", version: build.version }] },
      component: {
        "bom-ref": ROOT_REF,
        type: "application",
        name: "@telefuser/stream",
        version: build.version,
        properties: [
          { name: "telefuser:commit", value: build.commit },
          { name: "telefuser:target", value: build.target },
        ],
      },
    },
    components: top.map((part) => component(part, refOf(part))),
    dependencies: [
      { ref: ROOT_REF, dependsOn: [...roots, refOf(runtime), ...files.map(refOf)].toSorted() },
      ...packages.map((part) => ({
        ref: refOf(part),
        ...list("dependsOn", (part.dependencies ?? []).map((id) => refs.get(id) ?? id).toSorted()),
      })),
      ...[refOf(runtime), ...files.map(refOf), ...inner].map((ref) => ({ ref })),
    ],
  };
  const { $schema, bomFormat, specVersion, ...rest } = document;
  return `${JSON.stringify({ $schema, bomFormat, specVersion, serialNumber: serialOf(document), ...rest }, null, 2)}\n`;
}

function refOf(part: Part): string {
  return part.purl ?? idOf(part);
}

function component(part: Part, ref: string): Record<string, unknown> {
  const { name, version, licence, holder, source, kind, purl, sha512, evidence, inside = [] } = part;
  const [group, bare] = name.startsWith("@") ? name.split("/", 2) : [undefined, name];
  const [technique, confidence] = TECHNIQUES[evidence.how];
  return {
    type: kind,
    "bom-ref": ref,
    ...(group === undefined ? {} : { group }),
    name: bare,
    ...(version === undefined ? {} : { version }),
    ...(sha512 === undefined ? {} : { hashes: [{ alg: "SHA-512", content: sha512 }] }),
    ...(licence === undefined ? {} : { licenses: [licenceOf(licence)] }),
    ...(holder === undefined ? {} : { copyright: holder }),
    ...(purl === undefined ? {} : { purl }),
    ...(source === undefined ? {} : { externalReferences: [{ type: "website", url: source }] }),
    ...list("components", inside.map((one) => component(one, `${ref}#${idOf(one)}`))),
    evidence: {
      identity: [{
        field: version === undefined ? "name" : "version",
        confidence,
        methods: [{ technique, confidence, value: evidence.what }],
      }],
      ...list("occurrences", (evidence.files ?? []).map((location) => ({ location }))),
    },
  };
}

function licenceOf(expression: string): Record<string, unknown> {
  return /\s|^LicenseRef-/.test(expression) ? { expression } : { license: { id: expression } };
}

function list(name: string, values: readonly unknown[]): Record<string, unknown> {
  return values.length === 0 ? {} : { [name]: values };
}

/** A UUID (version 8) of what is in the document. */
function serialOf(document: unknown): string {
  const hex = createHash("sha256").update(JSON.stringify(document)).digest("hex");
  const variant = "89ab"[Number.parseInt(hex[16] ?? "0", 16) & 3];
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `${variant}${hex.slice(17, 20)}`];
  return `urn:uuid:${[...parts, hex.slice(20, 32)].join("-")}`;
}
