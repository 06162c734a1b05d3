import assert from "node:assert/strict";
import { ARRIVAL_PERIOD } from "../../../src/rtp/mod.ts";
import { BandwidthEstimator } from "../../../src/webrtc/bandwidth_estimator.ts";
import { BandwidthProbe } from "../../../src/webrtc/bandwidth_probe.ts";
import { SentPackets } from "../../../src/webrtc/sent_packets.ts";
import { type PathConditions, SimulatedPath } from "../support/simulated_path.ts";

const LIMITS = { minimum: 150_000, maximum: 4_000_000, initial: 1_000_000 };
const SEEDS = [1, 2, 3, 4];

function simulate(conditions: Partial<PathConditions> = {}, seed = 1): {
  estimator: BandwidthEstimator;
  path: SimulatedPath;
} {
  const estimator = new BandwidthEstimator(LIMITS);
  return { estimator, path: new SimulatedPath(estimator, { seed, conditions }) };
}

/** Arrivals are held every few seconds, and then come at once. */
function stalls({ every, length }: { every: number; length: number }): (arrival: number) => number {
  return (arrival) => {
    const phase = arrival % every;
    return phase < length ? arrival - phase + length : arrival;
  };
}

function assertBetween(value: number, [least, most]: readonly [number, number], message: string): void {
  assert.ok(value >= least && value <= most, `${message}: ${value} is not within ${least} and ${most}`);
}

const STEPS: Record<string, Partial<PathConditions>> = {
  "a short queue": { delay: 0.02, feedbackDelay: 0.02, queueSeconds: 0.3 },
  "a long queue and rare feedback": { delay: 0.04, feedbackDelay: 0.04, queueSeconds: 0.5, feedbackInterval: 0.1 },
  "jitter": { jitter: 0.01 },
  "a long way": { delay: 0.12, feedbackDelay: 0.12, queueSeconds: 0.5, jitter: 0.005, feedbackInterval: 0.1 },
  "key frames": { keyFrameInterval: 5 },
};

for (const [name, conditions] of Object.entries(STEPS)) {
  Deno.test(`follows a link from 4 to 0.8 Mbit/s and back, with ${name}`, () => {
    for (const seed of SEEDS) {
      const { path } = simulate(conditions, seed);
      path.run(20);
      assertBetween(path.sentRate(10, 20), [3.3e6, 4.1e6], `seed ${seed}: before`);
      path.conditions.rate = 0.8e6;
      path.run(20);
      const below = path.firstSecond((rate) => rate < 0.8e6, 20) - 20;
      assert.ok(below <= 2.5, `seed ${seed}: below the link's rate after ${below} s`);
      const queue = path.over("queue", 23.5, 40);
      assert.ok(queue.largest < 0.3, `seed ${seed}: a queue of ${queue.largest} s`);
      assert.ok(queue.mean < 0.1, `seed ${seed}: a queue of ${queue.mean} s on the whole`);
      assertBetween(path.sentRate(25, 40), [0.65e6, 0.8e6], `seed ${seed}: on the narrow link`);
      assert.ok(path.over("target", 25, 40).smallest > 0.5e6, `seed ${seed}: steady on the narrow link`);
      path.conditions.rate = 4e6;
      path.run(25);
      const above = path.firstSecond((rate) => rate > 3e6, 40) - 40;
      assert.ok(above <= 12, `seed ${seed}: back after ${above} s`);
      assertBetween(path.sentRate(55, 65), [3.3e6, 4.1e6], `seed ${seed}: afterwards`);
    }
  });
}

Deno.test("climbs from 0.7 to 3 Mbit/s within 15 s by the media alone, when nobody probes", () => {
  for (const seed of SEEDS) {
    const { path } = simulate({ probing: false, rate: 0.8e6 }, seed);
    path.run(20);
    path.conditions.rate = 4e6;
    path.run(16);
    assert.deepEqual(path.probes, []);
    const above = path.firstSecond((rate) => rate > 3e6, 20) - 20;
    assert.ok(above <= 15, `seed ${seed}: after ${above} s`);
  }
});

