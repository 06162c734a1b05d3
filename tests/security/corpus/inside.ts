import { ARRIVES, type Attempt, attempts, EXITS, FORGES, MAKES, matches, PRINTS, type Row, tells } from "./attempt.ts";

const SAY = "new TextEncoder().encode(t.mark + '\\n')";
const INNER = "`Deno.mkdirSync(${JSON.stringify(t.out)}); postMessage('out');`";
const WAIT =
  "await new Promise((y) => { w.onmessage = y; w.onerror = (e) => { e.preventDefault(); y(); }; setTimeout(y, 2500); }); w.terminate();";

/** Workers within the worker. */
export const WORKERS: readonly Attempt[] = attempts([
  [
    "worker.data_url",
    MAKES,
    `const w = new Worker('data:text/javascript,' + encodeURIComponent(${INNER}), { type: 'module', deno: { permissions: 'inherit' } }); ${WAIT}`,
  ],
  [
    "worker.blob_url",
    MAKES,
    `const w = new Worker(URL.createObjectURL(new Blob([${INNER}], { type: 'text/javascript' })), { type: 'module' }); ${WAIT}`,
  ],
  [
    "worker.wider",
    MAKES,
    `const w = new Worker('data:text/javascript,' + encodeURIComponent(${INNER}), { type: 'module', deno: { permissions: { write: true, read: true } } }); ${WAIT}`,
  ],
  [
    "worker.node",
    MAKES,
    "const { Worker } = await import('node:worker_threads'); const w = new Worker(`require('fs').mkdirSync(${JSON.stringify(t.out)})`, { eval: true }); await new Promise((y) => w.on('exit', y).on('error', y));",
  ],
  [
    "worker.node_env",
    tells("env"),
    "const { Worker, SHARE_ENV } = await import('node:worker_threads'); const w = new Worker(`require('worker_threads').parentPort.postMessage(process.env[${JSON.stringify(t.variable)}])`, { eval: true, env: SHARE_ENV }); return await new Promise((y, n) => w.on('message', y).on('error', n));",
  ],
  [
    "worker.prints",
    PRINTS,
    "const w = new Worker('data:text/javascript,' + encodeURIComponent(`console.log(${JSON.stringify(t.mark)}); Deno.stdout.writeSync(new TextEncoder().encode(${JSON.stringify(t.mark)})); postMessage('out')`), { type: 'module' }); await new Promise((y) => { w.onmessage = y; setTimeout(y, 2500); }); w.terminate();",
  ],
  [
    "worker.prototype",
    MAKES,
    `const w = new (Object.getPrototypeOf(self.constructor.prototype).constructor.Worker ?? self.Worker.prototype.constructor)('data:text/javascript,' + encodeURIComponent(${INNER}), { type: 'module' }); ${WAIT}`,
  ],
  [
    "worker.required",
    PRINTS,
    "const { Worker } = (await import('node:module')).createRequire(import.meta.url)('worker_threads'); const w = new Worker(`console.log(${JSON.stringify(t.mark)})`, { eval: true }); await new Promise((y) => w.on('exit', y).on('error', y));",
  ],
  [
    "worker.builtin",
    PRINTS,
    "const { Worker } = process.getBuiltinModule('node:worker_threads'); const w = new Worker(`console.log(${JSON.stringify(t.mark)})`, { eval: true }); await new Promise((y) => w.on('exit', y).on('error', y));",
  ],
  [
    "worker.module_register",
    PRINTS,
    "const m = await import('node:module'); m.register('data:text/javascript,' + encodeURIComponent(`console.log(${JSON.stringify(t.mark)})`)); await new Promise((y) => setTimeout(y, 300));",
    { control: { never: "the runtime runs no hooks of this kind" } },
  ],
  [
    "worker.to_thread",
    ARRIVES,
    "const { postMessageToThread } = await import('node:worker_threads'); await postMessageToThread(0, t.mark);",
    { control: { never: "the process that holds the worker does not listen as a Node thread does" } },
  ],
  [
    "worker.parent_message",
    EXITS,
    "self.postMessage({ t: 'stopped', error: null }); self.postMessage('close'); (await import('node:worker_threads')).parentPort?.postMessage({ type: 'exit' });",
    { control: { never: "nobody listens to the worker's own channel" } },
  ],
]);

