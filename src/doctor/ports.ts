import type { Config } from "../config/mod.ts";
import { messageOf } from "../errors.ts";
import type { Check } from "./check.ts";
import type { JsonClient } from "./json_client.ts";

/** Ports of a range that are tried at most. */
const MOST = 2000;

/** Whether the ports of the settings are free. One that a TeleFuser server has is in good hands. */
export async function checkPorts(config: Config, client: JsonClient): Promise<Check[]> {
  const { host, port, udpPort, udpPortRange, tcpPort } = config;
  const isServing = port !== 0 && !isTcpFree(host, port) && await isTeleFuser(client, config);
  const checks: Check[] = [];
  if (port !== 0) checks.push(pageCheck(config, { isServing }));
  if (udpPort !== 0) {
    checks.push(mediaCheck({ flag: "--udp-port", port: udpPort, isFree: isUdpFree(udpPort), isServing }));
  }
  if (tcpPort !== 0) {
    checks.push(mediaCheck({ flag: "--tcp-port", port: tcpPort, isFree: isTcpFree("0.0.0.0", tcpPort), isServing }));
  }
  if (udpPortRange !== "" && udpPort === 0) checks.push(rangeCheck(udpPortRange));
  return checks;
}

function pageCheck({ host, port, certFile }: Config, { isServing }: { isServing: boolean }): Check {
  const id = "port";
  if (isServing) {
    const scheme = certFile === "" ? "http" : "https";
    return {
      id,
      status: "ok",
      summary: `port ${port} (--port) is held by a TeleFuser server that runs here`,
      detail: `to try that one: telefuser doctor --server-url ${scheme}://${openable(host)}:${port}`,
    };
  }
  const fault = bindFault(() => Deno.listen({ hostname: host, port }));
  if (fault === null) return { id, status: "ok", summary: `port ${port} (--port) is free` };
  return {
    id,
    status: "fail",
    summary: `port ${port} (--port) on ${host}: ${fault}`,
    remedy: "stop what listens there or choose another with --port; the address is --host",
  };
}

function mediaCheck(
  { flag, port, isFree, isServing }: { flag: string; port: number; isFree: boolean; isServing: boolean },
): Check {
  const id = flag.slice(2);
  if (isFree) return { id, status: "ok", summary: `port ${port} (${flag}) is free` };
  return {
    id,
    status: isServing ? "warn" : "fail",
    summary: `port ${port} (${flag}) is in use${isServing ? ", perhaps by the server that runs here" : ""}`,
    remedy: `if it is not the server's: stop what listens there or choose another with ${flag}`,
  };
}

function rangeCheck(range: string): Check {
  const [first = 0, last = 0] = range.split("-").map(Number);
  const ports = Array.from({ length: Math.min(MOST, last - first + 1) }, (_, index) => first + index);
  const free = ports.filter(isUdpFree).length;
  const id = "udp-port-range";
  const summary = `${free} of ${ports.length} UDP ports from ${first} on are free (--udp-port-range)`;
  if (free * 2 > ports.length) return { id, status: "ok", summary };
  const remedy = "each viewer takes one or two (IPv4, IPv6): widen --udp-port-range, or set --udp-port for all";
  return { id, status: free === 0 ? "fail" : "warn", summary, remedy };
}

/** Whether what has the page's port is a server like this. */
async function isTeleFuser(client: JsonClient, { host, port, certFile }: Config): Promise<boolean> {
  const origin = `${certFile === "" ? "http" : "https"}://${openable(host)}:${port}`;
  const answer = await client.get(`${origin}/v1/service/health`);
  return answer.kind === "answer" && typeof answer.body?.webrtc_max_sessions === "number";
}

function openable(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

function isTcpFree(hostname: string, port: number): boolean {
  return bindFault(() => Deno.listen({ hostname, port })) === null;
}

function isUdpFree(port: number): boolean {
  return bindFault(() => Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port })) === null;
}

/** Why that cannot be listened on; null when it can. */
function bindFault(bind: () => { close(): void }): string | null {
  try {
    bind().close();
    return null;
  } catch (error) {
    return error instanceof Deno.errors.AddrInUse ? "it is in use" : messageOf(error);
  }
}
