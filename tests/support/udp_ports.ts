/** Longest wait for a port to be free again, in milliseconds. */
const LIMIT_MS = 3000;

/** A row of UDP ports of which none is in use in either family. */
export function freeUdpRange(length: number): { readonly first: number; readonly last: number } {
  const tries = 500;
  for (let attempt = 0; attempt < tries; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * 12_000);
    const ports = Array.from({ length }, (_, index) => first + index);
    if (ports.every(isUdpPortFree)) return { first, last: first + length - 1 };
  }
  throw new Error(`no ${length} free UDP ports in a row`);
}

/** Waits until a UDP port is free: the system has it back a moment after its last reader has gone. */
export async function untilUdpPortFree(port: number): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!isUdpPortFree(port)) {
    if (performance.now() > end) throw new Error(`port ${port} is not free within ${LIMIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function isUdpPortFree(port: number): boolean {
  try {
    Deno.listenDatagram({ transport: "udp", hostname: "::", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
