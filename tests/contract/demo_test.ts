import assert from "node:assert/strict";
import { systemClock, withTimeLimit } from "../../src/async/mod.ts";
import { startTestServer, testPipeline } from "../support/test_server.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;

function command(args: readonly string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", MAIN, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1", PATH: "" },
  });
}

async function refusal(...args: string[]): Promise<{ code: number; lines: string[] }> {
  const { code, stderr } = await command(["demo", ...args]).output();
  return { code, lines: new TextDecoder().decode(stderr).trim().split("\n") };
}

Deno.test("a wrong page or flag ends with 2 and one line that says what to type instead", async () => {
  const cases: [string[], RegExp][] = [
    [[], /missing required argument 'page'; type: telefuser demo player/],
    [["film"], /no page "film"; type: telefuser demo player \| bidirectional \| arrow/],
    [["player", "--port", "99999"], /--port takes a whole number from 0 to 65535, not "99999"/],
    [["player", "--server-url", "8088"], /--server-url must look like http:\/\/host:8088, not "8088"/],
    [["arrow", "--fps", "fast"], /--fps takes a number from 0.1 to 240, not "fast"/],
    [["arrow", "--ice-gather-timeout-ms", "-1"], /--ice-gather-timeout-ms takes a whole number from 1 to 60000/],
    [["arrow", "--ice-gather-timeout-ms", "0"], /--ice-gather-timeout-ms takes .* not "0"/],
    [["player", "--host", "nope.invalid"], /--host or --port: cannot listen on nope\.invalid: .* --host 127\.0\.0\.1/],
    [["player", "--server-url", "http://:s3cret@h"], /--server-url must look like http:\/\/host:8088, without/],
    [["arrow", "--turn-url", "turn:u:s3cret@h"], /--turn-url must look like turn:host:port, without/],
    [["arrow", "--turn-url", "1.2.3.4"], /--turn-url must look like turn:host:port/],
    [["arrow", "--force-turn-relay"], /--force-turn-relay needs a TURN server; add --turn-url turn:host:port/],
    [["arrow", "--opne"], /unknown option '--opne'/],
  ];
  await Promise.all(cases.map(async ([args, words]) => {
    const { code, lines } = await refusal(...args);
    assert.equal(code, 2, args.join(" "));
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0] ?? "", words);
    assert.ok(!lines[0]?.includes("s3cret"), lines[0]);
  }));
});

Deno.test("a port that is taken ends with 1 and one line", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, lines } = await refusal("player", "--no-open", "--port", String((taken.addr as Deno.NetAddr).port));
  assert.equal(code, 1);
  assert.match(lines.join("\n"), /^telefuser: port \d+ is in use; .*--port$/);
});

Deno.test("serves its page before a real server and stops on SIGTERM; no browser to open is no error", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  const secret = "s3cret-credential";
  const child = command([
    "demo",
    "player",
    ...["--port", "0"],
    ...["--server-url", server.url],
    ...["--turn-url", "turn:192.0.2.1:3478", "--turn-username", "u", "--turn-credential", secret],
    ...["--force-turn-relay", "--ice-gather-timeout-ms", "500", "--prompt", "a lake", "--fps", "12.5"],
  ]).spawn();
  const errors = new Response(child.stderr).text();
  let printed = "";
  let url = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    printed += part;
    url = /open\s+(http:\S+)/.exec(printed)?.[1] ?? "";
    if (url !== "") break;
  }
  const origin = new URL(url).origin;
  assert.equal(url, `${origin}/demo/player`);
  assert.match(await (await fetch(url)).text(), /Player/);
  assert.equal((await (await fetch(`${origin}/v1/service/health`)).json()).status, "healthy");
  assert.deepEqual(await (await fetch(`${origin}/demo/config.json`)).json(), {
    ice_servers: [{ urls: "turn:192.0.2.1:3478", username: "u", credential: secret }],
    ice_transport_policy: "relay",
    ice_gather_timeout_ms: 500,
    prompt: "a lake",
    fps: 12.5,
  });
  child.kill("SIGTERM");
  assert.equal((await child.status).code, 0);
  const said = printed + await errors;
  assert.ok(!said.includes(secret), "secrets are not printed");
  assert.match(said, /open the page yourself/);
});

/** Starts the command and waits for its address. */
async function startDemo(...args: string[]) {
  const child = command(["demo", ...args, "--no-open", "--port", "0"]).spawn();
  const errors = new Response(child.stderr).text();
  let printed = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    printed += part;
    if (/open\s+http:\S+\n/.test(printed)) break;
  }
  return { child, errors, origin: new URL(/open\s+(http:\S+)/.exec(printed)?.[1] ?? "").origin };
}

Deno.test("opens its page without a server and says in the terminal, once, that there is none", async () => {
  const { child, errors, origin } = await startDemo("arrow", "--server-url", "http://127.0.0.1:1");
  assert.match(await (await fetch(origin)).text(), /Arrow/i);
  for (let attempt = 0; attempt < 2; attempt++) {
    const response = await fetch(`${origin}/v1/service/health`);
    assert.deepEqual([response.status, (await response.json()).code], [502, "server_unreachable"]);
  }
  child.kill("SIGINT");
  assert.equal((await child.status).code, 0);
  assert.equal((await errors).match(/http:\/\/127\.0\.0\.1:1 cannot be reached/g)?.length, 1);
});

Deno.test("SIGTERM ends it with a stream under way, too", async () => {
  const upstream = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, () => {
    return new Response(new ReadableStream({ start: (one) => one.enqueue(new Uint8Array(1)) }));
  });
  const { child, errors, origin } = await startDemo("player", "--server-url", `http://127.0.0.1:${upstream.addr.port}`);
  const reader = (await fetch(`${origin}/v1/stream`)).body?.getReader();
  assert.equal((await reader?.read())?.value?.length, 1);
  child.kill("SIGTERM");
  const status = await withTimeLimit(systemClock, 15, child.status);
  if (status === "timeout") child.kill("SIGKILL");
  await assert.rejects(async () => await reader?.read());
  await errors;
  await upstream.shutdown();
  assert.equal(status === "timeout" ? status : status.code, 0);
});
