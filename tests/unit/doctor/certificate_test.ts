import assert from "node:assert/strict";
import { systemClock } from "../../../src/async/mod.ts";
import { checkCertificate, validityCheck } from "../../../src/doctor/certificate.ts";
import { TestAuthority } from "../../support/certificates.ts";

Deno.test("certificate and key are ok when they fit; what does not is told with the remedy", async () => {
  await using authority = await TestAuthority.make();
  const good = await authority.issue("good", { days: 90 });
  const other = await authority.issue("other");
  assert.deepEqual(await checkCertificate({ certFile: "", keyFile: "" }, systemClock), []);
  const [fits] = await checkCertificate(good, systemClock);
  assert.equal(fits?.status, "ok");
  assert.match(fits?.summary ?? "", /good for (89|90) days/);
  const [crossed] = await checkCertificate({ ...good, keyFile: other.keyFile }, systemClock);
  assert.equal(crossed?.status, "fail");
  assert.match(crossed?.summary ?? "", /does not belong to the certificate/);
  assert.ok(crossed?.remedy);
  const [missing] = await checkCertificate({ certFile: "/nowhere.pem", keyFile: good.keyFile }, systemClock);
  assert.match(missing?.summary ?? "", /there is no file \/nowhere\.pem/);
});

Deno.test("a certificate that ends soon is a warning", () => {
  assert.equal(validityCheck("a.pem", 15).status, "ok");
  assert.equal(validityCheck("a.pem", 13.9).status, "warn");
  assert.match(validityCheck("a.pem", 1.5).summary, /good for 1 day$/);
});
