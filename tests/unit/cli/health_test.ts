import assert from "node:assert/strict";
import { ownUrl, readHealth } from "../../../src/cli/health.ts";

Deno.test("the server of this machine is asked where it listens, over loopback when it listens everywhere", () => {
  const cases = [
    [{ host: "0.0.0.0", port: 8088, certFile: "" }, "http://127.0.0.1:8088"],
    [{ host: "::", port: 8088, certFile: "" }, "http://[::1]:8088"],
    [{ host: "192.0.2.7", port: 80, certFile: "" }, "http://192.0.2.7:80"],
    [{ host: "2001:db8::1", port: 443, certFile: "a.pem" }, "https://[2001:db8::1]:443"],
    [{ host: "localhost", port: 1, certFile: "a.pem" }, "https://localhost:1"],
  ] as const;
  for (const [config, url] of cases) assert.equal(ownUrl(config), url);
});

Deno.test("an answer counts when it is 200 and says how the server is", () => {
  const cases: [number, string, { ok: boolean; words: RegExp }][] = [
    [200, '{"status":"healthy"}', { ok: true, words: /^healthy$/ }],
    [200, '{"status":"starting","detail":"it loads"}', { ok: true, words: /^starting: it loads$/ }],
    [503, '{"status":"unhealthy","detail":"no\\nmodel"}', { ok: false, words: /^unhealthy: no\\nmodel$/ }],
    [503, '{"status":"healthy"}', { ok: false, words: /^healthy$/ }],
    [200, "<html>", { ok: false, words: /^answers 200, but is no TeleFuser server;/ }],
    [200, "[1]", { ok: false, words: /no TeleFuser server/ }],
    [404, "null", { ok: false, words: /^answers 404/ }],
    [200, '{"status":1}', { ok: false, words: /no TeleFuser server/ }],
  ];
  for (const [status, body, { ok, words }] of cases) {
    const read = readHealth(status, body);
    assert.equal(read.ok, ok, body);
    assert.match(read.words, words);
  }
});
