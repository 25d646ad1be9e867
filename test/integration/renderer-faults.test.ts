// Whatever the host lacks descriptors for, each rendering ends, and nothing is left of it.
import { readdirSync, readlinkSync } from 'node:fs';
import t from 'tap';
import { seededRandom } from '../../bench/random.js';
import { native } from '../../lib/native.js';
import { startRenderer, step, workflow } from '../helpers/renderer.js';
import { eventually } from '../helpers/eventually.js';

const CALLS = ['createMemfd', 'createFilledMemfd', 'createEmptyMemfd', 'pipe', 'socketPair'] as const;

/** Fails as the system does where a process has all files open that it may. @returns how often each has failed */
function injectFaults(
  share: number,
  random: () => number,
): { counts: Record<string, number>; stop: () => void } {
  const counts: Record<string, number> = {};
  const originals = CALLS.map((name) => [name, Reflect.get(native, name) as () => unknown] as const);
  for (const [name, original] of originals) {
    const faulty = (...args: unknown[]): unknown => {
      if (random() >= share) return Reflect.apply(original, native, args);
      counts[name] = (counts[name] ?? 0) + 1;
      throw Object.assign(new Error(`${name} failed with EMFILE`), {
        code: 'EMFILE',
        errno: -24,
        syscall: name,
      });
    };
    Object.assign(native, { [name]: faulty });
  }
  const stop = (): void => {
    for (const [name, original] of originals) Object.assign(native, { [name]: original });
  };
  return { counts, stop };
}

/** Those of tables, which are this process's own. */
function memfds(): number {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return 'gone';
    }
  });
  return targets.filter((target) => target.includes('memfd:nodespawner')).length;
}

const chain = (tab: string, round: number) => ({
  id: tab,
  steps: [1, 2, 3].map((n) =>
    step(`${tab}${n}`, `return tableFromArrays({ a: [${n}, params.round] });`, { params: { round } }),
  ),
});

t.test('with calls that fail with EMFILE at random', async (t) => {
  const renderer = await startRenderer(t, { maxChildren: 3, maxMemoryBytes: 0 });
  const render = async (round: number): Promise<string[]> => {
    const given = workflow(chain('a', round), chain('b', round), chain('c', round));
    using report = await renderer.render({ ...given, id: `w${round}` });
    return report.steps.map(({ status, errors }) => errors[0]?.code ?? status);
  };
  t.strictSame(new Set(await render(-1)), new Set(['ok']));
  const { counts, stop } = injectFaults(0.12, seededRandom(20));
  const ended: string[] = [];
  try {
    for (let round = 0; round < 18; round += 3)
      ended.push(...(await Promise.all([0, 1, 2].map((n) => render(round + n)))).flat());
  } finally {
    stop();
  }
  t.equal(ended.length, 18 * 9, 'each step of each rendering has a report');
  t.strictSame(
    [...new Set(ended)].filter((each) => !['ok', 'internal', 'unreachable'].includes(each)),
    [],
    'and none is blamed on the step',
  );
  for (const name of ['createEmptyMemfd', 'pipe']) t.ok(counts[name], `${name} has failed`);
  t.ok(ended.includes('ok') && ended.includes('internal'));
  t.strictSame(new Set(await render(100)), new Set(['ok']), 'once there are descriptors, all is well');
  await eventually('no memory of a child is left', () => memfds() === 0);
});
