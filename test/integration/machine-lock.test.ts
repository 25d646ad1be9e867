// What one process of a machine does at a time: who waits hears of its end, however the one that does it ends.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { lockOrWait } from '../../renderer/store/machine-lock.js';

const MODULE = new URL('../../renderer/store/machine-lock.js', import.meta.url).href;
const NEVER = new AbortController().signal;
let names = 0;
const newName = (): string => `test-${process.pid}-${++names}`;

/** A process that has the lock. */
async function holder(t: Test, name: string): Promise<ChildProcess> {
  const code = `import { lockOrWait } from ${JSON.stringify(MODULE)};
    const unlock = await lockOrWait(process.argv[1], new AbortController().signal);
    process.stdin.once('data', () => { unlock(); process.stdin.destroy(); });
    console.log(unlock === undefined ? 'none' : 'held');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, name], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  t.equal(said.toString(), 'held\n');
  return child;
}

t.test('who waits is let go on when the holder is killed, and one of them has the lock next', async (t) => {
  const name = newName();
  const child = await holder(t, name);
  const waiting = [lockOrWait(name, NEVER), lockOrWait(name, NEVER)];
  child.kill('SIGKILL');
  t.strictSame(await Promise.all(waiting), [undefined, undefined]);
  const unlock = await lockOrWait(name, NEVER);
  t.type(unlock, 'function');
  const next = lockOrWait(name, NEVER);
  unlock?.();
  t.equal(await next, undefined);
});

t.test('who waits is let go on when the holder lets go, or nobody wants it any more', async (t) => {
  const name = newName();
  const child = await holder(t, name);
  const abort = new AbortController();
  const given = lockOrWait(name, abort.signal);
  const waiting = lockOrWait(name, NEVER);
  abort.abort(new Error('not wanted'));
  await t.rejects(given, { message: 'not wanted' });
  child.stdin?.write('end\n');
  t.equal(await waiting, undefined);
});

t.test('locks of other names are others', async (t) => {
  const name = newName();
  await holder(t, name);
  const unlock = await lockOrWait(newName(), NEVER);
  t.type(unlock, 'function');
  unlock?.();
});
