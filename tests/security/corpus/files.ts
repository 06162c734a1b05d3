import { ARRIVES, type Attempt, attempts, CHANGES, MAKES, matches, tells } from "./attempt.ts";

const FILE = tells("file");
const IN_FOLDER = { allowed: ["standard"] } as const;

/** Reading what is not the pipeline's. At standard its own folder is. */
export const READING: readonly Attempt[] = attempts([
  ["read.own_folder", tells("own"), "return await Deno.readTextFile(t.note);", IN_FOLDER],
  [
    "read.own_folder_relative",
    tells("own"),
    "return await Deno.readTextFile(new URL('./note.txt', import.meta.url));",
    IN_FOLDER,
  ],
  [
    "read.own_folder_list",
    matches(/note\.txt/),
    "return [...Deno.readDirSync(t.folder + '/clean')].map((e) => e.name).join();",
    IN_FOLDER,
  ],
  ["read.parent", FILE, "return await Deno.readTextFile(t.secret);"],
  ["read.parent_by_dots", FILE, "return await Deno.readTextFile(t.folder + '/../secret.txt');"],
  ["read.parent_list", matches(/secret\.txt/), "return [...Deno.readDirSync(t.root)].map((e) => e.name).join();"],
  [
    "read.open",
    FILE,
    "const f = Deno.openSync(t.secret); const b = new Uint8Array(99); return new TextDecoder().decode(b.subarray(0, f.readSync(b)));",
  ],
  ["read.stat", matches(/^\d{2,}$/), "return String(Deno.statSync(t.secret).size);"],
  ["read.real_path", matches(/secret\.txt$/), "return Deno.realPathSync(t.folder + '/link.txt');"],
  ["read.symlink", FILE, "return await Deno.readTextFile(t.folder + '/link.txt');"],
  ["read.symlink_folder", FILE, "return await Deno.readTextFile(t.folder + '/linked/secret.txt');"],
  ["read.symlink_node", FILE, "return (await import('node:fs')).readFileSync(t.folder + '/link.txt', 'utf8');"],
  ["read.symlink_import", FILE, "return (await import(t.folder + '/linked_module.ts')).default;"],
  ["read.copy_into_view", MAKES, "await Deno.copyFile(t.secret, t.out);"],
  ["read.proc_root", FILE, "return await Deno.readTextFile('/proc/self/root' + t.secret);"],
  [
    "read.proc_cwd",
    matches(/^[^\n]+\.ts/m),
    "return [...Deno.readDirSync('/proc/self/cwd/')].map((e) => e.name).join('\\n');",
  ],
  ["read.proc_cmdline", matches(/deno/), "return await Deno.readTextFile('/proc/self/cmdline');"],
  ["read.proc_maps", matches(/r-xp/), "return (await Deno.readTextFile('/proc/self/maps')).slice(0, 90000);"],
  ["read.proc_memory", matches(/^\d+$/), "const f = Deno.openSync('/proc/self/mem'); return String(f.rid ?? 7);"],
  [
    "read.dev",
    matches(/^\d{5,}$/),
    "const f = Deno.openSync('/dev/urandom'); const b = new Uint8Array(4); f.readSync(b); return '1' + b.join('') + '0000';",
  ],
  ["read.etc", matches(/root:/), "return await Deno.readTextFile('/etc/passwd');"],
  ["read.fetch_file", FILE, "return await (await fetch('file://' + t.secret)).text();"],
  [
    "read.fetch_own",
    tells("own"),
    "return await (await fetch(new URL('./note.txt', import.meta.url))).text();",
    IN_FOLDER,
  ],
  ["read.import_module", FILE, "return (await import(t.secretModule)).default;"],
  ["read.import_json", FILE, "return (await import(t.secretJson, { with: { type: 'json' } })).default.secret;"],
  ["read.import_text", FILE, "return (await import(t.secret, { with: { type: 'text' } })).default;"],
  [
    "read.import_bytes",
    FILE,
    "return new TextDecoder().decode((await import('file://' + t.secret, { with: { type: 'bytes' } })).default);",
  ],
  ["read.import_static", FILE, "return secret;", { imports: 'import secret from "../secret.ts";', alone: true }],
  ["read.import_static_json", FILE, "return secret.secret;", {
    imports: 'import secret from "../secret.json" with { type: "json" };',
    alone: true,
  }],
  ["read.import_static_text", FILE, "return secret;", {
    imports: 'import secret from "../secret.txt" with { type: "text" };',
    alone: true,
  }],
  ["read.import_static_link", FILE, "return secret;", {
    imports: 'import secret from "./link.txt" with { type: "text" };',
    alone: true,
  }],
  [
    "read.import_in_data_url",
    FILE,
    "return (await import('data:text/javascript,export { default } from ' + JSON.stringify('file://' + t.secretModule))).default;",
  ],
  [
    "read.import_in_blob",
    FILE,
    "return (await import(URL.createObjectURL(new Blob(['export { default } from ' + JSON.stringify('file://' + t.secretModule)], { type: 'text/javascript' })))).default;",
  ],
  ["read.require", FILE, "return (await import('node:module')).createRequire(import.meta.url)(t.secretJson).secret;"],
  [
    "read.require_cjs",
    FILE,
    "return (await import('node:module')).createRequire(import.meta.url)(t.root + '/secret.cjs');",
  ],
  [
    "read.require_resolve",
    matches(/secret\.cjs$/),
    "return (await import('node:module')).createRequire(import.meta.url).resolve('../secret');",
  ],
  [
    "read.module_load",
    FILE,
    "const { Module } = await import('node:module'); return Module._load(t.root + '/secret.cjs', null, false);",
  ],
  [
    "read.module_extensions",
    FILE,
    "const { Module } = await import('node:module'); const m = new Module(t.root + '/secret.cjs'); Module._extensions['.js'](m, t.root + '/secret.cjs'); return m.exports;",
  ],
  [
    "read.package_module",
    FILE,
    "return (await import(t.root + '/node_modules/ground/secret.mjs')).default;",
  ],
  [
    "read.package_json",
    FILE,
    "return (await import(t.root + '/node_modules/ground/secret.json', { with: { type: 'json' } })).default.secret;",
  ],
  [
    "read.package_required",
    FILE,
    "return (await import('node:module')).createRequire(import.meta.url)(t.root + '/node_modules/ground/secret.cjs');",
  ],
  [
    "read.package_linked",
    FILE,
    "const { Module } = await import('node:module'); let text = ''; const path = t.folder + '/node_modules/linked/secret.txt'; const m = new Module(path); Object.defineProperty(m, '_compile', { value: (s) => { text = s; } }); Module._extensions['.js'](m, path); return text;",
  ],
  ["read.node_fs", FILE, "return (await import('node:fs')).readFileSync(t.secret, 'utf8');"],
  ["read.node_fs_promises", FILE, "return await (await import('node:fs/promises')).readFile(t.secret, 'utf8');"],
  [
    "read.node_fs_stream",
    FILE,
    "const { createReadStream } = await import('node:fs'); let s = ''; for await (const p of createReadStream(t.secret)) s += p; return s;",
  ],
  ["read.node_fs_open_as_blob", FILE, "return await (await (await import('node:fs')).openAsBlob(t.secret)).text();"],
  ["read.node_fs_exists", matches(/^yes$/), "return (await import('node:fs')).existsSync(t.secret) ? 'yes' : 'no';"],
  ["read.node_fs_glob", matches(/secret/), "return (await import('node:fs')).globSync(t.root + '/*').join();"],
  ["read.node_fs_statfs", matches(/^\d{3,}$/), "return String((await import('node:fs')).statfsSync(t.root).blocks);"],
  ["read.node_get_builtin", FILE, "return process.getBuiltinModule('fs').readFileSync(t.secret, 'utf8');"],
  [
    "read.node_wasi",
    FILE,
    "const { WASI } = await import('node:wasi'); const w = new WASI({ version: 'preview1', preopens: { '/': t.root } }); return String(w.wasiImport.path_open);",
    { control: { never: "the runtime has no WASI of its own" } },
  ],
  [
    "read.node_sqlite",
    FILE,
    "const { DatabaseSync } = await import('node:sqlite'); return new DatabaseSync(t.root + '/secret.db', { readOnly: true }).prepare('select text from secret').get().text;",
  ],
  [
    "read.node_sqlite_attach",
    FILE,
    "const { DatabaseSync } = await import('node:sqlite'); const db = new DatabaseSync(':memory:'); db.exec(`attach '${t.root}/secret.db' as s`); return db.prepare('select text from s.secret').get().text;",
  ],
  [
    "read.descriptor_0",
    tells("input"),
    "const { readSync } = await import('node:fs'); const b = new Uint8Array(99); return new TextDecoder().decode(b.subarray(0, readSync(0, b, 0, 99, null)));",
  ],
  [
    "read.stdin",
    tells("input"),
    "const b = new Uint8Array(99); const n = await Deno.stdin.read(b); return new TextDecoder().decode(b.subarray(0, n ?? 0));",
    { alone: true, control: { plain: [] } },
  ],
  [
    "read.process_stdin",
    tells("input"),
    "const p = await import('node:process'); for await (const piece of p.stdin) return String(piece);",
    { alone: true, control: { plain: [] } },
  ],
  [
    "read.descriptors_above",
    FILE,
    "const fs = await import('node:fs'); let s = ''; for (let fd = 3; fd < 64; fd++) { const b = new Uint8Array(999); try { s += new TextDecoder().decode(b.subarray(0, fs.readSync(fd, b, 0, 999, 0))); } catch { s += ''; } } return s;",
    {
      control: {
        never:
          "a worker has a table of descriptors of its own: those of the process that hold the secret are not in it",
      },
    },
  ],
  [
    "read.watch",
    matches(/secret|access|modify|any/),
    "const w = Deno.watchFs(t.root); setTimeout(() => w.close(), 300); return String(w) + ' any';",
  ],
]);

