// `npm run demo` shows what it says that it shows.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { FLIGHTS } from '../../demo/flights.js';
import { describe } from '../../demo/outcomes.js';
import { cli } from '../helpers/cli.js';
import type { StepReport } from '../../renderer/index.js';

const demo = fileURLToPath(new URL('../../demo/main.js', import.meta.url));
const { status, stdout, stderr } = spawnSync(process.execPath, [demo], { encoding: 'utf8' });

t.test('every outcome is what it should be, and the exit code says so', (t) => {
  t.equal(status, 0, stderr + stdout);
  const outcomes = stdout.split('\n').filter((line) => /^[✓✗]/.test(line));
  const words = outcomes.map((line) => /^✓ ([\w-]+) +(\w+) +(?:[\d.]+ m?s|known) {3}\S/.exec(line)?.slice(1));
  t.strictSame(
    words.slice(0, 12).sort(),
    [
      ['usual', 'ok'],
      ['delay-by-hour', 'ok'],
      ['latest', 'ok'],
      ['by-distance', 'ok'],
      ['throws', 'threw'],
      ['prints-noise', 'ok'],
      ['forges-result', 'badOutput'],
      ['reads-shadow', 'threw'],
      ['phones-home', 'threw'],
      ['exits', 'exited'],
      ['never-ends', 'timedOut'],
      ['eats-memory', 'outOfMemory'],
    ].sort(),
  );
  t.end();
});

t.test('after the edit, nothing but the step that was edited is rendered', (t) => {
  const [, after = ''] = stdout.split('is edited');
  const known = Array.from(after.matchAll(/^✓ ([\w-]+) +ok +known /gm), ([, step]) => step);
  t.strictSame(known.sort(), ['by-distance', 'delay-by-hour', 'usual']);
  t.match(after, /^✓ latest +ok +[\d.]+ m?s {3}5 rows, 2 columns$/m);
  t.end();
});

t.test('the table that a tab comes to is printed', (t) => {
  t.match(stdout, /^ {2}00h {2}26\.7 .* 12h {3}5\.3 /m);
  t.match(stdout, /^ {2}11h .* 23h /m);
  t.end();
});

t.test('the workflow of the demo is one that the command line renders', async (t) => {
  const flow = fileURLToPath(new URL('../../../demo/flights.yaml', import.meta.url));
  const { code, stdout } = await cli([
    'render',
    flow,
    '--input',
    `flights=${FLIGHTS}`,
    '--preload',
    'arquero',
  ]);
  t.equal(code, 0, stdout);
  t.match(stdout, /^✓ byHour › delay-by-hour {2}24 rows, 3 columns/m);
  t.match(stdout, /^✓ worst › latest .*\n {4}stdout \| 3 of 24 hours\n/m);
  t.match(stdout, /^ +0 +655 +26\.6595/m);
});

t.test('where nobody looks, there are no colours, and nothing that a step printed gets through', (t) => {
  // eslint-disable-next-line no-control-regex -- it is what is looked for
  t.notMatch(stdout, /[\u0000-\u0009\u000b-\u001f]/);
  t.end();
});

t.test('an outcome that is not what it should be is seen', (t) => {
  const base = {
    tab: 'x',
    warnings: [],
    errors: [],
    cached: false,
    ms: 1,
    calls: [],
    stdout: '',
    stderr: '',
  };
  const steps = ['usual', 'throws', 'prints-noise', 'exits', 'never-ends'];
  for (const step of steps) {
    const others: StepReport[] = [
      { ...base, step, status: 'error', value: null, errors: [{ code: 'internal', text: 'something' }] },
      { ...base, step, status: 'canceled' },
      { ...base, step, status: 'unreachable', because: ['x'] },
    ];
    for (const other of others) t.equal(describe(other), undefined, `${step}: ${other.status}`);
  }
  t.end();
});
