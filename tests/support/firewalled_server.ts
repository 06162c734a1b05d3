import { ADDRESSES, IP, killIfThere, type Namespaces, type Place } from "./namespaces.ts";

/** Debian's nftables and iproute2. */
const NFT = "/usr/sbin/nft";
const SS = "/usr/bin/ss";
const ROOT = new URL("../../", import.meta.url).pathname;
const HTTP_PORT = 8088;

/** IPv6 addresses of the network that left and middle share (RFC 4193). */
export const IPV6 = { left: "fd00::2", middleLeft: "fd00::1" } as const;

/** How to start it. */
export interface FirewalledServerOptions {
  readonly pipeline: string;
  /** Flags beside `--host`, `--port` and an empty `--stun-servers`. */
  readonly flags: readonly string[];
  /** In the middle, next to the viewers on the left, or behind it on the right. */
  readonly place: "middle" | "right";
  /** Statements of nftables for what comes in and for what goes out, all but loopback. */
  readonly firewall: { readonly input?: string; readonly output?: string };
  /** Whether the address of `place` is IPv6. */
  readonly ipv6?: boolean;
}

/** The server as a user starts it, in a namespace whose firewall is ours; it ends when it goes out of scope. */
export interface FirewalledServer extends AsyncDisposable {
  /** As viewers on the left reach it. */
  readonly url: string;
  /** UDP ports that are bound in its namespace, in order. */
  udpPorts(): Promise<number[]>;
  /** Far ends of the TCP connections to one of its ports. */
  tcpPeers(port: number): Promise<string[]>;
  /** What it has logged. */
  output(): string;
}

/**
 * Starts it and waits until viewers on the left reach it.
 *
 * @throws Error with what it logged, when it does not get ready
 */
export async function startFirewalledServer(
  namespaces: Namespaces,
  { pipeline, flags, place, firewall, ipv6 = false }: FirewalledServerOptions,
): Promise<FirewalledServer> {
  await setUpFirewall(namespaces, { place, firewall });
  const args = ["stream-serve", pipeline, "--host", ipv6 ? "::" : "0.0.0.0", "--port", `${HTTP_PORT}`];
  const command = [Deno.execPath(), "run", "-A", "--no-prompt", "main.ts", ...args, "--stun-servers", "", ...flags];
  const child = namespaces.start(place, command, { stdout: "null", stderr: "piped", stdin: "null", cwd: ROOT });
  await using stack = new AsyncDisposableStack();
  let output = "";
  const read = (async () => {
    for await (const piece of child.stderr.pipeThrough(new TextDecoderStream() as TransformStream)) output += piece;
  })();
  stack.defer(async () => {
    killIfThere(child);
    await child.status;
    await read;
  });
  const host = place === "right" ? ADDRESSES.right : ipv6 ? `[${IPV6.middleLeft}]` : ADDRESSES.middleLeft;
  const url = `http://${host}:${HTTP_PORT}`;
  try {
    const ended = child.status.then(({ code }) => Promise.reject(new Error(`it ended with ${code}`)));
    await Promise.race([untilReady(namespaces, url), ended]);
  } catch (cause) {
    throw new Error(`the server is not ready: ${output}`, { cause });
  }
  const owned = stack.move();
  return {
    url,
    output: () => output,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
    udpPorts: async () => {
      const { stdout } = await must(namespaces, { place, command: [SS, "-uanH"] });
      const ports = stdout.trim().split("\n").map((line) => Number(/^\S+ +\S+ +\S+ +\S+:(\d+) /.exec(line)?.[1]));
      return [...new Set(ports)].sort((a, b) => a - b);
    },
    tcpPeers: async (port) => {
      const command = [SS, "-tnH", "state", "established", "sport", "=", `:${port}`];
      const { stdout } = await must(namespaces, { place, command });
      return stdout.trim().split("\n").filter((line) => line !== "").map((line) => line.trim().split(/ +/)[3] ?? "");
    },
  };
}

/** Waits until a server answers those on the left that it is ready. */
export async function untilReady(namespaces: Namespaces, url: string): Promise<void> {
  const ask = `for (let attempt = 0; attempt < 200; attempt++) {
    try {
      if ((await fetch("${url}/v1/service/ready", { signal: AbortSignal.timeout(2000) })).ok) Deno.exit(0);
    } catch { /* It does not listen yet. */ }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  Deno.exit(3)`;
  await must(namespaces, { place: "left", command: ["timeout", "30", Deno.execPath(), "eval", ask] });
}

/**
 * Takes the IPv4 addresses of left and middle away and gives them {@link IPV6}; the middle is the way to anywhere else.
 *
 * @param options.others whether the left has another network, where there is IPv4 and nobody
 */
export async function makeIpv6Only(namespaces: Namespaces, { others = false }: { others?: boolean } = {}) {
  const ends = [
    { place: "left", device: "middle0", address: IPV6.left },
    { place: "middle", device: "left0", address: IPV6.middleLeft },
  ] as const;
  for (const { place, device, address } of ends) {
    await must(namespaces, { place, command: [IP, "-4", "address", "flush", "scope", "global"] });
    const add = [IP, "address", "add", `${address}/64`, "dev", device, "nodad"];
    await must(namespaces, { place, command: add });
  }
  await must(namespaces, { place: "left", command: [IP, "route", "add", "default", "via", IPV6.middleLeft] });
  if (!others) return;
  const commands = [
    "link add others0 type veth peer name others1",
    "link set others0 up",
    "link set others1 up",
    "address add 10.203.9.1/24 dev others0",
  ];
  for (const one of commands) await must(namespaces, { place: "left", command: [IP, ...one.split(" ")] });
}

/** Gives the middle's device towards the left the name of a tunnel's. */
export async function makeTunnel(namespaces: Namespaces): Promise<void> {
  for (const change of ["left0 down", "left0 name tun0", "tun0 up"]) {
    await must(namespaces, { place: "middle", command: [IP, "link", "set", ...change.split(" ")] });
  }
}

/** Has the middle pass packets on between left and right. */
export async function makeRouted(namespaces: Namespaces): Promise<void> {
  const forward = ["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"];
  await must(namespaces, { place: "middle", command: forward });
  for (const [place, via] of [["left", ADDRESSES.middleLeft], ["right", ADDRESSES.middleRight]] as const) {
    await must(namespaces, { place, command: [IP, "route", "add", "default", "via", via] });
  }
}

async function setUpFirewall(
  namespaces: Namespaces,
  { place, firewall }: Pick<FirewalledServerOptions, "place" | "firewall">,
): Promise<void> {
  const ruleset = `table inet test {
    chain incoming { type filter hook input priority 0; iifname "lo" accept; ${firewall.input ?? ""}; }
    chain outgoing { type filter hook output priority 0; oifname "lo" accept; ${firewall.output ?? ""}; }
  }`;
  await must(namespaces, { place, command: [NFT, ruleset] });
}

async function must(
  namespaces: Namespaces,
  { place, command }: { place: Place; command: readonly string[] },
): Promise<{ stdout: string }> {
  const result = await namespaces.run(place, command);
  if (!result.success) throw new Error(`${command.join(" ")}: ${result.code} ${result.stderr.trim()}`);
  return result;
}
