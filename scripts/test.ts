/**
 * Runs every test suite, one after the other, and ends with `N passed, N failed`. What a suite needs and is missing is
 * said exactly; with `--install` as root on Debian it is installed.
 *
 * Usage: deno task test [--install] [--only unit,contract,integration,security,binary,browser,network,soak]
 *
 * @module
 */

import { SCHEMATHESIS, SCHEMATHESIS_FOLDER, SCHEMATHESIS_VERSION } from "../tests/support/schemathesis.ts";

/** A group of tests and what it needs beyond Deno. */
interface Suite {
  readonly name: string;
  readonly path: string;
  /** Programs, by the Debian package that brings each. */
  readonly needs: Readonly<Record<string, string>>;
  readonly parallel: boolean;
  readonly flags?: readonly string[];
  /** Whether it uses schemathesis (PyPI), which gets a Python environment of its own. */
  readonly schemathesis?: boolean;
  /** A script, with its arguments, that is run before. */
  readonly before?: readonly string[];
}

const SUITES: readonly Suite[] = [
  { name: "unit", path: "tests/unit", needs: { "/usr/bin/openssl": "openssl" }, parallel: true },
  {
    name: "contract",
    path: "tests/contract",
    needs: { "/usr/bin/openssl": "openssl", "/usr/bin/zsh": "zsh", "/usr/bin/fish": "fish" },
    parallel: false,
    schemathesis: true,
  },
  {
    name: "integration",
    path: "tests/integration",
    needs: { "/usr/bin/openssl": "openssl" },
    parallel: false,
  },
  { name: "security", path: "tests/security", needs: {}, parallel: false },
  {
    name: "binary",
    path: "tests/binary",
    needs: { "/usr/bin/chromium": "chromium" },
    parallel: false,
    before: ["scripts/package/package.ts", "--if-stale"],
  },
  {
    name: "browser",
    path: "tests/browser",
    needs: { "/usr/bin/chromium": "chromium", "/usr/bin/firefox-esr": "firefox-esr" },
    parallel: false,
  },
  {
    name: "network",
    path: "tests/network",
    needs: {
      "/usr/bin/chromium": "chromium",
      "/usr/bin/firefox-esr": "firefox-esr",
      "/usr/bin/turnserver": "coturn",
      "/usr/bin/openssl": "openssl",
      "/usr/sbin/ip": "iproute2",
      "/usr/sbin/nft": "nftables",
    },
    parallel: false,
  },
  { name: "soak", path: "tests/soak", needs: {}, parallel: false, flags: ["--v8-flags=--expose-gc"] },
];

const root = new URL("../", import.meta.url).pathname;

async function main(args: readonly string[]): Promise<number> {
  const only = args.find((arg) => arg.startsWith("--only="))?.slice("--only=".length).split(",");
  const suites = SUITES.filter((suite) => only === undefined || only.includes(suite.name));
  const missing = suites.flatMap((suite) => Object.entries(suite.needs)).filter(([program]) => !exists(program));
  const install = args.includes("--install");
  if (missing.length > 0 && !await provide(missing, install)) return 1;
  if (install && suites.some(({ schemathesis }) => schemathesis) && !await provideSchemathesis()) return 1;
  let passed = 0;
  let failed = 0;
  for (const suite of suites) {
    const outcome = await runSuite(suite);
    passed += outcome.passed;
    failed += outcome.failed;
  }
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

/** Installs what is missing, or says how. */
async function provide(missing: readonly (readonly [string, string])[], install: boolean): Promise<boolean> {
  const packages = [...new Set(missing.map(([, name]) => name))];
  const command = ["apt-get", "install", "-y", "--no-install-recommends", ...packages];
  if (!install) {
    for (const [program, name] of missing) console.error(`missing: ${program} (Debian package ${name})`);
    console.error(`install it with: apt-get update && ${command.join(" ")}`);
    console.error("or let the tests do it, as root on Debian: deno task test --install");
    return false;
  }
  for (const args of [["apt-get", "update"], command]) {
    const [program = "", ...rest] = args;
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    const { success } = await new Deno.Command(program, { args: rest, env, stdout: "null" }).spawn().status;
    if (!success) {
      console.error(`failed: ${args.join(" ")}`);
      return false;
    }
  }
  return true;
}

/** Installs schemathesis, of the version that the tests are written for, unless it is there. */
async function provideSchemathesis(): Promise<boolean> {
  if (exists(SCHEMATHESIS)) return true;
  // Debian's own Python makes no environments unless that package is there.
  const isReady = await makeEnvironment("python3") || await makeEnvironment("/usr/bin/python3") ||
    await provide([["python3 -m venv", "python3-venv"]], true) && await makeEnvironment("/usr/bin/python3");
  const args = ["install", "--quiet", `schemathesis==${SCHEMATHESIS_VERSION}`];
  return isReady && await succeeds(`${SCHEMATHESIS_FOLDER}/bin/pip`, args);
}

async function makeEnvironment(python: string): Promise<boolean> {
  return await succeeds(python, ["-m", "venv", "--clear", SCHEMATHESIS_FOLDER]);
}

async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, { args: [...args], stdout: "null" }).spawn().status;
    if (!success) console.error(`failed: ${program} ${args.join(" ")}`);
    return success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.error(`missing: ${program}`);
    return false;
  }
}

async function runSuite(suite: Suite): Promise<{ passed: number; failed: number }> {
  console.log(`\n== ${suite.name}`);
  if (suite.before !== undefined) {
    const args = ["run", "-A", ...suite.before];
    const { success } = await new Deno.Command(Deno.execPath(), { args, cwd: root }).spawn().status;
    if (!success) return { passed: 0, failed: 1 };
  }
  const args = [
    "test",
    "-A",
    "--no-prompt",
    // `deno task check` looks at the types of everything at once; the suites would do it over again, and each worker too.
    "--no-check",
    ...(suite.parallel ? ["--parallel"] : []),
    ...suite.flags ?? [],
    suite.path,
  ];
  const child = new Deno.Command(Deno.execPath(), { args, cwd: root, stdout: "piped", env: { NO_COLOR: "1" } }).spawn();
  let text = "";
  for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += piece;
    await Deno.stdout.write(new TextEncoder().encode(piece));
  }
  const { success } = await child.status;
  const match = /(\d+) passed.*?\| (\d+) failed/.exec(text.slice(text.lastIndexOf(" passed") - 12));
  const passed = Number(match?.[1] ?? 0);
  const failed = Number(match?.[2] ?? 0);
  // A suite that ends badly without a failed test (it does not compile, say) has failed all the same.
  return { passed, failed: !success && failed === 0 ? 1 : failed };
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

Deno.exit(await main(Deno.args));
