import assert from "node:assert/strict";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { StreamError, type StreamErrorCode } from "../../../src/errors.ts";
import { errorResponse } from "../../../src/http/mod.ts";
import { CapturedLog } from "../support/captured_log.ts";

/** What a client gets when a route throws this. */
async function respond(thrown: unknown): Promise<{ response: Response; body: Record<string, unknown>; text: string }> {
  const app = new Hono();
  app.get("/thing", () => {
    throw thrown;
  });
  app.onError((error, context) => errorResponse(context, error));
  const response = await app.request("/thing");
  const text = await response.text();
  return { response, text, body: JSON.parse(text) };
}

/** The documented statuses: what a client may rely on. */
const STATUSES: Partial<Record<StreamErrorCode, readonly [number, string]>> = {
  invalid_json: [400, "Bad Request"],
  invalid_request: [400, "Bad Request"],
  invalid_sdp: [400, "Bad Request"],
  no_common_codec: [400, "Bad Request"],
  pipeline_failed: [400, "Bad Request"],
  unsupported_media_type: [415, "Unsupported Media Type"],
  body_too_large: [413, "Content Too Large"],
  session_not_found: [404, "Not Found"],
  session_exists: [409, "Conflict"],
  sessions_full: [503, "Service Unavailable"],
  service_not_running: [503, "Service Unavailable"],
  shutting_down: [503, "Service Unavailable"],
  no_ice_candidates: [503, "Service Unavailable"],
  timeout: [504, "Gateway Timeout"],
};

Deno.test("answers every foreseeable error with its status, title, code and detail", async () => {
  for (const [code, [status, title]] of Object.entries(STATUSES)) {
    using log = new CapturedLog();
    const { response, body } = await respond(new StreamError(code as StreamErrorCode, `what went wrong: ${code}`));
    assert.equal(response.status, status, code);
    assert.equal(response.headers.get("Content-Type"), "application/problem+json", code);
    assert.deepEqual(body, { type: "about:blank", title, status, detail: `what went wrong: ${code}`, code });
    assert.deepEqual(log.lines.filter(({ level }) => level === "error"), [], "a client's fault is no error of ours");
  }
});

Deno.test("names the field at fault", async () => {
  const { body } = await respond(new StreamError("invalid_request", "fps must be a number", { field: "fps" }));
  assert.equal(body.field, "fps");
});

Deno.test("says when to try again where that may help", async () => {
  for (const [code, [status]] of Object.entries(STATUSES)) {
    const { response } = await respond(new StreamError(code as StreamErrorCode, "x"));
    assert.equal(response.headers.get("Retry-After") !== null, status === 503, code);
  }
});

Deno.test("hides the insides of an unknown error and repeats the id under which it is logged", async () => {
  const secrets = ["/home/operator/model.bin", "password=hunter2"];
  class OddError extends Error {}
  for (
    const thrown of [new Error(secrets.join(" ")), new OddError(secrets.join(" ")), new TypeError(secrets.join(" "))]
  ) {
    using log = new CapturedLog();
    const { response, body, text } = await respond(thrown);
    assert.equal(response.status, 500);
    assert.equal(body.code, "internal_error");
    assert.equal(body.title, "Internal Server Error");
    for (const secret of secrets) assert.ok(!text.includes(secret), text);
    assert.doesNotMatch(text, /at .*\.ts/, "no stack");
    const id = body.error_id;
    assert.ok(typeof id === "string" && id.length > 8);
    assert.ok(String(body.detail).includes(id));
    const logged = log.lines.find(({ level }) => level === "error")?.line ?? "";
    assert.ok(logged.includes(id), logged);
    assert.ok(logged.includes("hunter2"), "the log says what it was");
    assert.ok(logged.includes("/thing"), "and where");
  }
});

Deno.test("gives two unknown errors two ids", async () => {
  using _log = new CapturedLog();
  const [first, second] = [await respond(new Error("a")), await respond(new Error("a"))];
  assert.notEqual(first.body.error_id, second.body.error_id);
});

Deno.test("treats faults of the server's own as unknown to the client", async () => {
  for (
    const code of [
      "invalid_config",
      "invalid_pipeline",
      "invalid_chunk",
      "invalid_frame",
      "permission_denied",
      "port_in_use",
    ] as const
  ) {
    using log = new CapturedLog();
    const { response, body, text } = await respond(new StreamError(code, "/srv/secret/pipeline.ts is broken"));
    assert.equal(response.status, 500, code);
    assert.equal(body.code, "internal_error");
    assert.ok(!text.includes("/srv/secret"));
    assert.match(log.text, /\/srv\/secret/);
  }
});

Deno.test("keeps the status of an error of the HTTP library", async () => {
  const { response, body } = await respond(new HTTPException(405, { message: "use POST" }));
  assert.equal(response.status, 405);
  assert.deepEqual(body, {
    type: "about:blank",
    title: "Method Not Allowed",
    status: 405,
    detail: "use POST",
    code: "http_error",
  });
});
