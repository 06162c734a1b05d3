import assert from "node:assert/strict";
import { StreamError, type StreamErrorCode } from "../../../src/errors.ts";
import { PipelineSession } from "../../../src/pipeline/mod.ts";
import { type CloseReason, type SessionOptions, SessionRegistry, type ViewerOffer } from "../../../src/session/mod.ts";
import { MediaPorts } from "../../../src/webrtc/mod.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { ManualClock, settle } from "../support/manual_clock.ts";
import { CHROMIUM_OFFER } from "../support/offers.ts";

const STOPPING: CloseReason = { code: "shutting_down", detail: "the server is shutting down" };

function makeRegistry(maxSessions: number) {
  const clock = new ManualClock();
  const registry = new SessionRegistry({ maxSessions, clock });
  /** A session whose pipeline refuses it: it holds its slot until it has cleaned up. */
  function refused(id: string, changes: Partial<SessionOptions> = {}): SessionOptions {
    return {
      id,
      offer: offerOf(CHROMIUM_OFFER),
      mode: "server_push",
      fps: 24,
      preferredCodec: "H264",
      bitrate: 1_000_000,
      minBitrate: 150_000,
      viewerMedia: { video: null, audio: null },
      cameraBitrate: 1_000_000,
      effort: "fast",
      bufferSeconds: 1,
      connectLimit: 15,
      channelLimit: 10,
      silenceLimit: 8,
      holdSeconds: 0,
      ports: new MediaPorts({ udpPort: 0, udpPortRange: null, tcpPort: 0, publicIps: [], clock }),
      clock,
      openPipeline: () => {
        throw new StreamError("service_not_running", "the pipeline is not running");
      },
      ...changes,
    };
  }
  return { clock, registry, refused };
}

function offerOf(sdp: string): ViewerOffer {
  return { sdp, trickle: false, resumable: false, iceServers: [], loopback: true };
}

/** A session of a pipeline that only notes what it is asked. */
function recorded(asked: string[]): PipelineSession {
  const session: PipelineSession = new PipelineSession({
    requestNext: () => asked.push("next"),
    push: () => asked.push("push"),
    close: () => {
      asked.push("close");
      session.release();
    },
  });
  return session;
}

async function refusalOf(promise: Promise<unknown>): Promise<StreamError> {
  const error: unknown = await promise.then(() => undefined, (thrown: unknown) => thrown);
  assert.ok(error instanceof StreamError, `not refused: ${String(error)}`);
  return error;
}

function assertRefuses(act: () => unknown, code: StreamErrorCode, words: RegExp): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof StreamError);
    assert.equal(error.code, code);
    assert.match(error.message, words);
    return true;
  });
}

Deno.test("takes a slot at once, before anything is awaited, and gives it back when opening fails", async () => {
  using _log = new CapturedLog();
  const { registry, refused } = makeRegistry(2);
  const first = registry.open(refused("a"));
  assert.equal(registry.size, 1);
  const second = registry.open(refused("b"));
  assert.equal(registry.size, 2);
  const third = await refusalOf(registry.open(refused("c")));
  assert.equal(third.code, "sessions_full");
  assert.match(third.message, /Max sessions reached/);
  assert.match(third.message, /--webrtc-max-sessions/);
  assert.equal((await refusalOf(first)).code, "service_not_running");
  assert.equal((await refusalOf(second)).code, "service_not_running");
  await settle();
  assert.equal(registry.size, 0);
  assert.equal((await refusalOf(registry.open(refused("d")))).code, "service_not_running");
});

Deno.test("refuses an id that is in use, whether there is room or not, and takes it again afterwards", async () => {
  using _log = new CapturedLog();
  for (const maxSessions of [1, 5]) {
    const { registry, refused } = makeRegistry(maxSessions);
    const first = registry.open(refused("a"));
    const again = await refusalOf(registry.open(refused("a")));
    assert.equal(again.code, "session_exists");
    assert.equal(again.field, "session_id");
    await refusalOf(first);
    await settle();
    assert.equal((await refusalOf(registry.open(refused("a")))).code, "service_not_running");
  }
});

