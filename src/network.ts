/** Whether an address is of this machine or of a network that needs no STUN to be reached (RFC 6890). */
export function isLocalAddress(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, "").toLowerCase();
  return isLoopback(plain) || LOCAL_RANGES.some((range) => range.test(plain));
}

/** Whether an address is of this machine. */
export function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\./i.test(address) || address === "::1" || address === "localhost" || address === "";
}

const LOCAL_RANGES = [
  /^10\./,
  /^192\.168\./,
  /^172\.(1[6-9]|2\d|3[01])\./,
  /^169\.254\./,
  /^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./,
  /^f[cd][0-9a-f]{2}:/,
  /^fe[89ab][0-9a-f]:/,
];

/** The addresses under which others on the network can reach this machine, IPv4 first. */
export function lanAddresses(): string[] {
  const found = Deno.networkInterfaces().filter(({ address }) => !isLoopback(address) && !/^fe[89ab]/i.test(address));
  found.sort((a, b) => a.family.localeCompare(b.family));
  return found.map(({ address, family }) => family === "IPv6" ? `[${address}]` : address);
}
