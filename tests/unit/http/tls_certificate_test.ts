/**
 * Certificates are made with the program `openssl` (Debian package `openssl`).
 *
 * @module
 */

import assert from "node:assert/strict";
import { relative } from "node:path";
import { StreamError } from "../../../src/errors.ts";
import {
  certificateFiles,
  certificateNames,
  parseCertificate,
  readCertificateFiles,
} from "../../../src/http/certificate.ts";
import { CertificateWatch } from "../../../src/http/certificate_watch.ts";
import { type IssuedCertificate, openssl, overwrite, TestAuthority } from "../../support/certificates.ts";
import { eventually } from "../../support/test_server.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { ManualClock } from "../support/manual_clock.ts";

async function check(files: { certFile: string; keyFile: string }, unixTime = Date.now() / 1000) {
  return parseCertificate(await readCertificateFiles(files), { files, unixTime });
}

async function refusal(files: { certFile: string; keyFile: string }, unixTime?: number): Promise<string> {
  const error = await check(files, unixTime).then(() => undefined, (thrown: unknown) => thrown);
  assert.ok(error instanceof StreamError, String(error));
  assert.equal(error.code, "invalid_config");
  assert.ok(!error.message.includes("\n"), error.message);
  return error.message;
}

Deno.test("certificate and key are wanted together or not at all", () => {
  assert.equal(certificateFiles({ certFile: "", keyFile: "" }), undefined);
  assert.deepEqual(certificateFiles({ certFile: "a", keyFile: "b" }), { certFile: "a", keyFile: "b" });
  assert.throws(() => certificateFiles({ certFile: "a", keyFile: "" }), /^StreamError: --cert-file .* add --key-file/);
  assert.throws(() => certificateFiles({ certFile: "", keyFile: "b" }), /^StreamError: --key-file .* add --cert-file/);
});