Deno.test("gives slots back whatever is wrong with the offer", async () => {
  using _log = new CapturedLog();
  const { registry, refused } = makeRegistry(1);
  assert.equal((await refusalOf(registry.open(refused("a", { offer: offerOf("hello") })))).code, "invalid_sdp");
  await settle();
  const alien = CHROMIUM_OFFER.replaceAll("H264/", "H266/").replaceAll("VP8/", "VP10/");
  assert.equal((await refusalOf(registry.open(refused("b", { offer: offerOf(alien) })))).code, "no_common_codec");
  await settle();
  assert.equal(registry.size, 0);
});

Deno.test("refuses with the pipeline's words when it refuses the request at once", async () => {
  using _log = new CapturedLog();
  const { registry, refused } = makeRegistry(1);
  const failure = new StreamError("pipeline_failed", "no such style");
  const openPipeline = () => {
    const session: PipelineSession = new PipelineSession({
      requestNext: () => session.end(failure),
      push: () => undefined,
      close: () => session.release(),
    });
    return session;
  };
  assert.equal(await refusalOf(registry.open(refused("a", { openPipeline }))), failure);
  await settle();
  assert.equal(registry.size, 0);
});

Deno.test("ends the pipeline's side when the offer cannot be answered", async () => {
  using _log = new CapturedLog();
  const { registry, refused } = makeRegistry(1);
  const asked: string[] = [];
  const openPipeline = () => recorded(asked);
  const offerSdp = CHROMIUM_OFFER.replace("a=rtcp:9 IN IP4 0.0.0.0", "a=rtcp:nowhere");
  const error = await refusalOf(registry.open(refused("a", { offer: offerOf(offerSdp), openPipeline })));
  assert.equal(error.code, "invalid_sdp");
  await settle();
  assert.deepEqual(asked, ["next", "close"]);
  assert.equal(registry.size, 0);
});

Deno.test("knows no session that never was, and says why one is gone", async () => {
  using _log = new CapturedLog();
  const { registry, refused } = makeRegistry(2);
  assertRefuses(() => registry.get("a"), "session_not_found", /^session a not found$/);
  await refusalOf(registry.open(refused("a")));
  await settle();
  assertRefuses(() => registry.get("a"), "session_not_found", /session a is closed: the pipeline is not running/);
  const error = await refusalOf(registry.close("a", STOPPING));
  assert.equal(error.code, "session_not_found");
});

Deno.test("forgets why sessions are gone: after two minutes, and all but the last 200", async () => {
  using _log = new CapturedLog();
  const { clock, registry, refused } = makeRegistry(2);
  await refusalOf(registry.open(refused("old")));
  await settle();
  clock.turn(130);
  await refusalOf(registry.open(refused("new")));
  await settle();
  assertRefuses(() => registry.get("old"), "session_not_found", /^session old not found$/);
  assertRefuses(() => registry.get("new"), "session_not_found", /closed/);
  for (let index = 0; index < 210; index++) {
    await refusalOf(registry.open(refused(`s${index}`)));
    await settle();
  }
  assertRefuses(() => registry.get("s0"), "session_not_found", /not found/);
  assertRefuses(() => registry.get("s209"), "session_not_found", /closed/);
});

Deno.test("takes no more sessions while it drains", async () => {
  using _log = new CapturedLog();
  const { registry, refused } = makeRegistry(2);
  await registry.drain(STOPPING);
  const error = await refusalOf(registry.open(refused("a")));
  assert.equal(error.code, "shutting_down");
  assert.equal(registry.size, 0);
});

Deno.test("waits while it drains for sessions that are still opening", async () => {
  using _log = new CapturedLog();
  const { registry, refused } = makeRegistry(2);
  const opening = refusalOf(registry.open(refused("a")));
  await registry.drain(STOPPING);
  await opening;
  assert.equal(registry.size, 0);
});

Deno.test("returns the pipeline call when the server drains during the answer", async () => {
  using _log = new CapturedLog();
  const { registry, refused } = makeRegistry(1);
  const asked: string[] = [];
  const openPipeline = () => recorded(asked);
  const opening = refusalOf(registry.open(refused("a", { openPipeline })));
  assert.equal(registry.get("a").id, "a");
  assert.equal(registry.get("a").state, "opening");
  const draining = registry.drain(STOPPING);
  assertRefuses(() => registry.get("a"), "session_not_found", /a is closed: the server is shutting down/);
  await draining;
  const { code } = await opening;
  assert.ok(code === "shutting_down" || code === "invalid_sdp", code);
  assert.deepEqual(asked, ["next", "close"]);
  assert.equal(registry.size, 0);
});
