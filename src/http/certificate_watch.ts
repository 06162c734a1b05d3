import { resolve } from "node:path";
import { type Clock, TaskScope, type Timer } from "../async/mod.ts";
import { messageOf } from "../errors.ts";
import { Log } from "../log.ts";
import { type Certificate, type CertificateFiles, parseCertificate, readCertificateFiles } from "./certificate.ts";

const log = new Log("tls");

/** Seconds between two looks at the files. */
const INTERVAL = 10;

/** What a watch is made from. */
export interface CertificateWatchOptions {
  readonly files: CertificateFiles;
  readonly clock: Clock;
  /** Called with each renewed certificate, after it was checked; what it throws is logged and tried again. */
  readonly onRenewed: (certificate: Certificate) => void;
  /**
   * Seconds since 1970 by the wall clock, which certificates go by; the clock's own are not taken, because those stay wrong
   * when the time of the machine was set after the start.
   */
  readonly wallTime?: () => number;
}

/**
 * Looks every ten seconds whether the files of a certificate hold another one.
 *
 * The texts are compared, not times and sizes: they are small, and neither a swapped link (certbot, Kubernetes) nor a copy
 * that keeps the time of its source goes unseen. A pair that does not fit is looked at once more before it is complained
 * about, since the two files may have been written one after the other; the certificate in use stays.
 */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  /** The files by absolute paths: the working folder may be another one by the time of a look. */
  readonly #files: CertificateFiles;
  readonly #wallTime: () => number;
  readonly #tasks = new TaskScope(log);
  #used = "";
  #refused = { texts: "", complained: false };
  #validUntil = Infinity;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: CertificateWatchOptions) {
    const { certFile, keyFile } = options.files;
    this.#options = options;
    this.#files = { certFile: resolve(certFile), keyFile: resolve(keyFile) };
    this.#wallTime = options.wallTime ?? (() => Date.now() / 1000);
  }

  /**
   * Loads the certificate for the first time and begins to watch; `onRenewed` is not called for it.
   *
   * @throws StreamError `invalid_config` naming the flag at fault and the remedy
   */
  async start(): Promise<Certificate> {
    const texts = await readCertificateFiles(this.#options.files);
    const certificate = this.#parse(texts);
    this.#use(texts, certificate);
    this.#waitForNext();
    return certificate;
  }

  /** Ends watching; resolves when the last look is over. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#tasks.settled();
  }

  #waitForNext(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.schedule(INTERVAL, () => {
      this.#tasks.run("looking at the certificate", async () => {
        await this.#look();
        this.#waitForNext();
      });
    });
  }

  async #look(): Promise<void> {
    const { files, onRenewed } = this.#options;
    let state = "";
    try {
      const texts = await readCertificateFiles(this.#files);
      state = texts.join("\n");
      if (this.#stopped) return;
      if (state === this.#used) {
        this.#refused = { texts: "", complained: false };
      } else {
        const certificate = this.#parse(texts);
        onRenewed(certificate);
        this.#use(texts, certificate);
        log.info("took the renewed certificate into use", { valid_until: dateOf(certificate.validUntil) });
      }
    } catch (error) {
      this.#refuse(state, messageOf(error));
    }
    if (this.#wallTime() >= this.#validUntil) {
      log.error(`the certificate in use has expired; renew ${files.certFile}, it is taken into use by itself`);
      this.#validUntil = Infinity;
    }
  }

  #parse(texts: readonly [string, string]): Certificate {
    return parseCertificate(texts, { files: this.#options.files, unixTime: this.#wallTime() });
  }

  #use(texts: readonly [string, string], { validUntil }: Certificate): void {
    this.#used = texts.join("\n");
    this.#refused = { texts: "", complained: false };
    this.#validUntil = validUntil;
  }

  /** Complains about a state of the files when it is seen for the second time, and only then. */
  #refuse(state: string, reason: string): void {
    const texts = state === "" ? reason : state;
    if (this.#refused.texts !== texts) this.#refused = { texts, complained: false };
    else if (!this.#refused.complained) {
      this.#refused = { texts, complained: true };
      log.error(`the renewed certificate cannot be used, the one before stays in use: ${reason}`);
    }
  }
}

function dateOf(unixTime: number): string {
  return new Date(unixTime * 1000).toISOString();
}
