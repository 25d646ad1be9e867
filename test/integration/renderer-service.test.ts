// The example service, over HTTP: what becomes of its samples.
import t from 'tap';
import { FLIGHTS } from '../../demo/flights.js';
import type { Answer } from '../../examples/renderer-service/answer.js';
import { SAMPLES } from '../../examples/renderer-service/samples.js';
import { makeService, RENDERER_OPTIONS } from '../../examples/renderer-service/service.js';
import { startRenderer } from '../helpers/renderer.js';

const renderer = await startRenderer(t, RENDERER_OPTIONS);
const service = await makeService(renderer, FLIGHTS);
t.teardown(() => service.close());

const post = async (body: object): Promise<{ readonly statusCode: number; readonly answer: Answer }> => {
  const response = await service.inject({ method: 'POST', url: '/render', payload: body });
  return { statusCode: response.statusCode, answer: response.json<Answer>() };
};

/** What is said of each sample that is hostile, or what it printed. */
const EXPECTED: Readonly<Record<string, RegExp>> = {
  'Endless loop': /took longer than 2 s/,
  'Memory bomb': /memory/i,
  'process.exit()': /ended its process with code 0/,
  'Read /etc/passwd': /ENOENT.*\/etc\/shadow/,
  'Fork bomb': /took longer|processes|threads|memory/,
  'Call home': /EPERM/,
};

for (const { name, isHostile, code, params } of SAMPLES) {
  t.test(`the sample "${name}" ends as it should`, async (t) => {
    const { statusCode, answer } = await post({ session: `sample-${name}`, code, params });
    t.equal(statusCode, 200);
    t.equal(answer.status, isHostile ? 'error' : 'ok');
    if (!isHostile) {
      t.ok(answer.table && answer.table.rows.length > 0 && answer.table.numRows >= answer.table.rows.length);
      return;
    }
    t.match(answer.errors.map(({ text }) => text).join('\n'), EXPECTED[name]);
  });
}

t.test('what a file of the sandbox says is nothing of the host', async (t) => {
  const code = SAMPLES.find(({ name }) => name === 'Read /etc/passwd')?.code;
  const { answer } = await post({ session: 'passwd-again', code, params: {} });
  t.equal(answer.stdout, 'root:x:0:0::/:/bin/false\n\n');
});

t.test('a newer text of a session cancels the one before it', async (t) => {
  const session = 'one-who-types';
  const first = post({ session, code: 'export function render() { for (;;); }', params: {} });
  // The first is under way when the second comes: both are answered in the order in which they were sent.
  const second = post({
    session,
    code: 'export function render(table) { return table.slice(0, 3); }',
    params: {},
  });
  t.equal((await first).answer.status, 'canceled');
  t.equal((await second).answer.table?.numRows, 3);
});

t.test('a request that is none is refused, and the page is there', async (t) => {
  t.equal((await service.inject({ method: 'POST', url: '/render', payload: {} })).statusCode, 400);
  for (const url of ['/', '/page.js', '/page.css', '/samples']) {
    const response = await service.inject(url);
    t.equal(response.statusCode, 200, url);
    t.equal(response.headers['content-security-policy'], "default-src 'self'");
  }
});
