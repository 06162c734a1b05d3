import { type Command, Option } from "commander";
import {
  flagName,
  type FlagValue,
  type Setting,
  SETTING_NAMES,
  type SettingName,
  settingOf,
  variableName,
} from "../config/mod.ts";

/** Adds a flag for every setting to a command, or for some of them. */
export function addConfigOptions(command: Command, names: readonly SettingName[] = SETTING_NAMES): Command {
  for (const name of names) command.addOption(optionFor(name, settingOf(name)));
  return command;
}

/** The settings that were given as flags, by name. */
export function flagsOf(command: Command): Partial<Record<SettingName, FlagValue>> {
  const flags: Partial<Record<SettingName, FlagValue>> = {};
  for (const name of SETTING_NAMES) {
    if (command.getOptionValueSource(name) !== "cli") continue;
    flags[name] = command.getOptionValue(name) as FlagValue;
  }
  return flags;
}

function optionFor(name: SettingName, setting: Setting<unknown>): Option {
  const short = setting.short === undefined ? "" : `-${setting.short}, `;
  const value = setting.kind === "boolean" ? "" : ` <${setting.value ?? setting.choices?.join("|") ?? "value"}>`;
  const option = new Option(`${short}--${flagName(name)}${value}`, `${setting.help} ${defaultText(name, setting)}`);
  if (setting.kind === "list") {
    option.argParser((text: string, before: unknown) => [...(Array.isArray(before) ? before : []), text]);
  }
  return option;
}

function defaultText(name: SettingName, setting: Setting<unknown>): string {
  const shown = Array.isArray(setting.default) ? setting.default.join(",") : String(setting.default);
  const value = shown === "" || shown === "false" ? "" : `default ${shown}; `;
  return `[${value}${variableName(name)}]`;
}
