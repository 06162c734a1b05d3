/** A fault of a TLS connection and what to do about it. */
export interface TlsFault {
  readonly fault: string;
  readonly remedy: string;
}

/** What the words of the TLS libraries mean; the first that fits counts. */
const FAULTS: readonly (TlsFault & { readonly sign: RegExp })[] = [
  {
    sign: /NotValidForName|ERR_TLS_CERT_ALTNAME_INVALID|not valid for name|altnames/i,
    fault: "the certificate is for another name",
    remedy: "use the name that the certificate is for, or get one for this name",
  },
  {
    sign: /NotValidYet|CERT_NOT_YET_VALID/i,
    fault: "the certificate is not valid yet",
    remedy: "set the clocks of both machines",
  },
  {
    sign: /Expired|CERT_HAS_EXPIRED/i,
    fault: "the certificate has expired",
    remedy: "renew it, and check the clock of this machine",
  },
  {
    sign: /CaUsedAsEndEntity|UnknownIssuer|SELF_SIGNED|self-signed|UNABLE_TO_(GET|VERIFY)|unable to (get|verify)/i,
    fault: "the certificate is from nobody that this machine trusts, for example self-signed",
    remedy: "use one from a public authority, or trust the authority here; browsers refuse it as well",
  },
  {
    sign: /Revoked/i,
    fault: "the certificate was revoked",
    remedy: "get a new one",
  },
  {
    sign: /InvalidContentType|corrupt message|wrong version number|record overflow/i,
    fault: "what answers there speaks no TLS",
    remedy: "use the address without TLS, or the port that has it",
  },
  {
    sign: /invalid peer certificate|BadEncoding|BadSignature/i,
    fault: "the certificate is not accepted",
    remedy: "look at it with: openssl s_client -connect host:port",
  },
];

/** The fault of a TLS connection in words; null when the message is about something else. */
export function readTlsFault(message: string): TlsFault | null {
  const found = FAULTS.find(({ sign }) => sign.test(message));
  return found === undefined ? null : { fault: found.fault, remedy: found.remedy };
}
