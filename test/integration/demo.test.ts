// `npm run demo` shows what it says that it shows.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { FLIGHTS } from '../../demo/flights.js';
import { steps } from '../../demo/steps.js';
import { cli } from '../helpers/cli.js';
import type { Result } from '../../lib/index.js';

const demo = fileURLToPath(new URL('../../demo/main.js', import.meta.url));
const { status, stdout, stderr } = spawnSync(process.execPath, [demo], { encoding: 'utf8' });

t.test('every outcome is what it should be, and the exit code says so', (t) => {
  t.equal(status, 0, stderr);
  const outcomes = stdout.split('\n').filter((line) => line.startsWith('✓'));
  const words = outcomes.map((line) =>
    /✓ (.+?) {2,}(\w+) +([\d.]+) ms +([\d.]+) ms {3}\S/.exec(line)?.slice(1, 3),
  );
  t.match(words, [
    ['mean delay by hour', 'ok'],
    ['throws', 'threw'],
    ['prints nonsense', 'ok'],
    ['forges a result', 'badOutput'],
    ['never ends', 'timedOut'],
    ['exits', 'exited'],
    ['allocates without end', /^(signaled|outOfMemory)$/],
  ]);
  t.equal(words.length, 7);
  t.end();
});

t.test('the table that the good step returns is printed', (t) => {
  t.match(stdout, /^ {2}00h {2}41\.9 .* 12h {3}5\.9 /m);
  t.match(stdout, /^ {2}11h .* 23h /m);
  t.end();
});

t.test('the workflow of the demo is rendered, over the real table', async (t) => {
  const flow = fileURLToPath(new URL('../../../demo/flights.yaml', import.meta.url));
  const { code, stdout } = await cli(['render', flow, '--input', `flights=${FLIGHTS}`]);
  t.equal(code, 0);
  t.match(stdout, /^✓ byHour › render-by-hour {2}24 rows, 3 columns/m);
  t.match(stdout, /^✓ worst › latest .*\n {4}stdout \| 3 of 24 hours\n/m);
  t.match(stdout, /^ +0 +697 +41\.86/m);
});

t.test('where nobody looks, there are no colours, and nothing that a step printed gets through', (t) => {
  // eslint-disable-next-line no-control-regex -- it is what is looked for
  t.notMatch(stdout, /[\u0000-\u0009\u000b-\u001f]/);
  t.end();
});

t.test('an outcome that is not what it should be is seen', (t) => {
  const usage = { wallMs: 1, userMs: 1, systemMs: 1, peakMemoryBytes: 1 };
  const others: Result[] = [
    { usage, status: 'ok', value: null, tables: {} },
    { usage, status: 'exited', exitCode: 0 },
    { usage, status: 'canceled', reason: null },
  ];
  for (const step of steps(200_000)) {
    for (const other of others) t.equal(step.describe(other), undefined, `${step.title}: ${other.status}`);
  }
  t.end();
});
