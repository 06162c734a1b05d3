import { z } from "zod";

/** What the figures were taken on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  /** Load of the last minute when the run began. */
  readonly load: number;
  readonly versions: Readonly<Record<string, string>>;
}

/** Reads the machine's description. `versions` are added to those of Deno and the npm packages. */
export async function describeMachine(versions: Readonly<Record<string, string>>): Promise<Machine> {
  const cpuInfo = await Deno.readTextFile("/proc/cpuinfo");
  return {
    cpu: /^model name\s*:\s*(.+)$/m.exec(cpuInfo)?.[1] ?? "unknown",
    cores: navigator.hardwareConcurrency,
    kernel: Deno.osRelease(),
    load: Deno.loadavg()[0]!,
    versions: { deno: Deno.version.deno, ...await packageVersions(), ...versions },
  };
}

/** Version of a Python package, or why there is none. */
export async function pythonPackageVersion(name: string): Promise<string> {
  const script = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))";
  const { success, stdout } = await new Deno.Command("python3", { args: ["-c", script, name], stderr: "null" })
    .output();
  return success ? new TextDecoder().decode(stdout).trim() : "not installed";
}

const configSchema = z.object({ imports: z.record(z.string(), z.string()) });

async function packageVersions(): Promise<Record<string, string>> {
  const config = configSchema.parse(JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url))));
  return Object.fromEntries(
    ["werift", "node-av"].map((name) => [name, config.imports[name]?.split("@").at(-1) ?? "unknown"]),
  );
}