Deno.test("stays close to what the link carries, for a minute, with a short queue most of the time", () => {
  for (const rate of [0.3e6, 0.8e6, 2e6, 4e6]) {
    for (const seed of SEEDS) {
      const { path } = simulate({ rate }, seed);
      path.run(80);
      const what = `seed ${seed} at ${rate} bit/s`;
      assertBetween(path.sentRate(20, 80) / rate, [0.85, 1.02], what);
      assert.ok(path.over("target", 20, 80).smallest > 0.65 * rate, `${what}: no collapse`);
      assert.ok(path.over("queue", 20, 80).mean < 0.1, `${what}: mean queue`);
    }
  }
});

Deno.test("measures the queue that stands, the rate that arrives and the loss", () => {
  const { estimator, path } = simulate({ rate: 20e6, loss: 0.05 });
  path.run(20);
  assertBetween(estimator.ackedRate / path.sentRate(18, 20), [0.85, 1.05], "rate");
  assertBetween(estimator.lossRate, [0.03, 0.07], "loss");
  assert.ok(estimator.queueDelay < 0.003, `a queue of ${estimator.queueDelay} s on an empty link`);
  const narrowed = simulate({ jitter: 0.01 }).path;
  narrowed.run(15);
  narrowed.conditions.rate = 0.8e6;
  narrowed.run(1.5);
  assert.ok(narrowed.over("queue", 16, 16.5).mean > 0.3, "the queue is full");
  assertBetween(
    narrowed.over("queueDelay", 16.1, 16.5).mean / narrowed.over("queue", 16, 16.4).mean,
    [0.9, 1.1],
    "queue, a tenth of a second later",
  );
});

Deno.test("random loss without a queue does not strangle the rate", () => {
  for (const [loss, least] of [[0.02, 0.9], [0.05, 0.8], [0.1, 0.5]] as const) {
    for (const rate of [4e6, 20e6]) {
      for (const seed of SEEDS) {
        const { path } = simulate({ loss, rate }, seed);
        path.run(60);
        const share = path.sentRate(20, 60) / LIMITS.maximum;
        assert.ok(share >= least, `seed ${seed}: ${share} of the maximum at ${loss} lost of ${rate} bit/s`);
        assert.ok(path.over("target", 20, 60).mean >= 0.95 * least * LIMITS.maximum, `seed ${seed}: target at ${loss}`);
      }
    }
  }
});

Deno.test("loss that comes from the rate brings the rate down: a queue too short to be seen", () => {
  for (const seed of SEEDS) {
    const { estimator, path } = simulate({ rate: 1.5e6, queueSeconds: 0.03 }, seed);
    path.run(60);
    assertBetween(path.sentRate(20, 60) / 1.5e6, [0.75, 1.05], `seed ${seed}`);
    assert.ok(estimator.lossRate < 0.15, `seed ${seed}: ${estimator.lossRate} lost`);
  }
});

Deno.test("a sudden drop of the rate shows as loss when there is no queue, and is followed", () => {
  for (const seed of SEEDS) {
    const { path } = simulate({ queueSeconds: 0.03 }, seed);
    path.run(20);
    path.conditions.rate = 1e6;
    path.run(15);
    const below = path.firstSecond((rate) => rate < 1.2e6, 20) - 20;
    assert.ok(below < 4, `seed ${seed}: after ${below} s`);
    assertBetween(path.sentRate(25, 35), [0.7e6, 1.1e6], `seed ${seed}: afterwards`);
  }
});

Deno.test("stalls of 100 ms and more do not collapse it", () => {
  for (const length of [0.1, 0.2, 0.5]) {
    for (const every of [1, 4]) {
      const { path } = simulate({ rate: 5e6, stall: stalls({ every, length }) });
      path.run(40);
      const share = path.sentRate(10, 40) / LIMITS.maximum;
      assert.ok(share > 0.75, `${share} of the maximum with ${length} s every ${every} s`);
    }
  }
});

