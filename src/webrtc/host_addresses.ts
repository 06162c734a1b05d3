/** An address of this machine, as `Deno.networkInterfaces()` lists them. */
export type InterfaceAddress = Pick<Deno.NetworkInterfaceInfo, "name" | "family" | "address">;

/** Names that tunnels have: they cost more than a cable, and may be the only way all the same. */
const TUNNEL = /^(u?tun|tap|ipsec|wg|ppp|tailscale|zt)/;

/**
 * The addresses under which viewers may reach this machine: all but those of loopback and those that are good for one link
 * alone, in IPv6 those that need a zone. IPv4 stands first, and tunnels last within their family.
 */
export function hostAddresses(interfaces: readonly InterfaceAddress[] = Deno.networkInterfaces()): string[] {
  const usable = interfaces.filter(({ address }) =>
    !/^(127\.|169\.254\.|::1$|fe[89ab][0-9a-f]:|::ffff:)/i.test(address)
  );
  const rank = ({ name, family }: InterfaceAddress) => (family === "IPv4" ? 0 : 2) + (TUNNEL.test(name) ? 1 : 0);
  const sorted = usable.toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
  return [...new Set(sorted.map(({ address }) => address))];
}
