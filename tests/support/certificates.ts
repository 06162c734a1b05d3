/**
 * Real certificates, made with the program `openssl` (Debian package `openssl`) in a folder that is gone afterwards.
 *
 * @module
 */

import { connect } from "node:tls";

/** A certificate and its key in files. */
export interface IssuedCertificate {
  readonly certFile: string;
  readonly keyFile: string;
  /** Serial number in upper-case hexadecimal digits. */
  readonly serial: string;
}

/** What to issue. */
export interface IssueOptions {
  /** Days from now until it expires; negative for one that has. */
  readonly days?: number;
  /** Words for `openssl genpkey -algorithm`; ECDSA on P-256 when left out. */
  readonly algorithm?: readonly string[];
  readonly names?: string;
}

const P256 = ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"] as const;

/** A certificate authority of a test: `await using authority = await TestAuthority.make()`. */
export class TestAuthority implements AsyncDisposable {
  readonly folder: string;
  /** The authority's own certificate in PEM, for `caCerts`. */
  readonly pem: string;
  #serial = 0x1000;

  private constructor(folder: string, pem: string) {
    this.folder = folder;
    this.pem = pem;
  }

  static async make(): Promise<TestAuthority> {
    const folder = await Deno.realPath(await Deno.makeTempDir());
    await openssl("genpkey", "-algorithm", ...P256, "-out", `${folder}/ca.key`);
    const subject = ["-subj", "/CN=telefuser test authority", "-days", "2"];
    await openssl("req", "-x509", "-key", `${folder}/ca.key`, "-out", `${folder}/ca.crt`, ...subject);
    return new TestAuthority(folder, await Deno.readTextFile(`${folder}/ca.crt`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }

  /** Path of something in the folder. */
  at(name: string): string {
    return `${this.folder}/${name}`;
  }

  /** Issues a certificate with a key of its own into `<name>.crt` and `<name>.key`. */
  async issue(name: string, options: IssueOptions = {}): Promise<IssuedCertificate> {
    const { days = 2, algorithm = P256, names = "DNS:localhost,IP:127.0.0.1" } = options;
    const certFile = this.at(`${name}.crt`);
    const keyFile = this.at(`${name}.key`);
    const serial = (this.#serial++).toString(16).toUpperCase();
    await openssl("genpkey", "-algorithm", ...algorithm, "-out", keyFile);
    await openssl("req", "-new", "-key", keyFile, "-subj", `/CN=${name}`, "-out", this.at("request.csr"));
    await Deno.writeTextFile(this.at("extensions"), `subjectAltName=${names}\nbasicConstraints=CA:FALSE\n`);
    const signer = ["-CA", this.at("ca.crt"), "-CAkey", this.at("ca.key"), "-set_serial", `0x${serial}`];
    const content = ["-days", String(days), "-extfile", this.at("extensions")];
    await openssl("x509", "-req", "-in", this.at("request.csr"), ...signer, ...content, "-out", certFile);
    return { certFile, keyFile, serial };
  }
}

/** Runs `openssl`; what it refuses fails the test in its words. */
export async function openssl(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args, stdout: "null", stderr: "piped" }).output();
  if (!success) throw new Error(`openssl ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** Writes one certificate over another, key first. */
export async function overwrite(target: IssuedCertificate, source: IssuedCertificate): Promise<void> {
  await Deno.copyFile(source.keyFile, target.keyFile);
  await Deno.copyFile(source.certFile, target.certFile);
}

/** The serial number of the certificate that a server on 127.0.0.1 shows to a new connection. */
export function servedSerial(port: number, authority: TestAuthority): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host: "127.0.0.1", port, servername: "localhost", ca: authority.pem }, () => {
    resolve(socket.getPeerCertificate().serialNumber);
    socket.destroy();
  });
  socket.once("error", reject);
  return promise;
}
