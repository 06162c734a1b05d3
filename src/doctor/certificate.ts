import type { Clock } from "../async/mod.ts";
import { messageOf } from "../errors.ts";
import { type CertificateFiles, certificateFiles, parseCertificate, readCertificateFiles } from "../http/mod.ts";
import type { Check } from "./check.ts";

const DAY = 86_400;
/** Days before its end at which a certificate should have been renewed. */
const SHORT_DAYS = 14;

/** Whether certificate and key can be served with; nothing when none are set. */
export async function checkCertificate(config: CertificateFiles, clock: Clock): Promise<Check[]> {
  const id = "certificate";
  try {
    const files = certificateFiles(config);
    if (files === undefined) return [];
    const unixTime = clock.unixTime();
    const { validUntil } = parseCertificate(await readCertificateFiles(files), { files, unixTime });
    return [validityCheck(files.certFile, (validUntil - unixTime) / DAY)];
  } catch (error) {
    const [fault = "", remedy] = messageOf(error).split("; ");
    return [{ id, status: "fail", summary: fault, ...(remedy === undefined ? {} : { remedy }) }];
  }
}

/** One line about the time a certificate has left. */
export function validityCheck(certFile: string, days: number): Check {
  const whole = Math.floor(days);
  const left = whole === 1 ? "1 day" : `${whole} days`;
  const summary = `the certificate in ${certFile} fits its key and is good for ${left}`;
  if (days > SHORT_DAYS) return { id: "certificate", status: "ok", summary };
  return { id: "certificate", status: "warn", summary, remedy: "renew it; the server picks the new file up by itself" };
}
