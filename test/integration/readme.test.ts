// The example in README.md runs, and prints what it says.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const examples = [...readme.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, code]) => code!);

t.test('each example prints what its comments say', (t) => {
  t.ok(examples.length > 0);
  for (const code of examples) {
    // Within the package, so that it finds 'nodespawner' as a program finds what it has installed.
    const file = join(t.testdir({ 'example.mjs': code }), 'example.mjs');
    const expected = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(
      ([, comment]) => `${comment!}\n`,
    );
    t.ok(expected.length > 0);
    t.equal(execFileSync(process.execPath, [file], { cwd: root, encoding: 'utf8' }), expected.join(''));
  }
  t.end();
});
