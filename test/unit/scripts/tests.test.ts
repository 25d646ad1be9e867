// The tests' own runner: what must count as a failure does.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';

const runner = fileURLToPath(new URL('../../../../scripts/lib/tests.mjs', import.meta.url));

/** The closing line for one test file with this content. */
function runOne(t: Test, content: string, env: NodeJS.ProcessEnv = {}): string {
  const file = join(t.testdir({ 'package.json': '{"type":"module"}', 'x.test.js': content }), 'x.test.js');
  const code = `import { runTests, summary } from ${JSON.stringify(runner)};
    console.log(summary(await runTests(process.execPath, [${JSON.stringify(file)}], 1)));`;
  const options = { encoding: 'utf8', env: { PATH: process.env.PATH, ...env } } as const;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', code], options);
  return output.trim().split('\n').at(-1) ?? '';
}

const header = `import t from 'tap';`;

t.test('each test at the top level of a file counts once', (t) => {
  t.equal(
    runOne(t, `${header} t.test('a', async (t) => { t.ok(1); t.ok(1); }); t.ok(1);`),
    '2 passed, 0 failed',
  );
  t.end();
});

t.test('a failed assertion anywhere below fails its test', (t) => {
  const content = `${header} t.test('a', async (t) => { await t.test('b', async (t) => t.ok(0)); }); t.ok(1);`;
  t.equal(runOne(t, content), '1 passed, 1 failed');
  t.end();
});

t.test('a file that is ended by a signal fails, whatever passed before', (t) => {
  const content = `${header} t.ok(1); process.kill(process.pid, 'SIGKILL');`;
  t.match(runOne(t, content), /1 failed$/);
  t.end();
});

t.test('a file that exits with success in the middle of a test fails', (t) => {
  t.match(runOne(t, `${header} t.ok(1); t.test('a', async () => process.exit(0));`), / [1-9]\d* failed$/);
  t.end();
});

t.test('a file without a test fails', (t) => {
  t.equal(runOne(t, ''), '0 passed, 1 failed');
  t.end();
});

t.test('a file that does not end is killed and fails', (t) => {
  const content = `${header} t.ok(1); for (;;);`;
  t.match(runOne(t, content, { NODESPAWNER_TEST_TIMEOUT_MS: '1000' }), /1 failed$/);
  t.end();
});

t.test('a process left running fails the file', (t) => {
  const content = `${header} import { spawn } from 'node:child_process';
    spawn('sleep', ['60'], { stdio: 'ignore' }).unref(); t.ok(1);`;
  t.equal(runOne(t, content), '1 passed, 1 failed');
  t.end();
});

t.test('what is skipped counts as skipped, and as failed in CI unless it does not apply', (t) => {
  const content = (reason: string) => `${header} t.test('a', { skip: '${reason}' }, () => {}); t.ok(1);`;
  t.equal(runOne(t, content('no compiler')), '1 passed, 0 failed, 1 skipped');
  t.equal(runOne(t, content('no compiler'), { CI: 'true' }), '1 passed, 1 failed');
  t.equal(runOne(t, content('not applicable: Node 20'), { CI: 'true' }), '1 passed, 0 failed, 1 skipped');
  t.end();
});

t.test('in CI, a skip inside of a test fails too', (t) => {
  const content = `${header} t.test('a', async (t) => { t.ok(1); await t.test('b', { skip: 'why' }, () => {}); });`;
  t.match(runOne(t, content, { CI: 'true' }), / [1-9]\d* failed$/);
  t.end();
});
