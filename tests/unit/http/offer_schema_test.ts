import assert from "node:assert/strict";
import { StreamError } from "../../../src/errors.ts";
import { parseOffer } from "../../../src/http/mod.ts";

const OFFER = { sdp: "v=0\r\n", type: "offer", task: "t2v" };

function refusal(body: unknown): StreamError {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  try {
    parseOffer(text);
  } catch (error) {
    assert.ok(error instanceof StreamError, String(error));
    return error;
  }
  assert.fail(`accepted: ${text}`);
}

Deno.test("takes the smallest offer", () => {
  assert.deepEqual(parseOffer(JSON.stringify(OFFER)), {
    sdp: "v=0\r\n",
    sessionId: undefined,
    fps: undefined,
    resumeToken: undefined,
    lastMessage: undefined,
    trickle: false,
    resumable: false,
    fields: { task: "t2v" },
  });
});

Deno.test("hands everything but the description on as it came, unknown fields too", () => {
  const { fields, sessionId, fps } = parseOffer(JSON.stringify({
    ...OFFER,
    session_id: "my-session.1",
    prompt: "a lake",
    fps: 29.97,
    duration_s: 12.5,
    config: { seed: 7, nested: { steps: [1, 2] } },
    guidance: 3.5,
    tags: ["a"],
  }));
  assert.equal(sessionId, "my-session.1");
  assert.equal(fps, 29.97);
  assert.deepEqual(fields, {
    task: "t2v",
    prompt: "a lake",
    fps: 29.97,
    duration_s: 12.5,
    config: { seed: 7, nested: { steps: [1, 2] } },
    guidance: 3.5,
    tags: ["a"],
  });
});

Deno.test("takes null for a field that is not there", () => {
  const offer = { ...OFFER, session_id: null, prompt: null, fps: null, duration_s: null, config: null, extra: null };
  assert.deepEqual(parseOffer(JSON.stringify(offer)), parseOffer(JSON.stringify(OFFER)));
});

Deno.test("names the field at fault and says what it takes", () => {
  const cases: readonly [Record<string, unknown>, string, RegExp][] = [
    [{ sdp: undefined }, "sdp", /sdp is missing; send pc\.localDescription\.sdp/],
    [{ sdp: "" }, "sdp", /sdp is empty/],
    [{ sdp: 5 }, "sdp", /sdp/],
    [{ type: "answer" }, "type", /type must be "offer"/],
    [{ type: undefined }, "type", /type must be "offer"/],
    [{ task: undefined }, "task", /task is missing; name the task, for example t2v/],
    [{ task: null }, "task", /task is missing/],
    [{ task: "" }, "task", /task is empty/],
    [{ session_id: "" }, "session_id", /session_id takes 1 to 128 letters/],
    [{ session_id: "a/b" }, "session_id", /session_id/],
    [{ session_id: "a b" }, "session_id", /session_id/],
    [{ session_id: "x".repeat(129) }, "session_id", /session_id/],
    [{ session_id: 5 }, "session_id", /session_id/],
    [{ prompt: 5 }, "prompt", /prompt must be a text/],
    [{ fps: 0 }, "fps", /fps must be 0\.1 to 240/],
    [{ fps: 241 }, "fps", /fps must be 0\.1 to 240/],
    [{ fps: "24" }, "fps", /fps must be a number/],
    [{ duration_s: 0 }, "duration_s", /duration_s must be more than 0/],
    [{ duration_s: "long" }, "duration_s", /duration_s must be a number of seconds/],
    [{ config: "x" }, "config", /config must be an object/],
    [{ config: [1] }, "config", /config must be an object/],
  ];
  for (const [changes, field, words] of cases) {
    const error = refusal({ ...OFFER, ...changes });
    assert.equal(error.code, "invalid_request", JSON.stringify(changes));
    assert.equal(error.field, field, JSON.stringify(changes));
    assert.match(error.message, words);
  }
});

Deno.test("names every field at fault at once", () => {
  const error = refusal({ type: "offer", fps: 0, session_id: "" });
  for (const name of ["sdp", "task", "fps", "session_id"]) assert.match(error.message, new RegExp(`\\b${name} `));
});

Deno.test("takes ids of the letters that a path keeps as they are", () => {
  for (const session_id of ["a", "A.b_c~d-9", "x".repeat(128), "3f2a9c1e-0000-4000-8000-000000000000"]) {
    assert.equal(parseOffer(JSON.stringify({ ...OFFER, session_id })).sessionId, session_id);
  }
});

Deno.test("refuses ids that a path does not keep", () => {
  for (const session_id of [".", ".."]) {
    assert.notEqual(
      new URL(`http://localhost/v1/stream/sessions/${session_id}/status`).pathname.split("/").at(-2),
      session_id,
    );
    assert.equal(refusal({ ...OFFER, session_id }).field, "session_id", session_id);
  }
});

Deno.test("says that a body is no JSON, or no object", () => {
  for (const body of ["", "{", "sdp=v%3D0", "undefined"]) {
    const error = refusal(body);
    assert.equal(error.code, "invalid_json");
    assert.match(error.message, /Content-Type: application\/json/);
  }
  for (const body of ["null", "[]", "5", '"text"', "[{}]"]) {
    const error = refusal(body);
    assert.equal(error.code, "invalid_request", body);
    assert.match(error.message, /body/, body);
    assert.equal(error.field, undefined);
  }
});

Deno.test("keeps a field named like a prototype an ordinary field", () => {
  const { fields } = parseOffer('{"sdp":"v=0","type":"offer","task":"t2v","__proto__":{"admin":true},"constructor":1}');
  assert.equal(Object.getPrototypeOf(fields), Object.prototype);
  assert.equal((fields as Record<string, unknown>).admin, undefined);
});