Deno.test("spells of 100 ms of jitter and steady jitter do not collapse it", () => {
  let state = 7;
  const random = () => (state = (state * 48_271) % 0x7fffffff) / 0x7fffffff;
  const spells = (arrival: number) => arrival % 3 < 0.5 ? arrival + 0.1 * random() : arrival;
  for (const seed of SEEDS) {
    const spelled = simulate({ rate: 5e6, stall: spells }, seed).path;
    spelled.run(60);
    assert.ok(spelled.sentRate(10, 60) > 0.7 * LIMITS.maximum, `seed ${seed}: ${spelled.sentRate(10, 60)} bit/s`);
    const jittery = simulate({ rate: 5e6, jitter: 0.03 }, seed).path;
    jittery.run(60);
    assert.ok(jittery.sentRate(20, 60) > 0.85 * LIMITS.maximum, `seed ${seed}: ${jittery.sentRate(20, 60)} bit/s`);
  }
});

Deno.test("feedback that is lost or comes in another order does not mislead it", () => {
  const cases: Partial<PathConditions>[] = [
    { feedbackLoss: 0.3 },
    { feedbackReordering: 0.12 },
    { feedbackLoss: 0.3, feedbackReordering: 0.12, loss: 0.03 },
  ];
  for (const conditions of cases) {
    for (const seed of SEEDS) {
      const { path } = simulate({ rate: 2e6, ...conditions }, seed);
      path.run(50);
      const what = `seed ${seed} with ${JSON.stringify(conditions)}`;
      assertBetween(path.sentRate(15, 50) / 2e6, [0.8, 1.02], what);
      assert.ok(path.over("target", 15, 50).smallest > 0.55 * 2e6, `${what}: no collapse`);
      assert.ok(path.over("queue", 15, 50).mean < 0.1, `${what}: mean queue`);
    }
  }
});

Deno.test("numbers that wrap make no difference", () => {
  const runs = [0, 65_000].map((firstSequence) => {
    const path = new SimulatedPath(new BandwidthEstimator(LIMITS), { firstSequence, conditions: { loss: 0.02 } });
    path.run(10);
    return path.samples.map(({ target }) => target);
  });
  assert.deepEqual(runs[1], runs[0]);
});

Deno.test("arrival times that begin anew make no difference", () => {
  const [plain, wrapped] = [0, ARRIVAL_PERIOD / 2 - 5].map((receiverAhead) => {
    const { path } = simulate({ receiverAhead, jitter: 0, feedbackReordering: 0.12 });
    path.run(15);
    return path.over("target", 0, 15);
  });
  assert.ok(plain !== undefined && wrapped !== undefined);
  assertBetween(wrapped.mean / plain.mean, [0.95, 1.05], "mean target");
  assertBetween(wrapped.smallest / plain.smallest, [0.95, 1.05], "smallest target");
});

Deno.test("a receiver's clock that is set does not mislead it", () => {
  for (const by of [3600, -3600, 5]) {
    const { path } = simulate({ rate: 6e6 });
    path.run(15);
    path.conditions.receiverAhead += by;
    path.run(15);
    assert.ok(path.over("target", 15, 30).smallest > 0.7 * LIMITS.maximum, `set by ${by} s`);
  }
});

Deno.test("a longer way is no queue for ever", () => {
  for (const delay of [0.12, 0.2, 0.4]) {
    const { path } = simulate({ rate: 6e6 });
    path.run(15);
    path.conditions.delay = delay;
    path.run(20);
    const { smallest } = path.over("target", 15, 35);
    assert.ok(smallest > 0.25 * LIMITS.maximum, `${delay} s: ${smallest} bit/s`);
    assert.ok(path.sentRate(25, 35) > 0.9 * LIMITS.maximum, `${delay} s: ${path.sentRate(25, 35)} bit/s afterwards`);
  }
});

Deno.test("falls gently while there is no feedback, and recovers when there is", () => {
  const { path } = simulate({ rate: 6e6 });
  path.run(15);
  path.conditions.feedbackLoss = 1;
  path.run(0.9);
  assert.equal(path.over("target", 15, 15.9).smallest, LIMITS.maximum);
  path.run(2.1);
  assertBetween(path.over("target", 17.9, 18).mean / LIMITS.maximum, [0.35, 0.75], "after 3 s");
  path.run(20);
  assert.equal(path.over("target", 37, 38).smallest, LIMITS.minimum);
  path.conditions.feedbackLoss = 0;
  path.run(15);
  assert.ok(path.sentRate(49, 53) > 3e6, `${path.sentRate(49, 53)} bit/s 11 s later`);
});

