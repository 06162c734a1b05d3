import assert from "node:assert/strict";
import { readTlsFault } from "../../../src/doctor/tls_fault.ts";

Deno.test("faults of certificates are put into words, whichever library they come from", () => {
  const cases = [
    ["invalid peer certificate: UnknownIssuer", /from nobody that this machine trusts/],
    ["self-signed certificate in certificate chain", /from nobody that this machine trusts/],
    ["invalid peer certificate: Expired", /has expired/],
    ["invalid peer certificate: NotValidForName", /for another name/],
    ['invalid peer certificate: certificate not valid for name "x"', /for another name/],
    ["invalid peer certificate: NotValidYet", /not valid yet/],
    ["received corrupt message of type InvalidContentType", /speaks no TLS/],
    ["invalid peer certificate: BadSignature", /not accepted/],
  ] as const;
  for (const [message, words] of cases) assert.match(readTlsFault(message)?.fault ?? "", words, message);
  assert.equal(readTlsFault("connection refused"), null);
});
