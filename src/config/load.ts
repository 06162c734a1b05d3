import type { z } from "zod";
import { StreamError } from "../errors.ts";
import { type Config, flagName, SETTING_NAMES, type SettingName, settingOf, variableName } from "./settings.ts";

/** A value as a command line gives it: text, a bare switch, or several texts. */
export type FlagValue = string | boolean | readonly string[];

/** Where settings come from. */
export interface ConfigSources {
  /** By setting name, only those that were given. */
  readonly flags: Partial<Record<SettingName, FlagValue>>;
  /** Reads an environment variable. */
  readonly env: (name: string) => string | undefined;
}

/** A configuration and, for each setting, where its value came from. */
export interface LoadedConfig {
  readonly config: Config;
  readonly sources: Readonly<Record<SettingName, "flag" | "environment" | "default">>;
}

/**
 * Builds the configuration: flag over environment over default.
 *
 * @throws StreamError `invalid_config` with one line for each fault, each naming what the user typed
 */
export function loadConfig({ flags, env }: ConfigSources): LoadedConfig {
  const faults: string[] = [];
  const values: Partial<Record<SettingName, unknown>> = {};
  const sources: Partial<Record<SettingName, "flag" | "environment" | "default">> = {};
  for (const name of SETTING_NAMES) {
    const setting = settingOf(name);
    const flag = flags[name];
    const variable = env(variableName(name));
    const given = flag ?? (variable === undefined || variable === "" ? undefined : variable);
    const typed = flag !== undefined ? `--${flagName(name)}` : variableName(name);
    sources[name] = flag !== undefined ? "flag" : given !== undefined ? "environment" : "default";
    if (given === undefined) {
      values[name] = setting.default;
      continue;
    }
    const shown = setting.secret ? "the value" : quote(given);
    const parsed = parseText(name, given);
    if (parsed === undefined) {
      faults.push(`${typed}: ${shown} is not ${expected(name)}`);
      continue;
    }
    const checked = setting.schema.safeParse(parsed.value);
    if (checked.success) values[name] = checked.data;
    else faults.push(`${typed}: ${shown} does not fit: ${issueText(name, checked.error)}`);
  }
  if (values.relayOnly === true && (values.turnServer as Config["turnServer"] | undefined)?.length === 0) {
    const typed = sources.relayOnly === "flag" ? `--${flagName("relayOnly")}` : variableName("relayOnly");
    faults.push(`${typed}: there is no TURN server to use; name one with --${flagName("turnServer")}`);
  }
  if (faults.length > 0) throw new StreamError("invalid_config", faults.join("\n"));
  return { config: values as Config, sources: sources as LoadedConfig["sources"] };
}

/** The secrets of a configuration, those that are given. */
export function secretsOf(config: Config): string[] {
  const names = SETTING_NAMES.filter((name) => settingOf(name).secret);
  return names.map((name) => String(config[name])).filter((secret) => secret !== "");
}

/** The configuration for printing: secrets are starred. */
export function redactConfig(config: Config): Record<SettingName, unknown> {
  const shown: Partial<Record<SettingName, unknown>> = {};
  for (const name of SETTING_NAMES) {
    const value: unknown = config[name];
    shown[name] = settingOf(name).secret && value !== "" ? "***" : value;
  }
  return shown as Record<SettingName, unknown>;
}

function parseText(name: SettingName, given: FlagValue): { value: unknown } | undefined {
  const { kind } = settingOf(name);
  if (kind === "list") return parseList(given);
  if (Array.isArray(given)) return undefined;
  if (kind === "boolean") {
    if (typeof given === "boolean") return { value: given };
    const text = String(given).toLowerCase();
    if (["1", "true", "yes", "on"].includes(text)) return { value: true };
    if (["0", "false", "no", "off"].includes(text)) return { value: false };
    return undefined;
  }
  if (typeof given !== "string") return undefined;
  if (kind === "integer") return /^-?\d+$/.test(given.trim()) ? { value: Number(given) } : undefined;
  if (kind === "number") return /^-?\d+(\.\d+)?$/.test(given.trim()) ? { value: Number(given) } : undefined;
  if (kind === "choice") return { value: matchChoice(name, given) };
  return { value: given };
}

/** `h264` and `Strict` are as good as `H264` and `strict`. */
function matchChoice(name: SettingName, given: string): string {
  const choices = settingOf(name).choices ?? [];
  return choices.find((choice) => choice.toLowerCase() === given.toLowerCase()) ?? given;
}

/** A list whose first entry is an IPv6 address in brackets, which looks like a JSON array at first. */
const IPV6_FIRST = /^\s*\[[\da-f.]*:[\da-f:.]*\]/i;

function parseList(given: FlagValue): { value: unknown } | undefined {
  if (typeof given === "boolean") return undefined;
  if (typeof given !== "string") {
    const parts = given.map(parseList);
    if (parts.some((part) => part === undefined)) return undefined;
    return { value: parts.flatMap((part) => part?.value) };
  }
  const isJson = given.trimStart().startsWith("[") && !IPV6_FIRST.test(given);
  if (isJson) {
    try {
      return { value: JSON.parse(given) };
    } catch {
      return undefined;
    }
  }
  return { value: given.split(",").map((part) => part.trim()).filter((part) => part !== "") };
}

/** What a setting takes, for people. */
export function expected(name: SettingName): string {
  const setting = settingOf(name);
  switch (setting.kind) {
    case "choice":
      return `one of ${setting.choices?.join(", ")}`;
    case "integer":
      return "a whole number";
    case "number":
      return "a number";
    case "boolean":
      return "true or false";
    case "list":
      return "a comma-separated list or a JSON array of strings";
    case "string":
      return "a text";
  }
}

function issueText(name: SettingName, error: z.ZodError): string {
  if (settingOf(name).kind === "choice") return `use ${expected(name)}`;
  return error.issues.map((issue) => issue.message.replace(/^Too (?:big|small): expected number to be /, "must be "))
    .join("; ");
}

/** What was typed, without the user name and password that it may have before an @. */
function quote(value: FlagValue): string {
  const text = JSON.stringify(typeof value === "object" ? value.join(",") : value);
  return text.replace(/(?<=[:/])[^\s"/:,]+:[^\s",]*@/g, "***@");
}
