import { ARRIVES, type Attempt, attempts, ENDS, EXITS, MAKES, matches, tells } from "./attempt.ts";

const PLAIN = { control: { plain: [] }, alone: true } as const;
const CLOSED_EVERYWHERE = "a worker of this runtime ends itself only; the process goes on at every level";

/** Starting programs. */
export const PROGRAMS: readonly Attempt[] = attempts([
  ["run.command", MAKES, "await new Deno.Command('touch', { args: [t.out] }).output();"],
  ["run.command_sync", MAKES, "new Deno.Command('/usr/bin/touch', { args: [t.out] }).outputSync();"],
  [
    "run.command_self",
    MAKES,
    "await new Deno.Command(Deno.execPath(), { args: ['eval', `Deno.mkdirSync(${JSON.stringify(t.out)})`] }).output();",
  ],
  ["run.spawn", MAKES, "await Deno.spawnAndWait('touch', [t.out]);"],
  ["run.spawn_sync", MAKES, "Deno.spawnAndWaitSync('touch', [t.out]);"],
  ["run.run", MAKES, "await Deno.run({ cmd: ['touch', t.out] }).status();", {
    control: { never: "Deno.run is gone in this runtime" },
  }],
  [
    "run.exec",
    MAKES,
    "const { exec } = await import('node:child_process'); await new Promise((y, n) => exec(`touch ${t.out}`, (e) => e ? n(e) : y()));",
  ],
  ["run.exec_file_sync", MAKES, "(await import('node:child_process')).execFileSync('touch', [t.out]);"],
  [
    "run.node_spawn",
    MAKES,
    "const { spawn } = await import('node:child_process'); await new Promise((y, n) => spawn('touch', [t.out]).on('error', n).on('exit', y));",
  ],
  [
    "run.node_spawn_sync",
    MAKES,
    "const { spawnSync } = await import('node:child_process'); const r = spawnSync('touch', [t.out]); if (r.error) throw r.error;",
  ],
  [
    "run.node_fork",
    MAKES,
    "const { fork } = await import('node:child_process'); await new Promise((y, n) => fork(t.root + '/make.cjs', [t.out]).on('error', n).on('exit', y));",
  ],
  [
    "run.node_cluster",
    MAKES,
    "const cluster = (await import('node:cluster')).default; cluster.setupPrimary({ exec: t.root + '/make.cjs', args: [t.out] }); await new Promise((y, n) => cluster.fork().on('error', n).on('exit', y));",
  ],
  [
    "run.builtin_required",
    MAKES,
    "(await import('node:module')).createRequire(import.meta.url)('child_process').execFileSync('touch', [t.out]);",
  ],
  [
    "run.process_binding",
    MAKES,
    "const { Process } = process.binding('process_wrap'); const p = new Process(); p.spawn({ file: 'touch', args: ['touch', t.out], stdio: [] }); await new Promise((y) => setTimeout(y, 200));",
    { control: { never: "the runtime has no such binding" } },
  ],
]);

/** Native code. */
export const NATIVE: readonly Attempt[] = attempts([
  [
    "native.dlopen",
    MAKES,
    "const lib = Deno.dlopen('libc.so.6', { mkdir: { parameters: ['buffer', 'u32'], result: 'i32' } }); lib.symbols.mkdir(new TextEncoder().encode(t.out + '\\0'), 0o755);",
  ],
  [
    "native.pointer",
    matches(/^\d+$/),
    "return String(Deno.UnsafePointer.value(Deno.UnsafePointer.of(new Uint8Array(8))));",
  ],
  [
    "native.callback",
    matches(/^ok$/),
    "new Deno.UnsafeCallback({ parameters: [], result: 'void' }, () => {}).close(); return 'ok';",
  ],
  [
    "native.addon",
    tells("addon"),
    "const m = { exports: {} }; process.dlopen(m, t.addon); return Object.keys(m.exports).sort().join();",
  ],
  [
    "native.addon_required",
    tells("addon"),
    "return Object.keys((await import('node:module')).createRequire(import.meta.url)(t.addon)).sort().join();",
  ],
  [
    "native.sqlite_extension",
    matches(/symbol/),
    "const { DatabaseSync } = await import('node:sqlite'); const db = new DatabaseSync(':memory:', { allowExtension: true }); try { db.loadExtension(t.addon); } catch (e) { return e.message; }",
  ],
  ["native.node_ffi", matches(/dlopen/), "return Object.keys(await import('node:ffi')).join();", {
    control: { never: "the runtime has no node:ffi" },
  }],
  [
    "native.wasm_only",
    matches(/^denied$/),
    "const m = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])); return Object.keys(new WebAssembly.Instance(m).exports).length === 0 ? 'computed' : 'denied';",
    { control: { never: "WebAssembly computes within the worker at every level; it reaches nothing else" } },
  ],
]);

