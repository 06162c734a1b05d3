import assert from "node:assert/strict";
import { isLocalAddress, isLoopback, lanAddresses } from "../../src/network.ts";

Deno.test("knows the machine's own addresses", () => {
  for (const address of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "localhost"]) {
    assert.equal(isLoopback(address), true, address);
    assert.equal(isLocalAddress(address), true, address);
  }
  for (const address of ["128.0.0.1", "10.127.0.1", "::2", "192.168.0.1"]) {
    assert.equal(isLoopback(address), false, address);
  }
});

Deno.test("tells networks that need no STUN from the rest of the world, to the edge of each", () => {
  const local = [
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "::ffff:192.168.1.1",
    "fd12:3456::1",
    "FC00::1",
    "fe80::1",
    "febf::1",
  ];
  const remote = [
    "11.0.0.1",
    "9.255.255.255",
    "172.15.255.255",
    "172.32.0.1",
    "192.169.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "203.0.113.7",
    "::ffff:203.0.113.7",
    "2001:db8::1",
    "fec0::1",
    "fe00::1",
  ];
  for (const address of local) assert.equal(isLocalAddress(address), true, address);
  for (const address of remote) assert.equal(isLocalAddress(address), false, address);
});

Deno.test("lists addresses that others can type into a browser", () => {
  for (const address of lanAddresses()) {
    const { hostname } = new URL(`http://${address}:8088/`);
    assert.equal(isLoopback(hostname.replaceAll(/[[\]]/g, "")), false, address);
  }
});
