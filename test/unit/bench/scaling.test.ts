// The simulation gives what queueing theory knows, and the model what it was made of.
import t from 'tap';
import { seededRandom } from '../../../bench/random.js';
import { arrivals, exponential } from '../../../bench/scaling/arrivals.js';
import { workShareOf } from '../../../bench/scaling/check.js';
import { rateOn, fit } from '../../../bench/scaling/model.js';
import { Processor } from '../../../bench/scaling/processor.js';
import { erlangC, meanResponse, serversFor } from '../../../bench/scaling/queueing.js';
import { simulatePool, type Step, type Work } from '../../../bench/scaling/simulate.js';
import { summarize } from '../../../bench/statistics.js';

const working = (work: number): Step => ({ work, wait: 0 });
const constant = (work: Record<keyof Work, number>): Work => ({
  parked: () => working(work.parked),
  onDemand: () => working(work.onDemand),
  refill: () => working(work.refill),
});

/** No pool; each call takes so long. */
const plain = (onDemand: () => number): Work => ({
  ...constant({ parked: 0, onDemand: 0, refill: 0 }),
  onDemand: () => working(onDemand()),
});

const isNear = (found: number, wanted: number, part: number): boolean =>
  Math.abs(found - wanted) <= part * wanted;

t.test("Erlang's C has the values that are in the books", (t) => {
  t.ok(isNear(erlangC(1, 0.7), 0.7, 1e-12), 'one server: how busy it is');
  t.ok(isNear(erlangC(2, 1), 1 / 3, 1e-12), 'two servers: 2 ρ² / (1 + ρ)');
  t.ok(isNear(erlangC(10, 8), 0.4092, 1e-3));
  t.equal(erlangC(3, 3), 1, 'more work than servers');
  t.ok(isNear(meanResponse(1, 0.5), 2, 1e-12), 'M/M/1: 1 / (1 - ρ)');
  t.equal(serversFor(8, 0.4093), 10);
  t.ok(erlangC(1000, 950) > 0 && erlangC(1000, 950) < 1, 'without overflow');
  t.end();
});

t.test('calls on c cores take, and find all busy, as M/M/c says', (t) => {
  for (const [cores, load] of [
    [1, 0.5],
    [2, 1.4],
    [8, 6],
  ] as const) {
    const random = seededRandom(cores);
    const at = arrivals(load * 100, 1, 2_000_000, random);
    const { times, crowded, hits } = simulatePool(
      cores,
      0,
      plain(() => exponential(10, random)),
      at,
    );
    const { mean } = summarize(times);
    t.equal(times.length, at.length);
    t.equal(hits, 0);
    t.ok(isNear(mean, 10 * meanResponse(cores, load), 0.03), `${cores}: ${mean}`);
    t.ok(isNear(crowded / at.length, erlangC(cores, load), 0.03), `${cores}: ${crowded / at.length}`);
  }
  t.end();
});

t.test('where all share one core, only the mean of what calls take counts (M/G/1-PS)', (t) => {
  const at = arrivals(60, 1, 2_000_000, seededRandom(4));
  const { times } = simulatePool(
    1,
    0,
    plain(() => 10),
    at,
  );
  t.ok(isNear(summarize(times).mean, 10 / (1 - 0.6), 0.03));
  t.end();
});

t.test('two on one core take twice as long, and two on two cores do not', (t) => {
  for (const [cores, wanted] of [
    [1, [10, 15]],
    [2, [5, 10]],
  ] as const) {
    const { times } = simulatePool(cores, 2, constant({ parked: 0, onDemand: 0, refill: 0 }), []);
    t.same(times, []);
    const processor = new Processor(cores);
    const ends: number[] = [];
    for (const work of [5, 10]) processor.start(work, () => ends.push(processor.now));
    processor.finish();
    t.same(ends, wanted);
  }
  t.end();
});

t.test('a pool that is refilled in time is always hit, and none never', (t) => {
  const work = constant({ parked: 1, onDemand: 5, refill: 4 });
  const at = Array.from({ length: 100 }, (_, i) => i * 10);
  t.equal(simulatePool(2, 1, work, at).hits, 100);
  t.equal(simulatePool(2, 0, work, at).hits, 0);
  t.same(new Set(simulatePool(2, 1, work, at).times.map((time) => time.toFixed(6))), new Set(['1.000000']));
  t.end();
});

t.test(
  'calls that come faster than one child after the other can be parked are hits as often as that',
  (t) => {
    const work = constant({ parked: 1, onDemand: 1, refill: 20 });
    const at = Array.from({ length: 1000 }, (_, i) => i * 10);
    const { hits } = simulatePool(8, 4, work, at);
    t.ok(isNear(hits / at.length, 0.5, 0.02), `${hits}`);
    t.end();
  },
);

t.test('what waits takes its time, and no core', (t) => {
  const work: Work = {
    ...constant({ parked: 0, onDemand: 0, refill: 0 }),
    onDemand: () => ({ work: 1, wait: 50 }),
  };
  const { times, crowded } = simulatePool(1, 0, work, [0, 10, 20, 30]);
  t.same(times, [51, 51, 51, 51]);
  t.equal(crowded, 0);
  t.end();
});

t.test('the part of a time that is work is never more than all of it', (t) => {
  t.equal(workShareOf(10, [15, 15], [5, 5]), 0.5);
  t.equal(workShareOf(30, [15], [5]), 1);
  t.end();
});

t.test('bursts take a larger pool', (t) => {
  const work = constant({ parked: 2, onDemand: 8, refill: 6 });
  const share = (pool: number, burst: number): number => {
    const at = arrivals(20, burst, 1_000_000, seededRandom(7));
    return simulatePool(4, pool, work, at).hits / at.length;
  };
  t.ok(share(1, 1) > share(1, 4));
  t.ok(share(8, 4) > share(1, 4));
  t.end();
});

t.test(
  'arrivals are as many as asked for, in order, the same for the same seed, and burst if told to',
  (t) => {
    for (const burst of [1, 5]) {
      const at = arrivals(100, burst, 1_000_000, seededRandom(1));
      t.ok(isNear(at.length, 100_000, 0.03), `${at.length}`);
      t.same(at.slice(0, 50), arrivals(100, burst, 1_000_000, seededRandom(1)).slice(0, 50));
      t.ok(at.every((time, i) => time >= (at[i - 1] ?? 0) && time < 1_000_000));
      const together = at.filter((time, i) => time === at[i - 1]).length / at.length;
      t.ok(Math.abs(together - (1 - 1 / burst)) < 0.02, `${together}`);
    }
    t.end();
  },
);

t.test('the model finds what its points were made with, and no contention below none', (t) => {
  const made = { perCore: 100, contention: 0.05 };
  const points = [1, 2, 4].map((cores) => ({ cores, perSecond: rateOn(made, cores) }));
  const found = fit(points);
  t.ok(isNear(found.perCore, 100, 1e-9) && isNear(found.contention, 0.05, 1e-9));
  t.equal(
    fit([
      { cores: 1, perSecond: 100 },
      { cores: 2, perSecond: 210 },
    ]).contention,
    0,
  );
  t.same(fit([{ cores: 1, perSecond: 50 }]), { perCore: 50, contention: 0 });
  t.end();
});