/** Signals to others. */
export const SIGNALS: readonly Attempt[] = attempts([
  ["signal.kill", ENDS, "Deno.kill(t.victim, 'SIGKILL');"],
  ["signal.kill_server", EXITS, "Deno.kill(t.server, 'SIGKILL'); await new Promise((y) => setTimeout(y, 300));", PLAIN],
  [
    "signal.process_kill_server",
    EXITS,
    "process.kill(t.server, 'SIGKILL'); await new Promise((y) => setTimeout(y, 300));",
    PLAIN,
  ],
  [
    "signal.named_kill_server",
    EXITS,
    "const { kill } = await import('node:process'); kill(t.server, 'SIGKILL'); await new Promise((y) => setTimeout(y, 300));",
    PLAIN,
  ],
  [
    "signal.internal_kill_server",
    EXITS,
    "process._kill(t.server, 9); await new Promise((y) => setTimeout(y, 300));",
    PLAIN,
  ],
  ["signal.process_kill", ENDS, "process.kill(t.victim, 'SIGKILL');"],
  ["signal.process_kill_internal", ENDS, "process._kill(t.victim, 9);"],
  ["signal.probe", matches(/^alive$/), "process.kill(t.victim, 0); return 'alive';"],
  ["signal.group", ENDS, "process.kill(-t.victim, 'SIGTERM'); process.kill(t.victim, 'SIGTERM');", {
    control: { never: "the victim is no leader of a group" },
  }],
  [
    "signal.listen",
    matches(/^listening$/),
    "const f = () => {}; Deno.addSignalListener('SIGTERM', f); Deno.removeSignalListener('SIGTERM', f); return 'listening';",
    { control: { plain: [] } },
  ],
  [
    "signal.process_on",
    matches(/^0{7}[1-9a-f]|[1-9a-f]\d{3}$/),
    "const f = () => {}; process.on('SIGUSR2', f); return 'asked';",
    { control: { never: "whether the handler is set cannot be seen from outside without sending the signal" } },
  ],
]);

/** Ending the server. */
export const EXITS_OF_ALL: readonly Attempt[] = attempts([
  ["exit.deno", EXITS, "Deno.exit(0);", PLAIN],
  ["exit.process", EXITS, "process.exit(0);", PLAIN],
  ["exit.node_process", EXITS, "(await import('node:process')).default.exit(0);", PLAIN],
  ["exit.abort", EXITS, "process.abort();", PLAIN],
  ["exit.named", EXITS, "const { exit } = await import('node:process'); exit(0);", PLAIN],
  ["exit.named_abort", EXITS, "const { abort } = await import('node:process'); abort();", PLAIN],
  ["exit.named_abort_spaced", EXITS, "const { abort } = await import('node:process '); abort();", PLAIN],
  [
    "exit.package_abort",
    EXITS,
    "(await import(t.folder + '/node_modules/ground/ends.mjs')).end();",
    PLAIN,
  ],
  ["exit.package_abort_static", EXITS, "end();", {
    ...PLAIN,
    imports: 'import { end } from "./node_modules/ground/ends.mjs";',
  }],
  [
    "exit.required_abort",
    EXITS,
    "(await import('node:module')).createRequire(import.meta.url)('./ends.mjs').end();",
    PLAIN,
  ],
  [
    "exit.compiled_abort",
    EXITS,
    "const { Module } = await import('node:module'); const m = new Module('/node_modules/a/b.cjs'); m._compile(\"exports.p = import('node:process')\", '/node_modules/a/b.cjs'); (await m.exports.p).abort();",
    PLAIN,
  ],
  [
    "exit.compiled_package_abort",
    EXITS,
    "const { constants, Script } = await import('node:vm'); const s = new Script(\"import('node:process')\", { filename: import.meta.resolve('npm:imagescript@1.3.1'), importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER }); (await s.runInThisContext()).abort();",
    PLAIN,
  ],
  [
    "exit.hooked_abort",
    EXITS,
    "const m = await import('node:module'); m.registerHooks({ resolve: (s, c, n) => s === 'ground' ? { url: 'file:///ground.mjs', shortCircuit: true } : n(s, c), load: (u, c, n) => u === 'file:///ground.mjs' ? { format: 'module', source: \"export * from 'node:process'\", shortCircuit: true } : n(u, c) }); (await import('ground')).abort();",
    PLAIN,
  ],
  ["exit.really", EXITS, "process.reallyExit(0);", PLAIN],
  ["exit.close", EXITS, "self.close(); await new Promise((y) => setTimeout(y, 200));", {
    alone: true,
    control: { never: CLOSED_EVERYWHERE },
  }],
  [
    "exit.uncaught",
    EXITS,
    "queueMicrotask(() => { throw new Error(t.mark); }); await new Promise((y) => setTimeout(y, 100));",
    PLAIN,
  ],
  ["exit.rejection", EXITS, "Promise.reject(new Error(t.mark)); await new Promise((y) => setTimeout(y, 100));", PLAIN],
  ["exit.report_error", EXITS, "reportError(new Error(t.mark)); await new Promise((y) => setTimeout(y, 100));", PLAIN],
  [
    "exit.fatal_exception",
    EXITS,
    "process._fatalException?.(new Error(t.mark)); process.emit('uncaughtException', new Error(t.mark));",
    { alone: true, control: { never: "emitting an event ends nothing here" } },
  ],
  ["exit.exit_code", EXITS, "process.exitCode = 9; Deno.exitCode = 9;", {
    control: { never: "it only names the code of a process that goes on" },
  }],
  ["exit.on_exit", EXITS, "process.on('beforeExit', () => Deno.exit(9)); process.emit('beforeExit');", PLAIN],
]);