/** What is kept beyond the worker, or shared with others. */
export const STORAGE: readonly Attempt[] = attempts([
  ["storage.kv_file", MAKES, "const kv = await Deno.openKv(t.out); await kv.set(['a'], 1); kv.close();", {
    control: { plain: ["--unstable-kv"] },
  }],
  [
    "storage.kv",
    matches(/^kept$/),
    "const kv = await Deno.openKv(); await kv.set([t.mark], 'kept'); const { value } = await kv.get([t.mark]); await kv.delete([t.mark]); kv.close(); return value;",
    { control: { plain: ["--unstable-kv"] } },
  ],
  ["storage.kv_remote", ARRIVES, "await Deno.openKv(t.http + '/' + t.mark);", {
    control: { never: "it asks for a token first" },
  }],
  ["storage.cron", matches(/^set$/), "Deno.cron('a', '* * * * *', () => {}); return 'set';", {
    control: { never: "a plain program would not end any more" },
  }],
  ["storage.caches", ARRIVES, "const c = await caches.open(t.mark); await c.put('http://a.test/', new Response('x'));"],
  ["storage.local", matches(/^kept$/), "localStorage.setItem(t.mark, 'kept'); return localStorage.getItem(t.mark);", {
    control: { plain: ["--location=http://ground.test"] },
  }],
  [
    "storage.session",
    matches(/^kept$/),
    "sessionStorage.setItem(t.mark, 'kept'); return sessionStorage.getItem(t.mark);",
    { control: { plain: [] } },
  ],
  [
    "storage.broadcast",
    ARRIVES,
    "new BroadcastChannel('ground').postMessage(t.mark); await new Promise((y) => setTimeout(y, 50));",
  ],
  [
    "storage.broadcast_node",
    ARRIVES,
    "const { BroadcastChannel } = await import('node:worker_threads'); new BroadcastChannel('ground').postMessage(t.mark); await new Promise((y) => setTimeout(y, 50));",
  ],
  [
    "storage.locks",
    ARRIVES,
    "void navigator.locks.request(t.mark, () => new Promise((y) => setTimeout(y, 1500))); await new Promise((y) => setTimeout(y, 50));",
  ],
  [
    "storage.locks_node",
    ARRIVES,
    "const { locks } = await import('node:worker_threads'); void locks.request(t.mark, () => new Promise((y) => setTimeout(y, 1500))); await new Promise((y) => setTimeout(y, 50));",
  ],
  [
    "storage.web_storage",
    MAKES,
    "const { DatabaseSync } = process.getBuiltinModule('node:sqlite'); new DatabaseSync(t.out).exec('create table a(b)');",
  ],
]);

