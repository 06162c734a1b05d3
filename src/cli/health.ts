import { get as getHttp, type IncomingMessage } from "node:http";
import { get as getHttps } from "node:https";
import type { Command } from "commander";
import { systemClock } from "../async/mod.ts";
import { type Config, loadConfig, type SettingName, variableName } from "../config/mod.ts";
import { messageOf } from "../errors.ts";
import { escapeControl, print, printError } from "../log.ts";
import { addConfigOptions, flagsOf } from "./config_options.ts";
import { readServerUrl } from "./server_url.ts";

/** The settings that say where the server of this machine is. */
const SETTINGS_USED: readonly SettingName[] = ["host", "port", "certFile"];

/** Seconds until the server must have answered. */
const LIMIT = 4;
/** Much more than any answer has. */
const MAX_BODY = 64 * 1024;

const REMEDY = "start the server, or name its address with --server-url";

const NOTES = `
Without --server-url the server of this machine is asked, at the port that the same flags and variables give it. With a
certificate file it is asked over HTTPS, and its certificate may be for any name.

For a container: HEALTHCHECK CMD ["telefuser", "health"]

Exit code: 0 when it is healthy or starting, 1 when it is not or does not answer within ${LIMIT} s, 2 when the command line
cannot be read.`;

/** `telefuser health`: asks a server how it is, in one line and an exit code. */
export function addHealth(program: Command, exit: (code: number) => void): void {
  const command = program.command("health")
    .description("Ask a server whether it is well, for health checks of containers.")
    .option(
      "--server-url <url>",
      "the stream server, for example http://127.0.0.1:8088 [default: the one of this machine]",
    )
    .allowExcessArguments(false)
    .addHelpText("after", NOTES);
  addConfigOptions(command, SETTINGS_USED);
  command.action(async () => exit(await health(command, command.opts<{ serverUrl?: string }>().serverUrl)));
}

async function health(command: Command, serverUrl: string | undefined): Promise<number> {
  // What the server would not start with is for the server to say.
  const variables = new Set(SETTINGS_USED.map(variableName));
  const { config } = loadConfig({
    flags: flagsOf(command),
    env: (name) => variables.has(name) ? Deno.env.get(name) : undefined,
  });
  const url = serverUrl === undefined ? ownUrl(config) : readServerUrl(serverUrl);
  const { ok, words } = await askHealth(url, { isOwn: serverUrl === undefined });
  if (ok) print(`${url}: ${words}`);
  else printError(`telefuser: ${url}: ${words}`);
  return ok ? 0 : 1;
}

/** Where this machine reaches a server with these settings. */
export function ownUrl({ host, port, certFile }: Pick<Config, "host" | "port" | "certFile">): string {
  const near = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `${certFile === "" ? "http" : "https"}://${near.includes(":") ? `[${near}]` : near}:${port}`;
}

/** How a server is, in one line. */
interface Health {
  readonly ok: boolean;
  readonly words: string;
}

/** @param options.isOwn whether it is this machine's: then any certificate will do */
async function askHealth(url: string, { isOwn }: { isOwn: boolean }): Promise<Health> {
  const late = new AbortController();
  using _limit = systemClock.schedule(LIMIT, () => late.abort());
  try {
    const response = await get(`${url}/v1/service/health`, { signal: late.signal, rejectUnauthorized: !isOwn });
    return readHealth(response.statusCode ?? 0, await textOf(response));
  } catch (error) {
    if (late.signal.aborted) return { ok: false, words: `no answer within ${LIMIT} s; ${REMEDY}` };
    return { ok: false, words: `cannot be reached: ${escapeControl(messageOf(error))}; ${REMEDY}` };
  }
}

/** Reads what `GET /v1/service/health` was answered with. */
export function readHealth(status: number, body: string): Health {
  const { status: state, detail } = objectIn(body);
  if (typeof state !== "string") {
    return { ok: false, words: `answers ${status}, but is no TeleFuser server; ${REMEDY}` };
  }
  const words = typeof detail === "string" ? `${state}: ${detail}` : state;
  return { ok: status === 200, words: escapeControl(words) };
}

function get(
  url: string,
  options: { signal: AbortSignal; rejectUnauthorized: boolean },
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = url.startsWith("https:") ? getHttps(url, options, resolve) : getHttp(url, options, resolve);
  request.on("error", reject);
  return promise;
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  response.setEncoding("utf8");
  for await (const part of response) {
    text += part;
    if (text.length > MAX_BODY) throw new Error(`it answers with more than ${MAX_BODY} bytes`);
  }
  return text;
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
  } catch {
    return {};
  }
}
