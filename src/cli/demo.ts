import { Argument, type Command } from "commander";
import { systemClock, withTimeLimit } from "../async/mod.ts";
import { messageOf, StreamError } from "../errors.ts";
import { type Answer, createDemoApp, type DemoConfig, listenAsConfigured, type Listener } from "../http/mod.ts";
import { print } from "../log.ts";
import { invalid } from "./invalid.ts";
import { openBrowser } from "./open_browser.ts";
import { notThis, readServerUrl } from "./server_url.ts";
import { waitForSignal } from "./signals.ts";

/** The pages and the port that each has to itself unless `--port` says otherwise. */
const PAGES: ReadonlyMap<string, number> = new Map([["player", 8090], ["bidirectional", 8091], ["arrow", 8092]]);

/** Seconds that requests still under way have to end after a signal. */
const STOP_LIMIT = 2;

/** What commander hands over: texts as they were typed. */
interface DemoFlags {
  readonly port?: string;
  readonly host: string;
  readonly serverUrl: string;
  readonly open: boolean;
  readonly turnUrl?: string;
  readonly turnUsername?: string;
  readonly turnCredential?: string;
  readonly forceTurnRelay?: boolean;
  readonly iceGatherTimeoutMs?: string;
  readonly prompt?: string;
  readonly fps?: string;
}

/** `telefuser demo <page>`: one demo page on a port of its own, for a stream server that may be elsewhere. */
export function addDemo(program: Command, exit: (code: number) => void): void {
  const name = new Argument("<page>", "which page");
  // What is wrong with it is said below, together with what to type.
  name.argChoices = [...PAGES.keys()];
  const command = program.command("demo")
    .description("Serve one demo page and forward its requests to a stream server.")
    .addArgument(name)
    .option("-p, --port <port>", "TCP port of the page [default 8090 player, 8091 bidirectional, 8092 arrow]")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--server-url <url>", "the stream server", "http://127.0.0.1:8088")
    .option("--no-open", "do not open the system's browser")
    .option("--turn-url <url>", "TURN server for the browser, for example turn:turn.example.org:3478")
    .option("--turn-username <name>", "user name at the TURN server")
    .option("--turn-credential <password>", "password at the TURN server")
    .option("--force-turn-relay", "use the TURN server even where a direct path exists")
    .option("--ice-gather-timeout-ms <ms>", "how long the page waits for candidates before it sends its offer")
    .option("--prompt <text>", "prompt that the page begins with")
    .option("--fps <number>", "frames per second that the page asks for")
    .allowExcessArguments(false);
  command.action(async (page: string) => exit(await demo(page, command.opts<DemoFlags>())));
}

async function demo(page: string, flags: DemoFlags): Promise<number> {
  const usual = PAGES.get(page);
  if (usual === undefined) {
    throw invalid(`there is no page ${JSON.stringify(page)}; type: telefuser demo ${[...PAGES.keys()].join(" | ")}`);
  }
  const port = flags.port === undefined ? usual : numberOf("--port", flags.port, { min: 0, max: 65_535, whole: true });
  const serverUrl = readServerUrl(flags.serverUrl);
  const stopped = waitForSignal();
  const app = await createDemoApp({ page, serverUrl, config: configOf(flags) });
  const server = await listenOn({ host: flags.host, port }, (request, remote) => app.fetch(request, { remote }));
  const host = flags.host === "0.0.0.0" || flags.host === "::" ? "localhost" : flags.host;
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${server.addr.port}/demo/${page}`;
  print(`\nTeleFuser Stream demo\n  server       ${serverUrl}\n  open         ${url}\n`);
  if (flags.open) openBrowser(url);
  await stopped;
  await withTimeLimit(systemClock, STOP_LIMIT, server.shutdown());
  return 0;
}

/** Listens; an address that does not fit is the fault of its flag. */
async function listenOn(place: { host: string; port: number }, answer: Answer): Promise<Listener> {
  const config = { ...place, certFile: "", keyFile: "" };
  try {
    return await listenAsConfigured({ config, clock: systemClock }, answer);
  } catch (cause) {
    if (cause instanceof StreamError && cause.code === "port_in_use") throw cause;
    const reason = cause instanceof StreamError ? cause.message : `cannot listen on ${place.host}: ${messageOf(cause)}`;
    throw invalid(`--host or --port: ${reason}; type for example: --host 127.0.0.1 --port 8090`);
  }
}

/** What the page is told. */
function configOf(flags: DemoFlags): DemoConfig {
  const { turnUrl, turnUsername, turnCredential, forceTurnRelay, iceGatherTimeoutMs, prompt, fps } = flags;
  if (turnUrl !== undefined && !/^turns?:[^\s/@?#]+(\?transport=(udp|tcp))?$/.test(turnUrl)) {
    throw invalid(`--turn-url must look like turn:host:port${notThis(turnUrl)}`);
  }
  if (turnUrl === undefined && (forceTurnRelay || turnUsername !== undefined || turnCredential !== undefined)) {
    const flag = forceTurnRelay
      ? "--force-turn-relay"
      : turnUsername === undefined
      ? "--turn-credential"
      : "--turn-username";
    throw invalid(`${flag} needs a TURN server; add --turn-url turn:host:port`);
  }
  return {
    ...(turnUrl === undefined
      ? {}
      : { ice_servers: [{ urls: turnUrl, username: turnUsername ?? "", credential: turnCredential ?? "" }] }),
    ...(forceTurnRelay ? { ice_transport_policy: "relay" } : {}),
    ...(iceGatherTimeoutMs === undefined ? {} : {
      ice_gather_timeout_ms: numberOf("--ice-gather-timeout-ms", iceGatherTimeoutMs, {
        min: 1,
        max: 60_000,
        whole: true,
      }),
    }),
    ...(prompt === undefined ? {} : { prompt }),
    ...(fps === undefined ? {} : { fps: numberOf("--fps", fps, { min: 0.1, max: 240 }) }),
  };
}

function numberOf(
  flag: string,
  text: string,
  { min, max, whole = false }: { min: number; max: number; whole?: boolean },
): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
  throw invalid(`${flag} takes a ${whole ? "whole " : ""}number from ${min} to ${max}, not ${JSON.stringify(text)}`);
}
