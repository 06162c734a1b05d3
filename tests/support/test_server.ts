import assert from "node:assert/strict";
import { type FlagValue, loadConfig, type SettingName } from "../../src/config/mod.ts";
import { type LogLevel, setLogLevel, setLogSink } from "../../src/log.ts";
import { type Server, startServer } from "../../src/server.ts";

/** A server of this process, with everything it logged. */
export interface TestServer extends AsyncDisposable {
  readonly server: Server;
  readonly url: string;
  readonly logged: readonly string[];
  /** Forgets what was logged, for tests that count memory. */
  clearLog(): void;
  /** Sends a request to it. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** Path of a pipeline of the tests. */
export function testPipeline(name: string): string {
  return new URL(`../pipelines/${name}.ts`, import.meta.url).pathname;
}

/** Path of an example pipeline. */
export function examplePipeline(name: string): string {
  return new URL(`../../pipelines/${name}.ts`, import.meta.url).pathname;
}

/** Starts a server on a free port of loopback and waits until its pipeline runs or has failed. */
export async function startTestServer(
  pipelineFile: string,
  flags: Partial<Record<SettingName, FlagValue>> = {},
): Promise<TestServer> {
  const logged: string[] = [];
  const sinkBefore = setLogSink({ write: (_level: LogLevel, line: string) => void logged.push(line) });
  const levelBefore = setLogLevel("debug");
  const loaded = loadConfig({ flags: { host: "127.0.0.1", port: "0", ...flags }, env: () => undefined });
  const server = await startServer({ loaded, pipelineFile });
  await server.started;
  const url = `http://127.0.0.1:${server.port}`;
  return {
    server,
    url,
    logged,
    clearLog: () => void logged.splice(0),
    fetch: (path, init) => fetch(url + path, init),
    async [Symbol.asyncDispose]() {
      await server.stop();
      setLogSink(sinkBefore);
      setLogLevel(levelBefore);
    },
  };
}

/** Waits until something holds, looking every few milliseconds; fails after the limit. */
export async function eventually(what: string, holds: () => boolean, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > end) assert.fail(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
