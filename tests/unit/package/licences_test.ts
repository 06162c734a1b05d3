import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { AV_PIX_FMT_YUV420P, FF_ENCODER_LIBX264 } from "node-av/constants";
import { Codec, CodecContext, Frame, getFFmpegInfo, Packet, Rational } from "node-av/lib";
import { cratesIn } from "../../../scripts/package/crates.ts";
import { takeInventory } from "../../../scripts/package/inventory.ts";
import { noticeOfCheckout } from "../../../scripts/package/licences.ts";
import { licenceText, writeLicences } from "../../../scripts/package/licence_texts.ts";
import { FLAGS_OF_NOTHING, NATIVE_PARTS } from "../../../scripts/package/native_parts.ts";
import { thisPlatform } from "../../../scripts/package/npm_packages.ts";
import { flatten, licenceIds } from "../../../scripts/package/parts.ts";
import { ROOT } from "../../../scripts/package/build.ts";
import { filesIn, shippedLock } from "../../../scripts/package/stage.ts";

const { os, cpu } = thisPlatform();
const inventory = await takeInventory(await shippedLock(), `${os}-${cpu}`);

Deno.test("NOTICE is what is made of deno.lock", async () => {
  assert.equal(await Deno.readTextFile(`${ROOT}NOTICE`), await noticeOfCheckout(), "run: deno task notice");
});

Deno.test("NOTICE says what the GPL parts mean, and which part does not fit", async () => {
  const notice = (await Deno.readTextFile(`${ROOT}NOTICE`)).replace(/\s+/g, " ");
  assert.match(notice, /as a whole under the GPL, version 3 or later/);
  assert.match(notice, / fdk-aac-stripped: FDK-AAC /);
  assert.match(notice, /incompatible with the GPL/);
});

Deno.test("every package that ships brings its licence, or gets its text with its author's name", async () => {
  const folder = await Deno.makeTempDir();
  await writeLicences(`${folder}/`, inventory);
  const files = (await filesIn(folder)).map((path) => path.slice(folder.length + 1));
  for (const { name, version } of inventory.packages) {
    assert.ok(files.some((path) => path.startsWith(`npm/${name}@${version}/`)), `${name} has no licence`);
  }
  const texts = await Promise.all(files.map((path) => Deno.readTextFile(`${folder}/${path}`)));
  for (const [index, text] of texts.entries()) assert.ok(text.length > 200, files[index]);
  const werift = files.findIndex((path) => path.startsWith("npm/werift@"));
  assert.match(texts[werift] ?? "", /^MIT License\n\nCopyright \(c\) shinyoshiaki\n/);
  for (const name of ["texts/GPL-3.0-or-later.txt", "texts/FDK-AAC.txt", "texts/MPL-2.0.txt", "deno/LICENSE"]) {
    assert.ok(files.includes(name), `${name} is missing`);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the text of a licence that is not kept is an error, not a gap", async () => {
  await assert.rejects(licenceText("AGPL-1.0-only"), /AGPL-1\.0-only\.txt is missing/);
});

Deno.test("an SPDX expression is taken apart into its licences and exceptions", () => {
  assert.deepEqual(licenceIds("(A-1.0 OR B) AND C WITH D-3.1"), ["A-1.0", "B", "C", "D-3.1"]);
});

Deno.test("every library that FFmpeg says it was built with is in the table, and no other", () => {
  const { configuration, version } = getFFmpegInfo();
  const flags = [...configuration.matchAll(/--enable-(\S+)/g)].map(([, flag = ""]) => flag);
  assert.ok(flags.length > 40);
  const known = [...NATIVE_PARTS.flatMap((part) => part.flags ?? []), ...FLAGS_OF_NOTHING];
  assert.deepEqual(flags.filter((flag) => !known.includes(flag)), []);
  // What is built for another processor differs.
  if (cpu === "x64") assert.deepEqual(known.filter((flag) => !flags.includes(flag)), []);
  assert.equal(NATIVE_PARTS.find(({ name }) => name === "FFmpeg")?.version, version);
});

Deno.test("every native part is in the file by the words that the table has for it, with its version", async () => {
  const native = inventory.packages.find(({ name }) => name.startsWith("@seydx/node-av-"));
  assert.ok(native !== undefined);
  const manifest = new URL(import.meta.resolve("node-av/lib")).pathname;
  const file = manifest.replace(/\/node-av\/[\d.]+\/.*$/, `/${native.name}/${native.version}/node-av.node`);
  const text = Buffer.from(await Deno.readFile(file)).toString("latin1");
  const missing = NATIVE_PARTS.filter(({ words }) => !text.includes(words)).map(({ name }) => name);
  assert.deepEqual(missing, []);
  for (const { name, version, words } of NATIVE_PARTS) {
    if (version !== undefined && name !== "x264") assert.ok(words.includes(version), name);
  }
});

Deno.test("x264 says its version in the first picture that it encodes", async () => {
  const codec = Codec.findEncoderByName(FF_ENCODER_LIBX264);
  assert.ok(codec !== null);
  using context = new CodecContext();
  context.allocContext3(codec);
  Object.assign(context, { width: 64, height: 64, pixelFormat: AV_PIX_FMT_YUV420P, timeBase: new Rational(1, 25) });
  assert.equal(await context.open2(codec, null), 0);
  using frame = new Frame();
  frame.alloc();
  Object.assign(frame, { width: 64, height: 64, format: AV_PIX_FMT_YUV420P, pts: 0n });
  frame.getBuffer();
  await context.sendFrame(frame);
  await context.sendFrame(null);
  using packet = new Packet();
  packet.alloc();
  assert.equal(await context.receivePacket(packet), 0);
  const said = /x264 - (core \d+)/.exec(packet.data?.toString("latin1") ?? "")?.[1];
  assert.equal(NATIVE_PARTS.find(({ name }) => name === "x264")?.version, said);
});

Deno.test("crates are found by the paths of their sources, each once, with all files that name it", () => {
  const path = (crate: string) => `/home/a/.cargo/registry/src/host-1ecc6299db9ec823/${crate}/src/lib.rs`;
  const bytes = (...crates: string[]) => new TextEncoder().encode(crates.map(path).join("\0\xff"));
  const crates = cratesIn([
    ["a.wasm", bytes("resvg-0.13.1", "imagequant-3.0.3+sys2.14.0", "resvg-0.13.1")],
    ["b.node", bytes("resvg-0.13.1", "sha3-0.11.0-rc.8", "constructor-1.0.0", "no version")],
  ]);
  assert.deepEqual(
    crates.map(({ name, version, licence, purl, evidence }) => [name, version, licence, purl, evidence.files]),
    [
      ["constructor", "1.0.0", undefined, "pkg:cargo/constructor@1.0.0", ["b.node"]],
      ["imagequant", "3.0.3+sys2.14.0", "GPL-3.0-or-later", "pkg:cargo/imagequant@3.0.3%2Bsys2.14.0", ["a.wasm"]],
      ["resvg", "0.13.1", "MPL-2.0", "pkg:cargo/resvg@0.13.1", ["a.wasm", "b.node"]],
      ["sha3", "0.11.0-rc.8", undefined, "pkg:cargo/sha3@0.11.0-rc.8", ["b.node"]],
    ],
  );
});

Deno.test("every crate inside imagescript has a licence in the table", () => {
  const parts = inventory.packages.filter(({ name }) => name === "imagescript").flatMap(({ inside = [] }) => inside);
  assert.ok(parts.length > 20);
  assert.deepEqual(flatten(parts).filter(({ licence }) => licence === undefined).map(({ name }) => name), []);
});
