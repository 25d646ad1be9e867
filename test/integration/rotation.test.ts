// A zygote is replaced without a gap.
import t from 'tap';
import { eventually } from '../helpers/eventually.js';
import { markedProcesses } from '../helpers/processes.js';
import { expectStatus, MARK, newMark, startZygote } from '../helpers/zygote.js';

const ONE = 'module.exports = () => 1';

t.test('after a number of children, and no call notices', async (t) => {
  const own = newMark();
  const zygote = await startZygote(t, { rotation: { afterChildren: 5 }, env: { [MARK]: own } });
  const working = async (): Promise<void> => {
    while (zygote.rotations < 2) t.equal((await zygote.run(ONE)).value, 1);
  };
  await Promise.all([working(), working()]);
  t.equal(zygote.rotationError, undefined);
  await zygote.close();
  t.strictSame(markedProcesses(own), [], 'nothing is left of the old ones either');
});

t.test('after a while', async (t) => {
  const zygote = await startZygote(t, { rotation: { afterMs: 300 } });
  await eventually('it is replaced', () => zygote.rotations >= 1);
  t.equal((await zygote.run(ONE)).value, 1);
});

for (const signal of ['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGSYS']) {
  t.test(`after a child died of ${signal}`, async (t) => {
    const zygote = await startZygote(t);
    const child = await zygote.spawn(`module.exports = () => process.kill(process.pid, '${signal}')`);
    t.equal(expectStatus(await child.result, 'signaled').signal, signal);
    await eventually('it is replaced', () => zygote.rotations === 1);
  });
}

t.test('not after a child that was killed, and not after a crash where that is not wanted', async (t) => {
  const zygote = await startZygote(t, { rotation: { afterCrash: false } });
  for (const act of ['SIGSEGV', 'SIGKILL']) {
    await zygote.run(`module.exports = () => process.kill(process.pid, '${act}')`).catch(() => undefined);
  }
  await zygote.run('for (;;);', {}, { timeoutMs: 100 }).catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  t.equal(zygote.rotations, 0);
});

t.test('the old zygote stays until its last child is done', async (t) => {
  const own = newMark();
  const zygote = await startZygote(t, { rotation: { afterChildren: 2 }, env: { [MARK]: own } });
  const child = await zygote.spawn(
    "module.exports = () => new Promise((resolve) => process.stdin.on('data', () => {}).on('end', () => resolve('late')))",
  );
  await zygote.run(ONE);
  await eventually('it is replaced', () => zygote.rotations === 1);
  const during = markedProcesses(own).length;
  child.stdin?.end();
  t.equal(expectStatus(await child.result, 'ok').value, 'late');
  await eventually('the old one is gone', () => markedProcesses(own).length < during);
});

t.test('all children of the next zygote have another address-space layout', async (t) => {
  const zygote = await startZygote(t, { rotation: { afterCrash: true } });
  const WHERE =
    "module.exports = () => require('node:fs').readFileSync('/proc/self/maps', 'utf8').split('\\n').filter((line) => /libc/.test(line))[0]";
  const before = (await zygote.run(WHERE)).value;
  t.equal((await zygote.run(WHERE)).value, before);
  await zygote.run("module.exports = () => process.kill(process.pid, 'SIGSEGV')").catch(() => undefined);
  await eventually('it is replaced', () => zygote.rotations === 1);
  t.not((await zygote.run(WHERE)).value, before);
});
