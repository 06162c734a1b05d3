/**
 * The server against its own description, with the program `schemathesis` (PyPI). Without it these tests are left out, but
 * for a run with the variable `CI`, where they fail.
 *
 * @module
 */

import assert from "node:assert/strict";
import { SCHEMATHESIS, SCHEMATHESIS_VERSION } from "../support/schemathesis.ts";
import { eventually, startTestServer, testPipeline, type TestServer } from "../support/test_server.ts";
import { CHROMIUM_OFFER } from "../unit/support/offers.ts";

const IS_CI = (Deno.env.get("CI") ?? "") !== "";
const isInstalled = await Deno.stat(SCHEMATHESIS).then(({ isFile }) => isFile, () => false);
if (!isInstalled && !IS_CI) {
  console.warn(
    `left out: the tests with schemathesis ${SCHEMATHESIS_VERSION}; install it with: deno task test --install --only=contract`,
  );
}

/** What an answer must be like. A valid SDP cannot be made up from a schema, so offers need not be taken. */
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "negative_data_rejection",
  "unsupported_method",
  "allow_header_conformance",
  "use_after_free",
].join(",");

/** What the program is told to do: in every phase so many cases for each operation. */
const LIMITS = ["--max-examples", "60", "--max-time", "30", "--seed", "20261121", "--request-timeout", "20"];

const HOOKS_FOLDER = new URL("../support/", import.meta.url).pathname;

/** The description as the server gives it, with an offer that it can take: sessions are then opened and worked with. */
async function descriptionWithOffer(server: TestServer): Promise<Record<string, unknown>> {
  const description = await (await server.fetch("/v1/openapi.json")).json();
  const { content } = description.paths["/v1/stream/webrtc/offer"].post.requestBody;
  const value = { sdp: CHROMIUM_OFFER, type: "offer", task: "t2v", prompt: "a cat" };
  content["application/json"].examples = { browser: { value } };
  return description;
}

async function runSchemathesis(server: TestServer): Promise<{ readonly code: number; readonly text: string }> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/openapi.json`, JSON.stringify(await descriptionWithOffer(server)));
    const { code, stdout, stderr } = await new Deno.Command(SCHEMATHESIS, {
      args: ["run", "openapi.json", "--url", server.url, "--checks", CHECKS, ...LIMITS, "--no-color"],
      cwd: folder,
      env: { SCHEMATHESIS_HOOKS: "schemathesis_hooks", PYTHONPATH: HOOKS_FOLDER, PYTHONDONTWRITEBYTECODE: "1" },
    }).output();
    return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const pipeline of ["paused", "two_way"]) {
  Deno.test({
    name: `schemathesis finds no 500 and nothing that is not described, with the pipeline ${pipeline}`,
    ignore: !isInstalled && !IS_CI,
    async fn() {
      assert.ok(
        isInstalled,
        `schemathesis ${SCHEMATHESIS_VERSION} is missing: deno task test --install --only=contract`,
      );
      const flags = { webrtcMaxSessions: "100", webrtcConnectTimeoutSeconds: "5", httpTimeoutSeconds: "5" };
      await using server = await startTestServer(testPipeline(pipeline), flags);
      const { code, text } = await runSchemathesis(server);
      const requests = server.logged.filter((line) =>
        / http: (GET|POST|PATCH|DELETE|PUT|OPTIONS|HEAD|TRACE) /.test(line)
      );
      const opened = requests.filter((line) => line.includes("POST /v1/stream/webrtc/offer status=200")).length;
      console.log(`${requests.length} requests, ${opened} sessions opened`);
      assert.equal(code, 0, text);
      assert.ok(requests.length > 1000, text);
      assert.ok(opened > 0, "no session was opened");
      assert.deepEqual(server.logged.filter((line) => / ERROR /.test(line)), []);
      assert.deepEqual(requests.filter((line) => / status=500/.test(line)), []);
      await eventually("no session is left", () => server.server.registry.size === 0, 20_000);
    },
  });
}
