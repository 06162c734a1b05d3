import type { Command } from "commander";
import { type Config, loadConfig, redactConfig } from "../config/mod.ts";
import { certificateNames } from "../http/mod.ts";
import { Log, print, printAlarm, printError, setLogLevel } from "../log.ts";
import { lanAddresses } from "../network.ts";
import { type Finding, findingsText, levelsText } from "../pipeline/mod.ts";
import { type Server, startServer } from "../server.ts";
import { addConfigOptions, flagsOf } from "./config_options.ts";
import { waitForSignal } from "./signals.ts";

const log = new Log("telefuser");

/** `telefuser stream-serve <pipeline_file>`: serves until a signal comes. */
export function addStreamServe(program: Command, exit: (code: number) => void): void {
  const command = program.command("stream-serve")
    .description("Serve a pipeline to browsers.")
    .argument("<pipeline_file>", "TypeScript or JavaScript module that exports getService()")
    .allowExcessArguments(false)
    .addHelpText("after", `\n${levelsText()}`);
  addConfigOptions(command);
  command.action(async (pipelineFile: string) => exit(await streamServe(command, pipelineFile)));
}

async function streamServe(command: Command, pipelineFile: string): Promise<number> {
  const loaded = loadConfig({ flags: flagsOf(command), env: (name) => Deno.env.get(name) });
  const { config } = loaded;
  if (config.verbose) setLogLevel("debug");
  log.debug("configuration", redactConfig(config));
  if (config.skipValidation) {
    printAlarm(
      "--skip-validation is for development: nothing of the pipeline is checked, and it runs at security level " +
        "permissive, with every right that this server has",
    );
  }
  const stopped = waitForSignal();
  surviveStrayFailures();
  const server = await startServer({
    loaded,
    pipelineFile,
    report: (findings) => printFindings(findings, { config, pipelineFile }),
  });
  const names = config.certFile === "" ? [] : await certificateNames(config.certFile);
  print(banner({ config, pipelineFile, server, names }));
  server.started.then(() => {
    const { status } = server.pipeline;
    if (status.state !== "running") {
      log.error("pipeline is not running; offers are answered with 503 until the server is started again");
    } else if (status.mode === "bidirectional") {
      log.info("pipeline is running and takes input: open /demo/bidirectional or /demo/arrow instead of the player");
    } else {
      log.info("pipeline is running; waiting for viewers");
    }
  });
  log.info(`stopping on ${await stopped}; once more ends at once`);
  await server.stop();
  return 0;
}

/**
 * A promise that fails unseen is a fault of ours. It is logged in full and costs what hangs on it, but not the sessions of
 * everybody else.
 */
function surviveStrayFailures(): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    const { reason } = event;
    log.error(`unexpected failure: ${reason instanceof Error ? reason.stack ?? reason.message : String(reason)}`);
  });
}

function printFindings(
  findings: readonly Finding[],
  { config, pipelineFile }: { config: Config; pipelineFile: string },
): void {
  if (findings.length === 0) return;
  printError(findingsText(findings, { level: config.securityLevel, pipelineFile, folder: Deno.cwd() }));
}

function banner(
  { config, pipelineFile, server, names }: {
    config: Config;
    pipelineFile: string;
    server: Server;
    names: readonly string[];
  },
): string {
  const { port, permissions } = server;
  const origins = hostsOf(config.host, names).map((host) =>
    `${config.certFile === "" ? "http" : "https"}://${host}:${port}`
  );
  const lines = [
    "",
    "TeleFuser Stream",
    `  pipeline     ${pipelineFile}`,
    `  level        ${permissions.level}: ${permissions.summary}`,
    `  video        ${config.webrtcVideoCodec} preferred, ${config.webrtcVideoBitrate / 1e6} Mbit/s, ` +
    `effort ${config.encoderEffort}, up to ${config.webrtcMaxSessions} sessions`,
    ...origins.map((origin, index) => `  ${index === 0 ? "open        " : "            "} ${origin}/demo/player`),
    `  API          ${origins[0]}/v1/service/health`,
    "",
  ];
  if (config.skipValidation) {
    lines.splice(4, 0, "  WARNING      --skip-validation is for development: not checked, and may do everything");
  }
  return lines.join("\n");
}

/** Hosts to open in a browser; with a certificate those it is for, because a browser warns of any other. */
function hostsOf(host: string, names: readonly string[]): string[] {
  if (names.length > 0) return names.map((name) => name.includes(":") ? `[${name}]` : name);
  const everywhere = host === "0.0.0.0" || host === "::";
  return everywhere ? ["localhost", ...lanAddresses()] : [host];
}
