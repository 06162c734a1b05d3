import type { Command } from "commander";
import { loadConfig, type SettingName } from "../config/mod.ts";
import { StreamError } from "../errors.ts";
import { print } from "../log.ts";
import {
  type Finding,
  findingsText,
  type Grants,
  levelsText,
  readPipeline,
  refuseGrants,
  type SecurityLevel,
  validatePipeline,
} from "../pipeline/mod.ts";
import { addConfigOptions, flagsOf } from "./config_options.ts";

/** The settings that decide what is refused. */
const SETTINGS_USED: readonly SettingName[] = ["securityLevel", "allowRead", "allowNet", "allowEnv"];

const NOTES = `
${levelsText()}

Nothing of the pipeline runs.

Exit code: 0 when stream-serve would start it, 1 when it would not, 2 when the command line cannot be read
or grants what the level does not take.`;

/** `telefuser validate <file>`: says what keeps a pipeline from being started, without running any of it. */
export function addValidate(program: Command, exit: (code: number) => void): void {
  const command = program.command("validate")
    .description("Check a pipeline and all that it imports, as stream-serve does before it starts.")
    .argument("<file>", "TypeScript or JavaScript module that exports getService()")
    .option("--json", "print one JSON document: { ok, file, security_level, errors, warnings, findings }")
    .allowExcessArguments(false)
    .addHelpText("after", NOTES);
  addConfigOptions(command, SETTINGS_USED);
  command.action(async (file: string) => exit(await validate(command, file)));
}

async function validate(command: Command, file: string): Promise<number> {
  const { config } = loadConfig({ flags: flagsOf(command), env: (name) => Deno.env.get(name) });
  const level = config.securityLevel;
  const entry = await realPath(file, "the pipeline");
  const read = await Promise.all(config.allowRead.map((path) => realPath(path, "--allow-read")));
  const grants: Grants = { read, net: config.allowNet, env: config.allowEnv, media: [] };
  refuseGrants(level, grants);
  const findings = await validatePipeline(await readPipeline(entry), { level, grants });
  const isFine = findings.every(({ severity }) => severity === "warning");
  print(
    command.opts<{ json?: boolean }>().json
      ? JSON.stringify(documentOf({ file: entry, level, findings, isFine }), null, 2)
      : findingsText(findings, { level, pipelineFile: file, folder: Deno.cwd() }),
  );
  return isFine ? 0 : 1;
}

function documentOf(
  { file, level, findings, isFine }: {
    file: string;
    level: SecurityLevel;
    findings: readonly Finding[];
    isFine: boolean;
  },
) {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  return { ok: isFine, file, security_level: level, errors, warnings: findings.length - errors, findings };
}

async function realPath(path: string, what: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new StreamError("invalid_config", `${what}: there is no file ${path}; check the path`, { cause });
  }
}
