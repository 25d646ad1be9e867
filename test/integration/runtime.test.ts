// The runtime of a child does all that that of a node does which has just been started. Each program of
// test/fixtures/runtime prints what it finds; a child prints the same, and ends in the same way.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import t from 'tap';
import type { Zygote, ZygoteOptions } from '../../lib/index.js';
import { FIXTURES, NO_SANDBOX, startZygote } from '../helpers/zygote.js';

const PROGRAMS = join(FIXTURES, 'runtime');

interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Where in which file, and where in native code, is another matter. */
function withoutPlaces(stderr: string): string {
  const place = /^\s+at |^(\/.*\.cjs|<anonymous_script>|undefined):\d+$|^\s*\d+: /;
  return stderr
    .split('\n')
    .filter((line) => !place.test(line))
    .join('\n');
}

async function runFresh(file: string): Promise<Run> {
  const child = spawn(process.execPath, [file], { env: {}, cwd: '/', stdio: ['pipe', 'pipe', 'pipe'] });
  const [[exitCode, signal], stdout, stderr] = await Promise.all([
    once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>,
    text(child.stdout),
    text(child.stderr),
  ]);
  return { stdout, stderr: withoutPlaces(stderr), exitCode, signal };
}

async function runInChild(zygote: Zygote, file: string): Promise<Run> {
  const entry = { module: './entries.cjs', export: 'evaluate', args: [readFileSync(file, 'utf8')] };
  const child = await zygote.spawnProcess(entry, { timeoutMs: 60_000 });
  const [{ exitCode, signal }, stdout, stderr] = await Promise.all([
    child.wait(),
    text(child.stdout as Readable),
    text(child.stderr as Readable),
  ]);
  return { stdout, stderr: withoutPlaces(stderr), exitCode, signal };
}

const zygotes: Record<string, [options: ZygoteOptions, folders: readonly string[]]> = {
  'of a zygote that has done nothing': [{ sandbox: NO_SANDBOX }, ['compute', 'open']],
  'of a zygote that has used everything': [
    { preload: ['./busy-preload.cjs'], sandbox: NO_SANDBOX },
    ['compute', 'open'],
  ],
  'in the sandbox': [{ preload: ['./busy-preload.cjs'] }, ['compute']],
};

const fresh = new Map<string, Promise<Run>>();

for (const [where, [{ preload = [], ...options }, folders]] of Object.entries(zygotes)) {
  t.test(where, async (t) => {
    const zygote = await startZygote(t, { ...options, preload: [...preload, './entries.cjs'] });
    for (const folder of folders) {
      for (const name of readdirSync(join(PROGRAMS, folder)).filter((file) => file.endsWith('.cjs'))) {
        const file = join(PROGRAMS, folder, name);
        const expected = await (fresh.get(file) ?? runFresh(file));
        fresh.set(file, Promise.resolve(expected));
        t.not(expected.stdout, '', `${name} says something`);
        t.strictSame(await runInChild(zygote, file), expected, name);
      }
    }
  });
}

t.test('a large number of children at once each do all of it', async (t) => {
  const zygote = await startZygote(t, { preload: ['./entries.cjs', './busy-preload.cjs'] });
  const names = ['jit', 'wasm', 'workers', 'pool', 'timers', 'garbage'];
  const runs = Array.from({ length: 24 }, (_, i) =>
    join(PROGRAMS, 'compute', `${names[i % names.length] ?? ''}.cjs`),
  );
  const results = await Promise.all(runs.map((file) => runInChild(zygote, file)));
  for (const [i, result] of results.entries()) t.strictSame(result, await fresh.get(runs[i]!), runs[i]!);
});