/** The runtime's own insides. */
export const INSPECTION: readonly Attempt[] = attempts([
  ["inspect.heap_snapshot", MAKES, "(await import('node:v8')).writeHeapSnapshot(t.out);"],
  [
    "inspect.heap_snapshot_stream",
    matches(/"snapshot"/),
    "const s = (await import('node:v8')).getHeapSnapshot(); for await (const p of s) return String(p).slice(0, 500);",
    { allowed: ["strict", "standard"] },
  ],
  [
    "inspect.coverage",
    MAKES,
    "(await import('node:v8')).setHeapSnapshotNearHeapLimit(1); (await import('node:v8')).takeCoverage();",
    { control: { never: "the runtime writes none" } },
  ],
  [
    "inspect.flags",
    ARRIVES,
    "(await import('node:v8')).setFlagsFromString('--expose-gc');",
  ],
  [
    "inspect.flags_builtin",
    ARRIVES,
    "process.getBuiltinModule('node:v8').setFlagsFromString('--expose-gc');",
  ],
  ["inspect.open", matches(/ws:/), "const i = await import('node:inspector'); i.open(0, '127.0.0.1'); return i.url();"],
  [
    "inspect.session",
    tells("env"),
    "const { Session } = await import('node:inspector'); const s = new Session(); s.connectToMainThread(); return await new Promise((y, n) => s.post('Runtime.evaluate', { expression: `Deno.env.get(${JSON.stringify(t.variable)})` }, (e, r) => e ? n(e) : y(JSON.stringify(r))));",
    { control: { never: "the runtime has no way to the main thread" } },
  ],
  [
    "inspect.own_session",
    PRINTS,
    "const { Session } = await import('node:inspector'); const s = new Session(); s.connect(); await new Promise((y, n) => s.post('Runtime.evaluate', { expression: `console.log(${JSON.stringify(t.mark)})`, includeCommandLineAPI: true }, (e, r) => e ? n(e) : y(r)));",
    { control: { never: "it runs the worker's console, which is the log's" } },
  ],
  [
    "inspect.vm",
    MAKES,
    "(await import('node:vm')).runInNewContext('this.constructor.constructor(\"return Deno\")()', { }).mkdirSync(t.out);",
    { control: { never: "the new context has no Deno" } },
  ],
  [
    "inspect.vm_outer",
    MAKES,
    "(await import('node:vm')).runInNewContext('f.constructor(\"return Deno\")()', { f: () => {} }).mkdirSync(t.out);",
  ],
  [
    "inspect.vm_import",
    MAKES,
    "const vm = await import('node:vm'); const m = await vm.runInThisContext('(n) => import(n)', { importModuleDynamically: vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER })('node:fs'); m.mkdirSync(t.out);",
  ],
  ["inspect.function", MAKES, "await new (async () => {}).constructor('p', 'await Deno.mkdir(p)')(t.out);"],
  ["inspect.eval", MAKES, "(0, eval)('Deno').mkdirSync(t.out);"],
  [
    "inspect.timer_text",
    MAKES,
    "setTimeout(`Deno.mkdirSync(${JSON.stringify(t.out)})`, 0); await new Promise((y) => setTimeout(y, 50));",
    { control: { never: "the runtime runs no texts in timers" } },
  ],
  [
    "inspect.internal_ops",
    MAKES,
    "const { ops } = Deno[Deno.internal].core; ops.op_fs_mkdir_sync(t.out, false, 0o755);",
    { control: { never: "the runtime takes its operations away before a program begins" } },
  ],
  ["inspect.internal_workers", PRINTS, "Deno[Deno.internal].core.print(t.mark + '\\n');"],
  ["inspect.internal_print", PRINTS, "Deno[Deno.internal].core.print(t.mark + '\\n', true);"],
  [
    "inspect.internal_read",
    FORGES,
    "const { core } = Deno[Deno.internal]; core.writeSync(2, new TextEncoder().encode(t.mark));",
    { control: { never: "see inspect.internal_write" } },
  ],
  [
    "inspect.internal_write",
    PRINTS,
    `const { core } = Deno[Deno.internal]; for (let rid = 0; rid < 64; rid++) { try { core.writeSync(rid, ${SAY}); } catch (e) { if (rid === 63) throw e; } }`,
  ],
  [
    "inspect.internal_by_symbols",
    PRINTS,
    "const [key] = Object.getOwnPropertySymbols(Deno); Deno[key].core.print(t.mark + '\\n');",
  ],
  [
    "inspect.internal_console",
    PRINTS,
    "new (Deno[Deno.internal].Console)((text) => Deno[Deno.internal].core.print(text)).log(t.mark);",
  ],
  [
    "inspect.napi_op",
    tells("addon"),
    "const { ops } = Deno[Deno.internal].core; return Object.keys(ops.op_napi_open(t.addon, globalThis, Buffer, reportError)).sort().join();",
    { control: { never: "the operation wants the runtime's own arguments; see native.addon" } },
  ],
  ["inspect.desktop_ops", PRINTS, "const { ops } = Deno[Deno.internal].core; ops.op_desktop_alert(t.mark, t.mark);", {
    control: { never: "there is no desktop" },
  }],
]);

