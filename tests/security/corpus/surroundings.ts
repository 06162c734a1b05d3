import { ARRIVES, type Attempt, attempts, matches, tells } from "./attempt.ts";

const ENV = tells("env");
const HOSTNAME = tells("hostname");

/** The server's environment. */
export const ENVIRONMENT: readonly Attempt[] = attempts([
  ["env.get", ENV, "return Deno.env.get(t.variable);"],
  ["env.all", ENV, "return JSON.stringify(Deno.env.toObject());"],
  ["env.has", matches(/^true$/), "return String(Deno.env.has(t.variable));"],
  ["env.set", matches(/^after$/), "Deno.env.set(t.mark, 'after'); return Deno.env.get(t.mark);"],
  ["env.process", ENV, "return process.env[t.variable];"],
  ["env.process_keys", ENV, "return Object.entries(process.env).join();"],
  ["env.node_process", ENV, "return (await import('node:process')).default.env[t.variable];"],
  ["env.proc", ENV, "return await Deno.readTextFile('/proc/self/environ');"],
  ["env.proc_pid", ENV, "return await Deno.readTextFile(`/proc/${t.server}/environ`);"],
  ["env.load_file", ENV, "process.loadEnvFile(t.root + '/secret.env'); return process.env.SECRET_LOADED;"],
  ["env.load_own_file", ARRIVES, "process.loadEnvFile(t.folder + '/own.env');"],
  ["env.load_own_file_named", ARRIVES, "(await import('node:process')).loadEnvFile(t.folder + '/own.env');"],
  [
    "env.worker_data",
    ENV,
    "const w = await import('node:worker_threads'); return JSON.stringify([w.workerData, w.getEnvironmentData(t.variable), w.SHARE_ENV?.description, process.env[t.variable]]);",
  ],
  ["env.report", ENV, "return JSON.stringify(process.report.getReport().environmentVariables);", {
    control: { never: "the runtime has no variables in its reports" },
  }],
]);

/** What the machine is. */
export const SYSTEM: readonly Attempt[] = attempts([
  ["system.hostname", HOSTNAME, "return Deno.hostname();"],
  ["system.node_hostname", HOSTNAME, "return (await import('node:os')).hostname();"],
  ["system.proc_hostname", HOSTNAME, "return await Deno.readTextFile('/proc/sys/kernel/hostname');"],
  ["system.release", tells("release"), "return Deno.osRelease();"],
  ["system.node_release", tells("release"), "return (await import('node:os')).release();"],
  ["system.interfaces", matches(/127\.0\.0\.1/), "return JSON.stringify(Deno.networkInterfaces());"],
  [
    "system.node_interfaces",
    matches(/127\.0\.0\.1/),
    "return JSON.stringify((await import('node:os')).networkInterfaces());",
  ],
  ["system.load", matches(/^\[\d/), "return JSON.stringify(Deno.loadavg());"],
  ["system.node_load", matches(/^\[\d/), "return JSON.stringify((await import('node:os')).loadavg());"],
  ["system.memory", matches(/"total":\d{6,}/), "return JSON.stringify(Deno.systemMemoryInfo());"],
  ["system.node_memory", matches(/^\d{6,}$/), "return String((await import('node:os')).totalmem());"],
  ["system.uid", matches(/^\d+$/), "return String(Deno.uid());"],
  ["system.gid", matches(/^\d+$/), "return String(Deno.gid());"],
  ["system.process_uid", matches(/^\d+$/), "return String(process.getuid());"],
  ["system.user", matches(/homedir/), "return JSON.stringify((await import('node:os')).userInfo());"],
  ["system.home", matches(/^\//), "return (await import('node:os')).homedir();"],
  ["system.uptime", matches(/^\d+/), "return String(Deno.osUptime());"],
  ["system.node_uptime", matches(/^[1-9]\d*/), "return String((await import('node:os')).uptime());"],
  ["system.cpus", matches(/"model"/), "return JSON.stringify((await import('node:os')).cpus());"],
  ["system.priority", matches(/^-?\d+$/), "return String((await import('node:os')).getPriority());"],
  ["system.exec_path", matches(/^\//), "return Deno.execPath();", { allowed: ["strict", "standard"] }],
  ["system.working_folder", matches(/^\//), "return Deno.cwd();", { allowed: ["strict", "standard"] }],
  [
    "system.graphics",
    matches(/vendor|none/),
    "const a = await navigator.gpu.requestAdapter(); return a === null ? 'null' : JSON.stringify({ vendor: a.info.vendor });",
    { control: { never: "a machine without a graphics device has nothing to tell" } },
  ],
]);