/** Writing anywhere; no level below permissive may. */
export const WRITING: readonly Attempt[] = attempts([
  ["write.file", MAKES, "await Deno.writeTextFile(t.out, 'x');"],
  ["write.own_folder", CHANGES, "await Deno.writeTextFile(t.target, 'after');"],
  ["write.own_module", CHANGES, "await Deno.writeTextFile(t.target, 'after', { append: true });"],
  ["write.open", MAKES, "Deno.openSync(t.out, { write: true, create: true });"],
  ["write.truncate", CHANGES, "await Deno.truncate(t.target, 0);"],
  ["write.remove", CHANGES, "await Deno.remove(t.target);"],
  ["write.rename", CHANGES, "await Deno.rename(t.target, t.out);"],
  ["write.mkdir", MAKES, "await Deno.mkdir(t.out);"],
  ["write.temp_file", matches(/^\//), "return await Deno.makeTempFile({ prefix: t.mark });"],
  ["write.symlink", MAKES, "await Deno.symlink('/etc/passwd', t.out);"],
  ["write.hard_link", MAKES, "await Deno.link(t.secret, t.out);"],
  ["write.node_fs", MAKES, "(await import('node:fs')).writeFileSync(t.out, 'x');"],
  ["write.node_fs_promises", MAKES, "await (await import('node:fs/promises')).writeFile(t.out, 'x');"],
  [
    "write.node_fs_stream",
    MAKES,
    "const { createWriteStream } = await import('node:fs'); await new Promise((y, n) => createWriteStream(t.out).on('error', n).end('x', y));",
  ],
  ["write.node_fs_open", MAKES, "const fs = await import('node:fs'); fs.writeSync(fs.openSync(t.out, 'w'), 'x');"],
  ["write.node_fs_cp", MAKES, "(await import('node:fs')).cpSync(t.note, t.out);"],
  ["write.node_fs_symlink", MAKES, "(await import('node:fs')).symlinkSync('/etc', t.out);"],
  [
    "write.node_sqlite",
    MAKES,
    "const { DatabaseSync } = await import('node:sqlite'); new DatabaseSync(t.out).exec('create table a(b)');",
  ],
  [
    "write.node_sqlite_vacuum",
    MAKES,
    "const { DatabaseSync } = await import('node:sqlite'); const db = new DatabaseSync(':memory:'); db.exec('create table a(b)'); db.exec(`vacuum into '${t.out}'`);",
  ],
  [
    "write.node_sqlite_backup",
    MAKES,
    "const { DatabaseSync, backup } = await import('node:sqlite'); const db = new DatabaseSync(':memory:'); db.exec('create table a(b)'); await backup(db, t.out);",
  ],
  [
    "write.node_sqlite_temporary",
    ARRIVES,
    "const { DatabaseSync } = await import('node:sqlite'); new DatabaseSync(':memory:').exec(`pragma temp_store_directory = '${t.root}/out'`);",
  ],
  [
    "write.node_sqlite_attach",
    MAKES,
    "const { DatabaseSync } = await import('node:sqlite'); new DatabaseSync(':memory:').exec(`attach '${t.out}' as s; create table s.a(b)`);",
  ],
  ["write.proc", CHANGES, "await Deno.writeTextFile('/proc/self/root' + t.target, 'after');"],
  [
    "write.dev_shm",
    matches(/^wrote$/),
    "await Deno.writeTextFile('/dev/shm/' + t.mark, ''); await Deno.remove('/dev/shm/' + t.mark); return 'wrote';",
  ],
  ["write.mode", CHANGES, "await Deno.chmod(t.target, 0o777);"],
  ["write.times", CHANGES, "await Deno.utime(t.target, 1, 1);"],
  ["write.umask", matches(/^\d+$/), "return String(Deno.umask(0o77));"],
]);
