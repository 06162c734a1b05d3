import assert from "node:assert/strict";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
// What the validator loads by name, so that it is in the lock.
import "ajv";
import "ajv-formats";
import "ajv-formats-draft2019";
import { type Inventory, takeInventory } from "../../../scripts/package/inventory.ts";
import { billOfCheckout } from "../../../scripts/package/licences.ts";
import { NODE_AV_VERSION } from "../../../scripts/package/native_parts.ts";
import type { Lock } from "../../../scripts/package/npm_packages.ts";
import { billText } from "../../../scripts/package/sbom.ts";
import { timeOf } from "../../../scripts/package/build.ts";
import { shippedLock } from "../../../scripts/package/stage.ts";

interface Component {
  readonly "bom-ref": string;
  readonly purl?: string;
  readonly group?: string;
  readonly name: string;
  readonly version?: string;
  readonly hashes?: readonly { readonly content: string }[];
  readonly components?: readonly Component[];
}

interface Bill {
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp?: string };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
const text = await billOfCheckout({ commit: "0".repeat(40) });
const bill: Bill = JSON.parse(text);

function all(components: readonly Component[]): Component[] {
  return components.flatMap((one) => [one, ...all(one.components ?? [])]);
}

Deno.test("the bill of materials is valid by the schema of CycloneDX 1.6", async () => {
  assert.equal(await validator.validate(text), null);
});

Deno.test("a bill that the schema does not allow is refused", async (context) => {
  const breakages: [string, (bill: Record<string, unknown>, component: Record<string, unknown>) => void][] = [
    ["a component without a type", (_, component) => delete component["type"]],
    ["a digest that is none", (_, component) => component["hashes"] = [{ alg: "SHA-512", content: "sha512-abc=" }]],
    ["a licence that SPDX does not know", (_, component) => component["licenses"] = [{ license: { id: "GPL" } }]],
    ["a field that there is not", (bill) => bill["comment"] = ""],
    ["a serial number that is none", (bill) => bill["serialNumber"] = "1"],
    ["the same component twice", (bill, component) => bill["components"] = [component, component]],
  ];
  for (const [name, damage] of breakages) {
    await context.step(name, async () => {
      const copy = JSON.parse(text);
      damage(copy, copy.components[0]);
      assert.notEqual(await validator.validate(JSON.stringify(copy)), null);
    });
  }
});

Deno.test("it has every package of the lock that ships, with the lock's digest, and no other", async () => {
  const { npm } = await shippedLock();
  const packages = bill.components.filter(({ purl = "" }) => purl.startsWith("pkg:npm/"));
  const found = Object.fromEntries(packages.map(({ group, name, version, hashes = [] }) => {
    const digest = Uint8Array.fromHex(hashes[0]?.content ?? "").toBase64();
    return [`${group === undefined ? "" : `${group}/`}${name}@${version}`, `sha512-${digest}`];
  }));
  assert.deepEqual(found, Object.fromEntries(Object.entries(npm).map(([id, { integrity }]) => [id, integrity])));
  assert.ok(!packages.some(({ name }) => name === "playwright-core"));
});

Deno.test("what is not an npm package is there too: runtime, V8, FFmpeg and its libraries, crates, the font", () => {
  const found = new Set(all(bill.components).flatMap(({ name, version }) => [name, `${name} ${version}`]));
  assert.ok(found.has(`deno ${Deno.version.deno}`));
  assert.ok(found.has(`v8 ${Deno.version.v8}`));
  for (const name of ["FFmpeg", "x264", "libvpx", "Opus", "fdk-aac-stripped", "imagequant", "resvg", "tokio"]) {
    assert.ok(found.has(name), `${name} is missing`);
  }
});

Deno.test("every reference is of one component, and every component is in the dependency graph", () => {
  const refs = ["telefuser", ...all(bill.components).map((one) => one["bom-ref"])];
  assert.equal(new Set(refs).size, refs.length);
  assert.deepEqual(bill.dependencies.map(({ ref }) => ref).toSorted(), refs.toSorted());
  const known = new Set(refs);
  const unknown = bill.dependencies.flatMap(({ dependsOn = [] }) => dependsOn).filter((ref) => !known.has(ref));
  assert.deepEqual(unknown, []);
  const reached = new Set<string>();
  const queue = ["telefuser"];
  for (let ref = queue.pop(); ref !== undefined; ref = queue.pop()) {
    if (reached.has(ref)) continue;
    reached.add(ref);
    queue.push(...bill.dependencies.find((one) => one.ref === ref)?.dependsOn ?? []);
  }
  assert.deepEqual(bill.components.map((one) => one["bom-ref"]).filter((ref) => !reached.has(ref)), []);
});

Deno.test("the same contents give the same bytes, others another serial number", async () => {
  assert.equal(await billOfCheckout({ commit: "0".repeat(40) }), text);
  const other: Bill = JSON.parse(await billOfCheckout({ commit: "1".repeat(40) }));
  assert.notEqual(other.serialNumber, bill.serialNumber);
});

Deno.test("its time is SOURCE_DATE_EPOCH's, else the commit's, else none", async () => {
  const before = Deno.env.get("SOURCE_DATE_EPOCH");
  try {
    Deno.env.set("SOURCE_DATE_EPOCH", "1700000000");
    assert.equal(await timeOf("unknown"), "2023-11-14T22:13:20.000Z");
    Deno.env.delete("SOURCE_DATE_EPOCH");
    assert.equal(await timeOf("unknown"), undefined);
    assert.equal(bill.metadata.timestamp, undefined);
  } finally {
    if (before !== undefined) Deno.env.set("SOURCE_DATE_EPOCH", before);
  }
  const inventory: Inventory = await takeInventory({ version: "5", specifiers: {}, npm: {} }, "linux-x64");
  const build = { version: "1.0.0", commit: "a", target: "linux-x64" };
  const lock: Lock = { version: "5", specifiers: {}, npm: {} };
  const timed = billText({ inventory, lock, build, time: "2023-11-14T22:13:20.000Z" });
  assert.equal(await validator.validate(timed), null);
  assert.equal((JSON.parse(timed) as Bill).metadata.timestamp, "2023-11-14T22:13:20.000Z");
});

Deno.test("a release of node-av that the table of native parts is not about is refused", async () => {
  const lock = await shippedLock();
  const npm = Object.fromEntries(
    Object.entries(lock.npm).map(([id, entry]) =>
      [id.replace(`-x64@${NODE_AV_VERSION}`, "-x64@5.9.9"), entry] as const
    ),
  );
  const older = Object.keys(npm).find((id) => id.endsWith("@5.9.9"));
  if (older === undefined) return;
  await assert.rejects(takeInventory({ ...lock, npm }, "linux-x64"), /5\.9\.9/);
});
