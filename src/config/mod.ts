/**
 * Every setting once: `webrtcMaxSessions` is the flag `--webrtc-max-sessions` and the variable
 * `TELEFUSER_WEBRTC_MAX_SESSIONS` by rule; help, documentation and redaction are made from the same table.
 *
 * @module
 */
export {
  type ConfigSources,
  expected,
  type FlagValue,
  loadConfig,
  type LoadedConfig,
  redactConfig,
  secretsOf,
} from "./load.ts";
export {
  type Config,
  flagName,
  type SecurityLevel,
  type Setting,
  SETTING_NAMES,
  type SettingName,
  settingOf,
  SETTINGS,
  variableName,
} from "./settings.ts";
