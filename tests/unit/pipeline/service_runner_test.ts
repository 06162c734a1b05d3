import assert from "node:assert/strict";
import { HostCaller } from "../../../src/pipeline/host_caller.ts";
import type { WorkerMessage } from "../../../src/pipeline/protocol.ts";
import { DEFAULT_LIMITS } from "../../../src/pipeline/limits.ts";
import { WorkerLog } from "../../../src/pipeline/worker_log.ts";
import { ServiceRunner } from "../../../src/pipeline/service_runner.ts";
import { calls, gates, holdBack } from "../support/hand_service.ts";
import { settle } from "../support/manual_clock.ts";

const BY_REQUEST = { code: "client_request", detail: "closed by request" };

async function makeRunner() {
  calls.length = 0;
  gates.clear();
  const told: string[] = [];
  const conflicts: string[] = [];
  const send = (message: WorkerMessage) => {
    const { t, id = "", detail = "" } = message as { t: string; id?: string; detail?: string };
    told.push(`${t} ${id} ${detail}`.trim());
    if (message.t === "refused" && message.conflict) conflicts.push(id);
  };
  const runner = new ServiceRunner({ send, caller: new HostCaller(send), log: new WorkerLog(send) });
  const url = new URL("../support/hand_service.ts", import.meta.url).href;
  await runner.load({ t: "load", url, media: [], limits: DEFAULT_LIMITS });
  assert.deepEqual(told.splice(0), ["loaded", "ready"]);
  return { runner, told, conflicts };
}

Deno.test("a session is created, driven and closed by the id that the service gave it", async () => {
  const { runner, told } = await makeRunner();
  await runner.open("1", { session_id: "mine" });
  await runner.next("1");
  await runner.push("1", "control", {});
  await runner.close("1", BY_REQUEST);
  assert.deepEqual(calls, ["create mine", "pull mine", "push mine", "close mine client_request"]);
  assert.deepEqual(told, ["opened 1", "chunk 1", "taken 1", "closed 1"]);
});

Deno.test("one that is closed while it is being created is closed once, right after that", async () => {
  const { runner, told } = await makeRunner();
  const creating = holdBack("create mine");
  const opening = runner.open("1", { session_id: "mine" });
  await settle();
  await runner.close("1", BY_REQUEST);
  await runner.close("1", { code: "shutting_down", detail: "" });
  assert.deepEqual([calls, told], [["create mine"], []]);
  creating.resolve();
  await opening;
  assert.deepEqual(calls, ["create mine", "close mine client_request"]);
  assert.deepEqual(told, ["opened 1", "closed 1"]);
});

Deno.test("an id that comes again waits until closeSession() of the one before is done", async () => {
  const { runner, told } = await makeRunner();
  await runner.open("1", { session_id: "mine" });
  const closing = holdBack("close mine client_request");
  const closed = runner.close("1", BY_REQUEST);
  const opening = runner.open("2", { session_id: "mine" });
  await runner.open("3", { session_id: "other" });
  await settle();
  assert.deepEqual(calls, ["create mine", "close mine client_request", "create other"]);
  closing.resolve();
  await Promise.all([closed, opening]);
  assert.deepEqual(calls.slice(3), ["create mine"]);
  assert.deepEqual(told, ["opened 1", "opened 3", "closed 1", "opened 2"]);
});

Deno.test("one that is closed while it waits for the one before is never created", async () => {
  const { runner, told } = await makeRunner();
  await runner.open("1", { session_id: "mine" });
  const closing = holdBack("close mine client_request");
  const closed = runner.close("1", BY_REQUEST);
  const opening = runner.open("2", { session_id: "mine" });
  await runner.close("2", BY_REQUEST);
  closing.resolve();
  await Promise.all([closed, opening]);
  assert.deepEqual(calls, ["create mine", "close mine client_request"]);
  assert.deepEqual(told, ["opened 1", "closed 1", "refused 2 the session was closed before it began", "closed 2"]);
  await runner.open("3", { session_id: "mine" });
  assert.equal(told.at(-1), "opened 3");
});

Deno.test("once the host has let go of a session that hangs in closeSession(), its id is refused at once, until it returns", async () => {
  const { runner, told, conflicts } = await makeRunner();
  const refusal = "closeSession() of the session before it has not returned; leave session_id out";
  await runner.open("1", { session_id: "mine" });
  const closing = holdBack("close mine client_request");
  const closed = runner.close("1", BY_REQUEST);
  const waiting = runner.open("2", { session_id: "mine" });
  await settle();
  assert.deepEqual(told, ["opened 1"], "it waits for as long as the host does");
  runner.letGo("1");
  await waiting;
  await runner.open("3", { session_id: "mine" });
  assert.deepEqual(told.slice(1), [`refused 2 ${refusal}`, `refused 3 ${refusal}`]);
  assert.deepEqual(conflicts, ["2", "3"]);
  for (const id of ["2", "3"]) await runner.close(id, BY_REQUEST);
  assert.deepEqual(told.slice(3), ["closed 2", "closed 3"], "nothing of them is left to be waited for");
  await runner.open("4", { session_id: "other" });
  closing.resolve();
  await closed;
  await runner.open("5", { session_id: "mine" });
  assert.deepEqual(calls, ["create mine", "close mine client_request", "create other", "create mine"]);
  assert.equal(told.at(-1), "opened 5");
});

Deno.test("an id of another live session is a conflict, which leaves that one alone", async () => {
  const { runner, told } = await makeRunner();
  await runner.open("1", { session_id: "mine" });
  await runner.open("2", { session_id: "mine" });
  assert.equal(told.at(-1), `refused 2 createSession() returned "mine", which is another session's id`);
  await runner.close("2", BY_REQUEST);
  await runner.push("1", "control", {});
  assert.deepEqual(calls, ["create mine", "create mine", "push mine"]);
});

Deno.test("stopping closes every session before the service itself", async () => {
  const { runner, told } = await makeRunner();
  for (const id of ["1", "2"]) await runner.open(id, { session_id: `s${id}` });
  const closing = holdBack("close s1 shutting_down");
  const stopping = runner.stop();
  await settle();
  assert.ok(!calls.includes("stop"));
  closing.resolve();
  await stopping;
  assert.deepEqual(calls.slice(2), ["close s1 shutting_down", "close s2 shutting_down", "stop"]);
  assert.equal(told.at(-1), "stopped");
});