Deno.test("silence is only what follows packets", () => {
  const { estimator, path } = simulate({ rate: 6e6 });
  path.run(15);
  const before = estimator.target;
  estimator.sent({ sequence: 60_000, at: 115, bytes: 1200 });
  assert.equal(estimator.target, before);
});

Deno.test("does not climb far beyond what the sender makes use of, unless a cluster shows that there is more", () => {
  const idle = simulate({ encoderMaximum: 1e6, probing: false });
  idle.path.run(40);
  assertBetween(idle.estimator.target, [1.1e6, 1.9e6], "without clusters");
  const probed = simulate({ encoderMaximum: 1e6 });
  probed.path.run(40);
  assert.ok(probed.estimator.target > 3e6, `${probed.estimator.target} bit/s with clusters`);
});

Deno.test("a packet that was reported lost and arrives after all is no lost one", () => {
  const estimator = new BandwidthEstimator(LIMITS);
  for (let round = 0; round < 200; round++) {
    const now = round * 0.05;
    const numbers = Array.from({ length: 10 }, (_, index) => round * 10 + index);
    for (const sequence of numbers) estimator.sent({ sequence, at: now, bytes: 1000 });
    const early = numbers.map((sequence) => ({ sequence, arrival: sequence % 10 === 4 ? null : now + 0.02 }));
    estimator.feedback({ baseSequence: round * 10, packets: early }, now + 0.04);
    estimator.feedback(
      { baseSequence: round * 10 + 4, packets: [{ sequence: round * 10 + 4, arrival: now + 0.03 }] },
      now + 0.05,
    );
  }
  assert.ok(estimator.lossRate < 0.01, `${estimator.lossRate} lost`);
});

/** Five packets of a cluster, 8 ms apart, with their arrivals; what it found at that moment. */
function cluster(arrivals: readonly (number | null)[], now = 1): number | null {
  const probe = new BandwidthProbe();
  const packets = new SentPackets();
  assert.equal(probe.request(0, 1.2e6), null);
  const request = probe.request(0.5, 1.2e6);
  assert.ok(request !== null);
  for (const [index, arrival] of arrivals.entries()) {
    const packet = { sequence: (0xfffe + index) & 0xffff, at: 0.5 + index * 0.008, bytes: 1200 };
    packets.add(packet);
    probe.sent({ ...packet, id: request.id });
    packets.note(packet.sequence, arrival);
  }
  return probe.result(packets, now);
}

Deno.test("a cluster finds the rate at which it was sent when it came through, and less when it was slowed down", () => {
  assert.equal(Math.round(cluster([10, 10.008, 10.016, 10.024, 10.032]) ?? 0), 1.2e6);
  assert.equal(Math.round(cluster([10, 10.016, 10.032, 10.048, 10.064]) ?? 0), 0.95 * 0.6e6);
  assert.equal(Math.round(cluster([10, 10.007, 10.014, 10.021, 10.028]) ?? 0), 1.2e6, "not more than was asked");
});

Deno.test("a cluster finds nothing when it was held up, lost in part, or is still under way", () => {
  assert.equal(cluster([10, 10.001, 10.002, 10.003, 10.004]), null);
  assert.equal(cluster([10, 10.008, null, null, 10.032]), null);
  assert.equal(cluster([10, 10.008, 10.016, 10.024, 10.032], 0.54), null);
});

Deno.test("asks for a cluster at most every three seconds, of a few packets, and for none at the maximum", () => {
  for (const rate of [0.8e6, 20e6]) {
    const { estimator, path } = simulate({ rate });
    assert.equal(estimator.probe(0), null, "nothing is known yet");
    path.run(60);
    assert.ok(path.probes.length >= 2, `${path.probes.length} clusters`);
    for (const [index, at] of path.probes.entries()) {
      assert.ok(index === 0 || at - (path.probes[index - 1] ?? 0) >= 2.9, `${path.probes}`);
    }
    assert.ok(path.paddingShare(10, 60) < 0.02, `${path.paddingShare(10, 60)} of it is padding`);
    if (rate > LIMITS.maximum) assert.ok((path.probes.at(-1) ?? 0) < 15, "none at the maximum");
  }
});

