import assert from "node:assert/strict";
import { hostAddresses, type InterfaceAddress } from "../../../src/webrtc/host_addresses.ts";

function at(name: string, address: string): InterfaceAddress {
  return { name, address, family: address.includes(":") ? "IPv6" : "IPv4" };
}

Deno.test("every address that others can reach is a host address: of tunnels and of virtual devices too", () => {
  const names = ["eth0", "tun0", "utun3", "tap1", "wg0", "veth12", "ipsec0", "vmnet8"];
  const addresses = names.map((_, index) => `10.8.${index}.1`);
  const found = hostAddresses(names.map((name, index) => at(name, addresses[index] ?? "")));
  assert.deepEqual(found.toSorted(), addresses.toSorted());
});

Deno.test("loopback and addresses of one link alone are left out", () => {
  const left = ["127.0.0.1", "127.8.0.1", "169.254.7.7", "::1", "fe80::1", "febf::2"];
  const found = hostAddresses([...left.map((address) => at("eth0", address)), at("eth0", "fd00::1")]);
  assert.deepEqual(found, ["fd00::1"]);
});

Deno.test("IPv4 stands before IPv6, a cable before a tunnel, and nothing stands twice", () => {
  const found = hostAddresses([
    at("tun0", "fd00::8"),
    at("eth1", "2001:db8::1"),
    at("tun0", "10.8.0.1"),
    at("eth1", "192.0.2.2"),
    at("eth0", "192.0.2.1"),
    at("br0", "192.0.2.1"),
  ]);
  assert.deepEqual(found, ["192.0.2.1", "192.0.2.2", "10.8.0.1", "2001:db8::1", "fd00::8"]);
});
