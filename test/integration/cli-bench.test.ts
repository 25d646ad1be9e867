// `nodespawner bench` measures what it says, as often as it was told.
import t from 'tap';
import { cli } from '../helpers/cli.js';

const NAMES = [
  'firstLine',
  'roundTrip',
  'demandFirstLine',
  'demandRoundTrip',
  'plainFirstLine',
  'plainRoundTrip',
];

t.test('as JSON: every measurement, and what it is of', async (t) => {
  const { code, stdout, stderr } = await cli(['bench', '--spawns', '3', '--plain', '2', '--json']);
  t.equal(code, 0);
  t.equal(stderr, '');
  const found = JSON.parse(stdout) as {
    series: Record<string, number[]>;
    summary: Record<string, { p50: number }>;
  };
  t.same(
    NAMES.map((name) => found.series[name]?.filter((ms) => ms > 0).length),
    [3, 3, 3, 3, 2, 2],
  );
  t.same(Object.keys(found.summary).sort(), [...NAMES].sort());
  t.match(found, { node: process.version, cores: Number, load: { before: [Number], after: [Number] } });
});

t.test('for people: a line for each', async (t) => {
  const { code, stdout } = await cli(['bench', '--spawns', '1', '--plain', '1']);
  t.equal(code, 0);
  for (const what of ['first line', 'round trip'])
    for (const how of ['parked', 'on demand', 'plain node']) t.match(stdout, `| ${what}, ${how} `);
});
