import type { Command } from "commander";
import { systemClock, withTimeLimit } from "../async/mod.ts";
import { loadConfig, type SettingName } from "../config/mod.ts";
import { diagnose, reportText } from "../doctor/mod.ts";
import { messageOf } from "../errors.ts";
import { Log, print, setLogLevel } from "../log.ts";
import { addConfigOptions, flagsOf } from "./config_options.ts";
import { readServerUrl } from "./server_url.ts";
import { waitForSignal } from "./signals.ts";

const log = new Log("doctor");

/** The settings that have to do with getting through. */
const SETTINGS_USED: readonly SettingName[] = [
  "host",
  "port",
  "stunServers",
  "turnServer",
  "turnUsername",
  "turnCredential",
  "turnSecret",
  "turnTtlSeconds",
  "publicIp",
  "udpPort",
  "udpPortRange",
  "tcpPort",
  "certFile",
  "keyFile",
  "verbose",
];

/** Seconds that a session may take to be closed after a signal. */
const STOP_LIMIT = 3;
/** What shells expect of a program that was interrupted. */
const INTERRUPTED = 130;

const NOTES = `
Without --server-url this machine is looked into as one that serves with these settings; with it, the way from here to
that server, as a viewer goes it: a session is opened for a moment.

Exit code: 0 when nothing failed, 1 when something did, 2 when the command line cannot be read.`;

/** What commander hands over. */
interface DoctorFlags {
  readonly serverUrl?: string;
  readonly json?: boolean;
}

/** `telefuser doctor`: says what works from here and what to do. */
export function addDoctor(program: Command, exit: (code: number) => void): void {
  const command = program.command("doctor")
    .description("Say what works from here and what to do: HTTP, STUN, TURN, UDP, TCP, media, MTU, codecs.")
    .option("--server-url <url>", "a stream server to try, for example http://127.0.0.1:8088")
    .option("--json", "print one JSON document: { ok, checks, verdict }")
    .allowExcessArguments(false)
    .addHelpText("after", NOTES);
  addConfigOptions(command, SETTINGS_USED);
  command.action(async () => exit(await doctor(command, command.opts<DoctorFlags>())));
}

async function doctor(command: Command, { serverUrl, json = false }: DoctorFlags): Promise<number> {
  const loaded = loadConfig({ flags: flagsOf(command), env: (name) => Deno.env.get(name) });
  const url = serverUrl === undefined ? null : readServerUrl(serverUrl);
  setLogLevel(loaded.config.verbose ? "debug" : "error");
  // A connection that fails behind our back must not end what looks into it.
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.debug(`unexpected failure: ${messageOf(event.reason)}`);
  });
  const stop = new AbortController();
  const stopped = waitForSignal().then(() => stop.abort());
  const diagnosed = diagnose({ loaded, serverUrl: url, clock: systemClock, signal: stop.signal });
  const report = await Promise.race([diagnosed, stopped]);
  if (report === undefined) {
    await withTimeLimit(systemClock, STOP_LIMIT, diagnosed);
    return INTERRUPTED;
  }
  print(json ? JSON.stringify(report, null, 2) : reportText(report));
  return report.ok ? 0 : 1;
}