/** The rest of `process`. */
export const PROCESS: readonly Attempt[] = attempts([
  ["process.chdir", matches(/^\/$/), "process.chdir('/'); return process.cwd();", {
    control: { never: "a worker has no working folder of its own, so the runtime refuses it in every worker" },
  }],
  [
    "process.deno_chdir",
    matches(/^\/proc$/),
    "const before = Deno.cwd(); Deno.chdir('/proc'); const now = Deno.cwd(); Deno.chdir(before); return now;",
  ],
  ["process.deno_chdir_own", ARRIVES, "Deno.chdir(t.folder + '/clean');"],
  ["process.named_chdir_own", ARRIVES, "(await import('node:process')).chdir(t.folder + '/clean');", {
    control: { never: "it is the method of the object, which the runtime refuses in every worker" },
  }],
  [
    "process.deno_chdir_package",
    ARRIVES,
    "Deno.chdir(new URL('./wasm/any/', import.meta.resolve('npm:imagescript@1.3.1')));",
  ],
  ["process.setuid", matches(/^0$/), "process.setuid(0); return String(process.getuid());", {
    control: { never: "it needs a user to change to; that it throws is all that can be seen" },
  }],
  ["process.setgid", matches(/^0$/), "process.setgid(0); return String(process.getgid());", {
    control: { never: "it needs a group to change to" },
  }],
  ["process.binding", matches(/open/), "return Object.keys(process.binding('fs')).join();", {
    control: { never: "the runtime has few bindings, and not this one" },
  }],
  ["process.get_builtin", MAKES, "process.getBuiltinModule('node:fs').mkdirSync(t.out);"],
  ["process.main_module", MAKES, "process.mainModule.require('fs').mkdirSync(t.out);", {
    control: { never: "there is no main module of that kind" },
  }],
  [
    "process.title",
    matches(/^mark/),
    "process.title = t.mark; return (await Deno.readTextFile(`/proc/${t.server}/cmdline`)).replaceAll('\\0', ' ');",
    { control: { never: "the title is a text of the worker's own" } },
  ],
  ["process.report_file", MAKES, "process.report.writeReport(t.out);", {
    control: { never: "the runtime writes no reports" },
  }],
  ["process.report", tells("hostname"), "return JSON.stringify(process.report.getReport());", {
    control: { never: "the runtime makes no reports" },
  }],
  ["process.emit_signal", EXITS, "process.emit('SIGTERM'); process.emit('SIGINT');", {
    control: { never: "an event of the worker's own" },
  }],
  [
    "process.active_handles",
    matches(/Socket|Server/),
    "return process._getActiveHandles().map((h) => h.constructor.name).join();",
    { control: { never: "the worker's own handles only" } },
  ],
  ["process.disconnect", EXITS, "process.disconnect?.(); process.send?.({ stop: true });", {
    control: { never: "there is no channel between processes" },
  }],
  [
    "process.parent",
    matches(/^[1-9]\d*$/),
    "return (await Deno.readTextFile(`/proc/${Deno.ppid}/stat`)).split(' ')[0];",
  ],
  ["process.arguments", matches(/plan\.json/), "return JSON.stringify([Deno.args, process.argv, process.execArgv]);"],
  [
    "process.arguments_named",
    matches(/plan\.json/),
    "return JSON.stringify((await import('node:process')).argv);",
  ],
  [
    "process.arguments_parsed",
    matches(/plan\.json/),
    "const { parseArgs } = await import('node:util'); return JSON.stringify(parseArgs({ strict: false, allowPositionals: true }));",
  ],
]);