Deno.test("every fault of the files is one line with the flag and the remedy", async () => {
  await using authority = await TestAuthority.make();
  const good = await authority.issue("good");
  const { certFile, keyFile } = good;
  const other = await authority.issue("other");
  const expired = await authority.issue("expired", { days: -1 });
  const unknown = await authority.issue("unknown", {
    algorithm: ["EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
  });
  const at = (name: string) => authority.at(name);
  await openssl("pkey", "-in", keyFile, "-aes256", "-passout", "pass:x", "-out", at("locked.key"));
  await openssl("ec", "-in", keyFile, "-aes256", "-passout", "pass:x", "-out", at("locked_old.key"));
  await Deno.writeTextFile(at("order.crt"), authority.pem + await Deno.readTextFile(certFile));
  await Deno.writeTextFile(
    at("damaged.crt"),
    (await Deno.readTextFile(certFile)).replace(/\nMII.{8}/, "\nMIIAAAAAAAA"),
  );
  await Deno.writeTextFile(at("damaged.key"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  await Deno.writeTextFile(at("words"), "no certificate\n");
  await Deno.writeFile(at("large"), new Uint8Array(1024 * 1024 + 1));
  const cases: [Partial<IssuedCertificate>, RegExp][] = [
    [{ certFile: at("none.crt") }, /^--cert-file: there is no file .*none\.crt; check the path$/],
    [{ keyFile: at("none.key") }, /^--key-file: there is no file .*none\.key; check the path$/],
    [{ certFile: authority.folder }, /^--cert-file: .* is not a file; give the PEM file itself$/],
    [{ keyFile: at("large") }, /^--key-file: .*large is too large for a PEM file/],
    [{ certFile: at("words") }, /^--cert-file: .*words holds no certificate in PEM; give .* fullchain\.pem$/],
    [{ certFile: keyFile }, /^--cert-file: .*good\.key holds no certificate in PEM/],
    [{ keyFile: certFile }, /^--key-file: .*good\.crt holds no private key in PEM; give .* privkey\.pem$/],
    [{ certFile: at("damaged.crt") }, /^--cert-file: a certificate in .*damaged\.crt is damaged/],
    [{ keyFile: at("damaged.key") }, /^--key-file: the key in .*damaged\.key is damaged/],
    [{ keyFile: at("locked.key") }, /^--key-file: the key in .* has a passphrase; write it without: openssl pkey -in /],
    [{ keyFile: at("locked_old.key") }, /^--key-file: the key in .* has a passphrase/],
    [{ keyFile: other.keyFile }, /^--key-file: the key in .*other\.key does not belong to .*good\.crt; give the key/],
    [{ certFile: at("order.crt") }, /^--cert-file: .* is not the first in .*order\.crt; put it before/],
    [expired, /^--cert-file: the certificate in .*expired\.crt expired on .* GMT; renew it$/],
    [unknown, /^--cert-file: cannot serve with .*unknown\.crt .*; use a key of kind RSA/],
  ];
  for (const [files, words] of cases) assert.match(await refusal({ certFile, keyFile, ...files }), words);
  assert.match(await refusal(good, Date.now() / 1000 - 86_400), /^--cert-file: .* is valid only from .* GMT; set the/);
});

Deno.test({
  name: "a file that the user may not read is named with the remedy",
  ignore: Deno.uid() === 0,
  async fn() {
    await using authority = await TestAuthority.make();
    const { certFile, keyFile } = await authority.issue("good");
    await Deno.chmod(keyFile, 0);
    assert.match(await refusal({ certFile, keyFile }), /^--key-file: .* may not be read by the user that runs the /);
  },
});

Deno.test("the usual kinds of keys and ways of writing them are taken", async () => {
  await using authority = await TestAuthority.make();
  const kinds = [
    ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    ["EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    ["ED25519"],
  ];
  for (const [index, algorithm] of kinds.entries()) await check(await authority.issue(`kind${index}`, { algorithm }));
  const { certFile, keyFile } = await authority.issue("plain", { days: 10 });
  await openssl("ec", "-in", keyFile, "-out", authority.at("sec1.key"));
  const parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
  const sec1 = parameters + await Deno.readTextFile(authority.at("sec1.key"));
  await Deno.writeTextFile(authority.at("sec1.key"), `\ufeff${sec1.replaceAll("\n", "\r\n")}`);
  const chain = `\ufeffissued for a test\n${await Deno.readTextFile(certFile)}${authority.pem}`;
  await Deno.writeTextFile(authority.at("chain.crt"), chain);
  const found = await check({ certFile: authority.at("chain.crt"), keyFile: authority.at("sec1.key") });
  assert.equal(found.cert.match(/BEGIN CERTIFICATE/g)?.length, 2);
  assert.ok(Math.abs(found.validUntil - Date.now() / 1000 - 10 * 86_400) < 3600, String(found.validUntil));
});

Deno.test("the names of a certificate are given without those with a star", async () => {
  await using authority = await TestAuthority.make();
  const { certFile } = await authority.issue("named", { names: "DNS:a.example,DNS:*.example,IP:192.0.2.1" });
  assert.deepEqual(await certificateNames(certFile), ["a.example", "192.0.2.1"]);
});

interface Watched {
  readonly clock: ManualClock;
  readonly renewed: string[];
  readonly files: IssuedCertificate;
  readonly watch: CertificateWatch;
}

async function watched(authority: TestAuthority, wallTime?: () => number): Promise<Watched> {
  const clock = new ManualClock();
  const renewed: string[] = [];
  const files = await authority.issue("used");
  const onRenewed = ({ cert }: { cert: string }) => void renewed.push(cert);
  const watch = new CertificateWatch({ files, clock, onRenewed, ...(wallTime === undefined ? {} : { wallTime }) });
  await watch.start();
  return { clock, renewed, files, watch };
}

/** Lets the watch look once; the look is over when it has set its next timer. */
async function look({ clock }: Watched): Promise<void> {
  clock.turn(10);
  await eventually("the look is over", () => clock.pending === 1);
}

Deno.test("a renewed pair is handed over once, and nothing while the files stay", async () => {
  await using authority = await TestAuthority.make();
  using log = new CapturedLog("info");
  const one = await watched(authority);
  const { renewed, files, watch, clock } = one;
  await look(one);
  assert.deepEqual(renewed, []);
  const next = await authority.issue("next");
  const { mtime, atime } = await Deno.stat(files.certFile);
  await overwrite(files, next);
  for (const file of [files.certFile, files.keyFile]) await Deno.utime(file, atime ?? 0, mtime ?? 0);
  await look(one);
  await look(one);
  assert.deepEqual(renewed, [(await Deno.readTextFile(next.certFile)).trim()]);
  assert.match(log.text, /took the renewed certificate into use valid_until=\d{4}-/);
  await watch.stop();
  assert.equal(clock.pending, 0);
});

Deno.test("links that are swapped, as certbot and Kubernetes do it, are seen", async () => {
  await using authority = await TestAuthority.make();
  using _log = new CapturedLog();
  const clock = new ManualClock();
  for (const version of ["1", "2"]) {
    const issued = await authority.issue(version);
    await Deno.mkdir(authority.at(`..${version}`));
    await overwrite({
      certFile: authority.at(`..${version}/crt`),
      keyFile: authority.at(`..${version}/key`),
      serial: "",
    }, issued);
  }
  await Deno.symlink("..1", authority.at("..data"));
  for (const name of ["crt", "key"]) await Deno.symlink(`..data/${name}`, authority.at(`tls.${name}`));
  const renewed: string[] = [];
  const files = { certFile: authority.at("tls.crt"), keyFile: authority.at("tls.key") };
  const watch = new CertificateWatch({ files, clock, onRenewed: ({ cert }) => void renewed.push(cert) });
  await watch.start();
  await Deno.symlink("..2", authority.at("..new"));
  await Deno.rename(authority.at("..new"), authority.at("..data"));
  clock.turn(10);
  await eventually("the look is over", () => clock.pending === 1);
  assert.deepEqual(renewed, [(await Deno.readTextFile(authority.at("2.crt"))).trim()]);
  await watch.stop();
});

Deno.test("a pair that is half written is waited for without a word", async () => {
  await using authority = await TestAuthority.make();
  using log = new CapturedLog("warn");
  const one = await watched(authority);
  const next = await authority.issue("next");
  await Deno.copyFile(next.certFile, one.files.certFile);
  await look(one);
  assert.deepEqual(one.renewed, []);
  await Deno.copyFile(next.keyFile, one.files.keyFile);
  await look(one);
  assert.equal(one.renewed.length, 1);
  assert.equal(log.text, "");
  await one.watch.stop();
});

Deno.test("a pair that does not fit is complained about once, the next good one is taken", async () => {
  await using authority = await TestAuthority.make();
  using log = new CapturedLog("warn");
  const one = await watched(authority);
  const next = await authority.issue("next");
  await Deno.copyFile(next.certFile, one.files.certFile);
  for (let count = 0; count < 5; count++) await look(one);
  assert.equal(log.lines.length, 1, log.text);
  assert.match(log.text, /the one before stays in use: --key-file: .* does not belong to the certificate in/);
  await Deno.remove(one.files.keyFile);
  for (let count = 0; count < 5; count++) await look(one);
  assert.equal(log.lines.length, 2, log.text);
  assert.match(log.lines[1]?.line ?? "", /there is no file .*used\.key/);
  assert.deepEqual(one.renewed, []);
  await overwrite(one.files, next);
  await look(one);
  assert.equal(one.renewed.length, 1);
  await one.watch.stop();
});

Deno.test("files are looked for where they were at the start, whatever folder the server works in later", async () => {
  await using authority = await TestAuthority.make();
  using log = new CapturedLog("warn");
  const { certFile, keyFile } = await authority.issue("used");
  const clock = new ManualClock();
  const files = { certFile: relative(Deno.cwd(), certFile), keyFile: relative(Deno.cwd(), keyFile) };
  const watch = new CertificateWatch({ files, clock, onRenewed: () => undefined });
  await watch.start();
  await Deno.remove(certFile);
  for (let count = 0; count < 2; count++) {
    clock.turn(10);
    await eventually("the look is over", () => clock.pending === 1);
  }
  assert.ok(log.text.includes(`there is no file ${certFile};`), log.text);
  await watch.stop();
});

Deno.test("a certificate that expires while it is in use is complained about once", async () => {
  await using authority = await TestAuthority.make();
  using log = new CapturedLog("warn");
  let days = 0;
  const one = await watched(authority, () => Date.now() / 1000 + days * 86_400);
  days = 1.9;
  await look(one);
  assert.equal(log.text, "");
  days = 2.1;
  await look(one);
  await look(one);
  assert.equal(log.lines.length, 1, log.text);
  assert.match(log.text, /the certificate in use has expired; renew .*used\.crt/);
  await one.watch.stop();
});

Deno.test("stopping in the middle of a look hands nothing over and leaves no timer", async () => {
  await using authority = await TestAuthority.make();
  const one = await watched(authority);
  await overwrite(one.files, await authority.issue("next"));
  one.clock.turn(10);
  await one.watch.stop();
  assert.deepEqual(one.renewed, []);
  assert.equal(one.clock.pending, 0);
});