const PRINTING: readonly Row[] = [
  ["print.stdout", PRINTS, `Deno.stdout.writeSync(${SAY});`],
  ["print.stderr", PRINTS, `Deno.stderr.writeSync(${SAY});`],
  [
    "print.stdout_stream",
    PRINTS,
    `const w = Deno.stdout.writable.getWriter(); await w.write(${SAY}); w.releaseLock();`,
  ],
  ["print.descriptor_1", PRINTS, "(await import('node:fs')).writeSync(1, t.mark + '\\n');"],
  ["print.descriptor_2", PRINTS, "(await import('node:fs')).writeSync(2, t.mark + '\\n');"],
  ["print.write_file_descriptor", PRINTS, "(await import('node:fs')).writeFileSync(1, t.mark + '\\n');"],
  [
    "print.write_stream_descriptor",
    PRINTS,
    "const { createWriteStream } = await import('node:fs'); await new Promise((y, n) => createWriteStream('', { fd: 1, autoClose: false }).on('error', n).write(t.mark + '\\n', y));",
  ],
  ["print.dev_stdout", PRINTS, "await Deno.writeTextFile('/dev/stdout', t.mark + '\\n', { create: false });"],
  ["print.proc_descriptor", PRINTS, "await Deno.writeTextFile('/proc/self/fd/1', t.mark + '\\n', { create: false });"],
  [
    "print.process_stdout",
    PRINTS,
    "const p = (await import('node:process')).default; await new Promise((y) => { p.stdout.on('error', y); p.stdout.write(t.mark + '\\n', y); setTimeout(y, 200); });",
  ],
  [
    "print.process_stderr",
    PRINTS,
    "process.stderr.write(t.mark + '\\n'); await new Promise((y) => setTimeout(y, 50));",
  ],
  ["print.raw_debug", PRINTS, "process._rawDebug(t.mark);"],
  ["print.emit_warning", PRINTS, "process.emitWarning(t.mark); await new Promise((y) => setTimeout(y, 50));"],
  [
    "print.tty",
    PRINTS,
    "const { WriteStream } = await import('node:tty'); new WriteStream(1).write(t.mark + '\\n'); await new Promise((y) => setTimeout(y, 50));",
    { control: { never: "the standard streams of the test are no terminal" } },
  ],
  [
    "print.node_console",
    PRINTS,
    "const c = await import('node:console'); c.log?.(t.mark); c.default.log(t.mark); c.default.error(t.mark); await new Promise((y) => setTimeout(y, 50));",
  ],
  [
    "print.new_console",
    PRINTS,
    "const { Console } = await import('node:console'); new Console({ stdout: process.stdout, stderr: process.stderr }).log(t.mark); await new Promise((y) => setTimeout(y, 50));",
  ],
  [
    "print.debuglog",
    PRINTS,
    "const u = await import('node:util'); u.deprecate(() => {}, t.mark, 'DEP_GROUND')(); await new Promise((y) => setTimeout(y, 50));",
  ],
  [
    "print.socket_descriptor",
    PRINTS,
    "const { Socket } = await import('node:net'); const s = new Socket({ fd: 1 }); await new Promise((y, n) => { s.on('error', n); s.write(t.mark + '\\n', y); });",
    { control: { never: "the runtime takes no descriptor of this kind in a worker" } },
  ],
  [
    "print.unload",
    PRINTS,
    "addEventListener('unload', () => Deno.stdout.writeSync(new TextEncoder().encode(t.mark))); process.on('exit', () => process._rawDebug(t.mark)); dispatchEvent(new Event('unload')); process.emit('exit');",
  ],
  ["print.prompt", PRINTS, "globalThis.prompt(t.mark);", { control: { never: "a worker has no prompt()" } }],
  ["print.alert", PRINTS, "globalThis.alert(t.mark);", { control: { never: "a worker has no alert()" } }],
  [
    "print.test_runner",
    PRINTS,
    "const { test } = await import('node:test'); await test(t.mark, () => {}); await new Promise((y) => setTimeout(y, 50));",
    { control: { never: "the runtime has its tests run by its own runner only" } },
  ],
  [
    "print.readline",
    PRINTS,
    "const { createInterface } = await import('node:readline'); createInterface({ input: process.stdin, output: process.stdout }).question(t.mark, () => {}); await new Promise((y) => setTimeout(y, 50));",
    { alone: true },
  ],
  [
    "print.repl",
    PRINTS,
    "const { start } = await import('node:repl'); start(t.mark); await new Promise((y) => setTimeout(y, 50));",
    { alone: true, control: { never: "the runtime has no REPL of this kind" } },
  ],
  [
    "print.uncaught",
    PRINTS,
    "Event.prototype.preventDefault = () => {}; setTimeout(() => { throw new Error('a\\n12:00:00.000 INFO  server: ' + t.mark); }); await new Promise((y) => setTimeout(y, 100));",
    { alone: true, control: { plain: [] } },
  ],
  [
    "print.uncaught_rejection",
    PRINTS,
    "Event.prototype.preventDefault = () => {}; Promise.reject(new Error('a\\n12:00:00.000 INFO  server: ' + t.mark)); await new Promise((y) => setTimeout(y, 100));",
    { alone: true, control: { plain: [] } },
  ],
  [
    "print.uncaught_in_listener",
    PRINTS,
    "addEventListener('error', () => { throw new Error('a\\n12:00:00.000 INFO  server: ' + t.mark); }); setTimeout(() => { throw new Error(t.mark); }); await new Promise((y) => setTimeout(y, 100));",
    { alone: true, control: { plain: [] } },
  ],
  [
    "print.uncaught_stopped",
    PRINTS,
    "addEventListener('error', (e) => e.stopImmediatePropagation(), { capture: true }); Object.defineProperty(ErrorEvent.prototype, 'error', { get() { throw new Error(t.mark); } }); setTimeout(() => { throw new Error(t.mark); }); await new Promise((y) => setTimeout(y, 100));",
    { alone: true, control: { plain: [] } },
  ],
  ["print.log_newline", FORGES, "context.log.info('a\\n12:00:00.000 INFO  server: ' + t.mark);", {
    control: { never: "lines are escaped at every level" },
  }],
  [
    "print.log_field",
    FORGES,
    "context.log.info('a', { ['b\\n12:00:00.000 INFO  server: ' + t.mark]: 'c\\n12:00:00.000 INFO  server: ' + t.mark });",
    { control: { never: "lines are escaped at every level" } },
  ],
  [
    "print.log_separator",
    FORGES,
    "for (const c of ['\\r', '\\v', '\\f', '\\x85', '\\u2028', '\\u2029', '\\x1b[2K\\x1b[1G']) context.log.warn('a' + c + '12:00:00.000 INFO  server: ' + t.mark);",
    { control: { never: "lines are escaped at every level" } },
  ],
  [
    "print.console_newline",
    FORGES,
    "console.log('a\\n12:00:00.000 INFO  server: ' + t.mark); console.error('\\x1b[2J\\n12:00:00.000 INFO  server: ' + t.mark);",
    { control: { never: "lines are escaped at every level" } },
  ],
  ["print.thrown_newline", FORGES, "throw new Error('a\\n12:00:00.000 INFO  server: ' + t.mark);", {
    control: { never: "lines are escaped at every level" },
  }],
  ["print.level", FORGES, "context.log.info.call({}, { toString: () => 'x\\n server: ' + t.mark });", {
    control: { never: "lines are escaped at every level" },
  }],
];

/** Text on the server's standard streams, and lines in its log that are not the pipeline's. */
export const PRINTED: readonly Attempt[] = attempts(PRINTING);

/** Asking the operator. */
export const PROMPTS: readonly Attempt[] = attempts([
  ...["read", "write", "net", "env", "run", "sys", "ffi", "import"].map((name): Row => [
    `prompt.request_${name}`,
    matches(/^granted$/),
    `return (await Deno.permissions.request({ name: '${name}' })).state;`,
  ]),
  ["prompt.query", matches(/^granted$/), "return Deno.permissions.querySync({ name: 'write' }).state;"],
  [
    "prompt.revoke_first",
    matches(/^granted$/),
    "await Deno.permissions.revoke({ name: 'write' }); return Deno.permissions.requestSync({ name: 'write' }).state;",
    { alone: true, control: { never: "what is revoked is not given back without a terminal" } },
  ],
  [
    "prompt.constructor",
    matches(/^granted$/),
    "return (await Deno.permissions.constructor.prototype.request.call(Deno.permissions, { name: 'run' })).state;",
  ],
  ["prompt.node_permission", matches(/^true$/), "return String(process.permission?.has('fs.write'));", {
    control: { never: "the runtime has no process.permission" },
  }],
]);