Deno.test("says how a cluster is to be sent", () => {
  const { estimator, path } = simulate({ rate: 20e6, probing: false });
  path.run(3);
  const target = estimator.target;
  assert.equal(estimator.probe(path.now), null, "the first one waits a little");
  path.run(1);
  const request = estimator.probe(path.now);
  assert.ok(request !== null);
  assertBetween(request.bitrate, [2 * target, LIMITS.maximum * 1.05], "bitrate");
  assert.ok(request.packets >= 5 && request.packets * 1200 >= request.bytes);
  assertBetween(request.bytes * 8 / request.bitrate, [0.02, 0.06], "seconds");
  assert.equal(estimator.probe(path.now), null, "one at a time");
});

Deno.test("stays below a receiver's own estimate", () => {
  const { estimator, path } = simulate();
  estimator.remb(2e6);
  path.run(15);
  assert.equal(estimator.target, 2e6);
  estimator.remb(50_000);
  assert.equal(estimator.target, LIMITS.minimum);
});

Deno.test("goes by receiver reports when there is nothing else", () => {
  const estimator = new BandwidthEstimator(LIMITS);
  for (let index = 0; index < 5; index++) estimator.report({ fractionLost: 0, roundTrip: 0.1 });
  assertBetween(estimator.target, [1.4e6, 1.8e6], "without loss");
  const before = estimator.target;
  estimator.report({ fractionLost: 0.05, roundTrip: 0.1 });
  assert.equal(estimator.target, before);
  assert.equal(estimator.lossRate, 0.05);
  estimator.report({ fractionLost: 0.2, roundTrip: 0.1 });
  assertBetween(estimator.target / before, [0.89, 0.91], "with a fifth lost");
  for (let index = 0; index < 100; index++) estimator.report({ fractionLost: 0.5, roundTrip: 0.1 });
  assert.equal(estimator.target, LIMITS.minimum);
  for (let index = 0; index < 100; index++) estimator.report({ fractionLost: 0, roundTrip: 0.1 });
  assert.equal(estimator.target, LIMITS.maximum);
});

Deno.test("does not go by receiver reports while there is feedback", () => {
  const { estimator, path } = simulate({ rate: 20e6 });
  for (let second = 0; second < 15; second++) {
    path.run(1);
    estimator.report({ fractionLost: 0.5, roundTrip: 0.1 });
    estimator.report({ fractionLost: 0.5, roundTrip: 0.1 });
  }
  assert.equal(estimator.target, LIMITS.maximum);
  for (let index = 0; index < 3; index++) estimator.report({ fractionLost: 0.5, roundTrip: 0.1 });
  assert.ok(estimator.target < LIMITS.maximum, "three in a row without feedback");
});

Deno.test("keeps within its limits and to numbers, whatever feedback says", () => {
  let state = 1;
  const random = () => (state = (state * 48_271) % 0x7fffffff) / 0x7fffffff;
  const estimator = new BandwidthEstimator(LIMITS);
  let sequence = 0;
  for (let round = 0; round < 3000; round++) {
    const now = round * 0.02;
    for (let index = 0; index < 5; index++) {
      estimator.sent({ sequence, at: now + index * 0.001, bytes: 1200 });
      sequence = (sequence + 1) & 0xffff;
    }
    const baseSequence = random() < 0.7 ? (sequence - 20) & 0xffff : Math.floor(random() * 0x10000);
    const packets = Array.from({ length: 1 + Math.floor(random() * 40) }, (_, index) => ({
      sequence: (baseSequence + index) & 0xffff,
      arrival: random() < 0.3 ? null : (random() - 0.5) * (random() < 0.1 ? ARRIVAL_PERIOD : 2) + now,
    }));
    estimator.feedback({ baseSequence, packets }, now + 0.005);
    estimator.probe(now + 0.005);
    assertBetween(estimator.target, [LIMITS.minimum, LIMITS.maximum], `target in round ${round}`);
    assertBetween(estimator.lossRate, [0, 1], `loss in round ${round}`);
    assert.ok(Number.isFinite(estimator.queueDelay) && estimator.queueDelay >= 0, `queue in round ${round}`);
    assert.ok(Number.isFinite(estimator.ackedRate) && estimator.ackedRate >= 0, `rate in round ${round}`);
  }
});
