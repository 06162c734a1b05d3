import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { messageOf, StreamError } from "../errors.ts";

/** Where a certificate and its key are. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate that has been checked and can be served with. */
export interface Certificate {
  /** The chain in PEM, the server's own certificate first. */
  readonly cert: string;
  /** The private key in PEM. */
  readonly key: string;
  /** Seconds since 1970 at which it expires. */
  readonly validUntil: number;
}

/** Much more than any chain has. */
const MAX_FILE_BYTES = 1024 * 1024;

const CERTIFICATE_BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const KEY_BLOCK = /-----BEGIN (?<kind>(?:[A-Z]+ )?PRIVATE KEY)-----[\s\S]+?-----END \k<kind>-----/;

/**
 * Which files to serve HTTPS with; undefined for HTTP.
 *
 * @throws StreamError `invalid_config` when only one of them is named
 */
export function certificateFiles({ certFile, keyFile }: CertificateFiles): CertificateFiles | undefined {
  if (certFile === "" && keyFile === "") return undefined;
  if (keyFile === "") throw invalid("--cert-file needs the private key as well; add --key-file <file>");
  if (certFile === "") throw invalid("--key-file needs the certificate as well; add --cert-file <file>");
  return { certFile, keyFile };
}

/** The text of both files. @throws StreamError `invalid_config` when one cannot be read */
export async function readCertificateFiles({ certFile, keyFile }: CertificateFiles): Promise<[string, string]> {
  return await Promise.all([readText("--cert-file", certFile), readText("--key-file", keyFile)]);
}

/**
 * Checks a certificate chain and its key as they stand in their files.
 *
 * @param files where the texts come from, for the words of an error
 * @param unixTime seconds since 1970 at which it must be valid
 * @throws StreamError `invalid_config` naming the flag at fault and the remedy
 */
export function parseCertificate(
  [certText, keyText]: readonly [string, string],
  { files: { certFile, keyFile }, unixTime }: { files: CertificateFiles; unixTime: number },
): Certificate {
  const blocks = certText.match(CERTIFICATE_BLOCK) ?? [];
  const chain = blocks.map((block) => parseX509(block, certFile));
  const [leaf] = chain;
  if (leaf === undefined) {
    throw invalid(
      `--cert-file: ${certFile} holds no certificate in PEM; give the file that begins with ` +
        "-----BEGIN CERTIFICATE-----, of certbot fullchain.pem",
    );
  }
  const key = KEY_BLOCK.exec(keyText)?.[0];
  if (key === undefined) {
    throw invalid(
      `--key-file: ${keyFile} holds no private key in PEM; give the file that has a line like ` +
        "-----BEGIN PRIVATE KEY-----, of certbot privkey.pem",
    );
  }
  checkPair(chain, { key: parseKey(key, keyFile), certFile, keyFile });
  const validUntil = Date.parse(leaf.validTo) / 1000;
  if (validUntil <= unixTime) {
    throw invalid(`--cert-file: the certificate in ${certFile} expired on ${leaf.validTo}; renew it`);
  }
  if (Date.parse(leaf.validFrom) / 1000 > unixTime) {
    throw invalid(
      `--cert-file: the certificate in ${certFile} is valid only from ${leaf.validFrom}; ` +
        "set the clock of this machine or give another",
    );
  }
  const cert = blocks.join("\n");
  rehearse({ cert, key, certFile });
  return { cert, key, validUntil };
}

/** Host names and addresses that the certificate in a file is for, those with a star left out. */
export async function certificateNames(certFile: string): Promise<string[]> {
  const [block = ""] = (await Deno.readTextFile(certFile)).match(CERTIFICATE_BLOCK) ?? [];
  return namesOf(parseX509(block, certFile)).filter((name) => !name.includes("*"));
}

async function readText(flag: string, file: string): Promise<string> {
  try {
    const { isFile, size } = await Deno.stat(file);
    if (!isFile) throw invalid(`${flag}: ${file} is not a file; give the PEM file itself`);
    if (size > MAX_FILE_BYTES) throw invalid(`${flag}: ${file} is too large for a PEM file; check the path`);
    return await Deno.readTextFile(file);
  } catch (cause) {
    if (cause instanceof StreamError) throw cause;
    if (cause instanceof Deno.errors.NotFound) {
      throw invalid(`${flag}: there is no file ${file}; check the path`, cause);
    }
    if (cause instanceof Deno.errors.PermissionDenied) {
      const remedy = "give it the right to, or a copy that it may read";
      throw invalid(`${flag}: ${file} may not be read by the user that runs the server; ${remedy}`, cause);
    }
    throw invalid(`${flag}: ${file} cannot be read (${messageOf(cause)}); check the path`, cause);
  }
}

function parseX509(block: string, certFile: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch (cause) {
    throw invalid(`--cert-file: a certificate in ${certFile} is damaged (${messageOf(cause)}); make it anew`, cause);
  }
}

function parseKey(block: string, keyFile: string): KeyObject {
  if (/^-----BEGIN ENCRYPTED|^Proc-Type:.*ENCRYPTED/m.test(block)) {
    const remedy = `write it without: openssl pkey -in ${keyFile} -out key.pem`;
    throw invalid(`--key-file: the key in ${keyFile} has a passphrase; ${remedy}`);
  }
  try {
    return createPrivateKey(block);
  } catch (cause) {
    throw invalid(`--key-file: the key in ${keyFile} is damaged (${messageOf(cause)}); make it anew`, cause);
  }
}

function checkPair(
  chain: readonly X509Certificate[],
  { key, certFile, keyFile }: { key: KeyObject } & CertificateFiles,
): void {
  const place = chain.findIndex((certificate) => certificate.checkPrivateKey(key));
  if (place === 0) return;
  if (place > 0) {
    const fault = `the certificate of the key is not the first in ${certFile}`;
    throw invalid(`--cert-file: ${fault}; put it before those of its issuers`);
  }
  const remedy = "give the key it was made with, of certbot privkey.pem beside fullchain.pem";
  throw invalid(`--key-file: the key in ${keyFile} does not belong to the certificate in ${certFile}; ${remedy}`);
}

/**
 * Has the TLS library take the pair for once, on a port that is closed at once: `node:https` would accept any and then
 * refuse every connection, for example with a kind of key that the library does not know.
 */
function rehearse({ cert, key, certFile }: { cert: string; key: string; certFile: string }): void {
  try {
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key }).close();
  } catch (cause) {
    const remedy = "use a key of kind RSA (2048 bits or more), ECDSA (P-256, P-384, P-521) or Ed25519";
    throw invalid(`--cert-file: cannot serve with ${certFile} (${messageOf(cause)}); ${remedy}`, cause);
  }
}

/** `DNS:example.org, IP Address:203.0.113.7` → both without their kind (RFC 5280, 4.2.1.6). */
function namesOf({ subjectAltName }: X509Certificate): string[] {
  return [...(subjectAltName ?? "").matchAll(/(?:DNS|IP Address):([^\s,"]+)/g)].map(([, name = ""]) => name);
}

function invalid(detail: string, cause?: unknown): StreamError {
  return new StreamError("invalid_config", detail, cause === undefined ? {} : { cause });
}
