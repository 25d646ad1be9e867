// The smoke benchmark fails where a ratio is much worse than the baseline's, twice, and nowhere else.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Machine } from '../../../bench/machine.js';
import { entryOf, readBaseline, writeBaseline } from '../../../bench/smoke/baseline.js';
import { check, RETRY_ROUNDS, type Measure, type Verdict } from '../../../bench/smoke/check.js';
import { RATIO_NAMES, toleranceOf, type RatioName, type Ratios } from '../../../bench/smoke/ratios.js';

/** The same for all. */
const all = (ratio: number): Ratios => Object.fromEntries(RATIO_NAMES.map((name) => [name, ratio]));

/** Finds these, one after the other, and notes what it was asked for. */
function finding(...found: Ratios[]): { measure: Measure; asked: [readonly RatioName[], number][] } {
  const asked: [readonly RatioName[], number][] = [];
  return {
    asked,
    measure(names, rounds) {
      const next = found[asked.length] ?? {};
      asked.push([names, rounds]);
      return Promise.resolve(next);
    },
  };
}

const failed = (verdicts: readonly Verdict[]): string[] =>
  verdicts.filter(({ isGood }) => !isGood).map(({ name }) => name);

const machine: Machine = {
  machine: 'box',
  cpu: 'chip',
  cores: 2,
  memoryGb: 8,
  kernel: '6.1',
  system: 'Debian',
  loadBefore: [0.1, 0.2, 0.3],
  commit: 'abc',
  date: '2026-01-01',
  command: 'node smoke.js',
};

t.test('ratios that are better, the same, or worse by no more than the tolerance pass at once', async (t) => {
  for (const found of [0.01, 0.1, 0.2]) {
    const { measure, asked } = finding(all(found));
    t.same(failed(await check(all(0.1), measure, 5)), [], `${found}`);
    t.same(asked, [[RATIO_NAMES, 5]]);
  }
});

t.test('each ratio has its own tolerance', async (t) => {
  for (const name of RATIO_NAMES) {
    const most = 0.1 * toleranceOf(name);
    const { measure } = finding({ ...all(0.1), [name]: most }, {});
    t.same(failed(await check(all(0.1), measure, 5)), [], name);
    const worse = { ...all(0.1), [name]: most * 1.01 };
    t.same(failed(await check(all(0.1), finding(worse, worse).measure, 5)), [name], name);
  }
});

t.test('a ratio that is worse twice fails, and no other', async (t) => {
  const worse = { ...all(0.1), roundTrip: 0.21 };
  const { measure, asked } = finding(worse, { roundTrip: 0.201 });
  t.same(failed(await check(all(0.1), measure, 5)), ['roundTrip']);
  t.same(asked[1], [['roundTrip'], 5 * RETRY_ROUNDS], 'it alone is measured again, in more rounds');
  t.equal(asked.length, 2, 'and only once');
});

t.test('a ratio that is worse only once passes', async (t) => {
  const { measure } = finding({ ...all(0.1), roundTrip: 9 }, { roundTrip: 0.1 });
  const verdicts = await check(all(0.1), measure, 5);
  t.same(failed(verdicts), []);
  t.same(
    verdicts.filter(({ isRetried }) => isRetried).map(({ name }) => name),
    ['roundTrip'],
  );
});

t.test('a ratio that the baseline lacks fails, and is not measured in vain again', async (t) => {
  const known = Object.fromEntries(Object.entries(all(0.1)).filter(([name]) => name !== 'childMemory'));
  const { measure, asked } = finding(all(0.1));
  t.same(failed(await check(known, measure, 5)), ['childMemory']);
  t.equal(asked.length, 1);
  t.same(failed(await check({}, finding(all(0.1)).measure, 5)), RATIO_NAMES, 'a version that it lacks');
});

t.test('a ratio that could not be measured fails', async (t) => {
  const { measure } = finding({ ...all(0.1), firstLine: NaN }, {});
  t.same(failed(await check(all(0.1), measure, 5)), ['firstLine']);
});

t.test('a baseline is read as it was written, and other versions stay', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nodespawner-smoke-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, 'baseline.json');
  writeBaseline(file, {}, [entryOf('v20.1.0', all(0.12345), machine)]);
  writeBaseline(file, readBaseline(file), [entryOf('v24.0.0', all(0.5), machine)]);
  writeBaseline(file, readBaseline(file), [entryOf('v24.2.0', all(0.25), machine)]);
  const baseline = readBaseline(file);
  t.same(Object.keys(baseline), ['20', '24']);
  t.match(baseline['20'], { node: 'v20.1.0', kernel: '6.1', commit: 'abc', ratios: all(0.123) });
  t.match(baseline['24'], { node: 'v24.2.0', machine: 'box: 2 cores of chip, 8 GB', ratios: all(0.25) });
  for (const ratios of ['{"roundTrip": null}', '{"roundTrip": 0}', '{"roundtrip": 1}']) {
    writeFileSync(file, `{"24": {"ratios": ${ratios}}}`);
    t.throws(() => readBaseline(file), /a ratio that is measured is needed/, ratios);
  }
  t.end();
});

t.test('the committed baseline has every ratio of each version of Node that is tested', (t) => {
  const root = fileURLToPath(new URL('../../../../', import.meta.url));
  const baseline = readBaseline(join(root, 'bench/baseline.json'));
  const nodes = JSON.parse(readFileSync(join(root, 'test/nodes/package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const majors = Object.keys(nodes.dependencies).map((name) => name.replace('node-', ''));
  t.same(Object.keys(baseline).sort(), majors.sort());
  for (const [major, entry] of Object.entries(baseline)) {
    t.same(Object.keys(entry.ratios).sort(), [...RATIO_NAMES].sort(), major);
    t.match(entry, { machine: /cores/, kernel: /\d/, commit: /^[0-9a-f]{10}/, date: /^\d/ });
  }
  t.end();
});
