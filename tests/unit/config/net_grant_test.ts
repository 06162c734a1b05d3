import assert from "node:assert/strict";
import { isNetGrant } from "../../../src/config/net_grant.ts";

/** Whether Deno starts a worker that may connect there. */
function denoTakes(host: string): boolean {
  const none = { read: false, write: false, env: false, run: false, sys: false, ffi: false, import: false } as const;
  try {
    const permissions = { ...none, net: [host] };
    new Worker("data:text/javascript,", { type: "module", deno: { permissions } }).terminate();
    return true;
  } catch {
    return false; // That is the answer.
  }
}

const WORDS = [
  "",
  "h",
  "example.org",
  "*.example.org",
  "*",
  "10.0.0.0/8",
  "10.0.0.0/33",
  "[::1]",
  "::1",
  "[x]",
  "a..b",
  "vsock:2",
];
const PORTS = ["", ":", ":1", ":65535", ":65536", ":99999", ":https", ":1-2", ":1:2"];

Deno.test("whatever is taken for a grant, a worker can be started with", () => {
  const hosts = WORDS.flatMap((word) => PORTS.map((port) => word + port));
  const taken = [...hosts, "unix:/run/x", "unix:x", "10.1.2.3/16", "[::ffff:192.0.2.7]:1", "a_b", "x.", "."].filter(
    isNetGrant,
  );
  assert.ok(taken.length > 15, taken.join(" "));
  assert.deepEqual(taken.filter((host) => !denoTakes(host)), []);
});

Deno.test("what Deno takes is taken, but for what says nothing and what a name cannot hold", () => {
  const hosts = WORDS.flatMap((word) => PORTS.map((port) => word + port));
  const names = hosts.filter((host) => !host.startsWith("vsock"));
  assert.deepEqual(names.filter((host) => !isNetGrant(host) && denoTakes(host)), []);
  assert.deepEqual(["h:0", "a#b"].filter(isNetGrant), []);
});
