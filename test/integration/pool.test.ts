// Children that are cloned and confined ahead of demand.
import t from 'tap';
import { Zygote } from '../../lib/index.js';
import { eventually } from '../helpers/eventually.js';
import { markedProcesses, zygoteTree } from '../helpers/processes.js';
import { MARK, newMark, rejection, startZygote } from '../helpers/zygote.js';

const CODE = 'module.exports = () => process.hrtime.bigint()';

t.test('as many children are parked as the minimum says, and again after some were taken', async (t) => {
  const zygote = await startZygote(t, { pool: { min: 3, max: 3 } });
  await eventually('three are parked', () => zygote.parked === 3);
  await Promise.all(Array.from({ length: 5 }, () => zygote.run(CODE)));
  await eventually('three are parked again', () => zygote.parked === 3);
});

t.test('a parked child is there before it is asked for', async (t) => {
  const zygote = await startZygote(t, { pool: { min: 1, max: 1 } });
  await eventually('one is parked', () => zygote.parked === 1);
  // Of the whole system: which processes there are before the call.
  const child = await zygote.spawn(
    "module.exports = () => require('node:fs').readFileSync('/proc/self/stat', 'utf8')",
  );
  t.equal(zygote.parked, 0, 'it was taken');
  const result = await child.result;
  t.equal(result.status, 'ok');
});

t.test('a pool that a zygote can not fill is refused', async (t) => {
  for (const pool of [
    { min: 2, max: 1 },
    { min: 0, max: 255 },
    { min: -1, max: 8 },
  ]) {
    const error = await rejection(Zygote.start({ preload: [], pool }));
    t.match(error, { code: 'ERR_INVALID_OPTION', option: /^options\.pool\.(min|max)$/ });
  }
});

t.test('a pool of none is none', async (t) => {
  const zygote = await startZygote(t, { pool: { min: 0, max: 0 } });
  await zygote.run(CODE); // the one that was made to see whether children can be had
  for (let i = 0; i < 5; i++) {
    await zygote.run(CODE);
    t.equal(zygote.parked, 0);
  }
});

t.test('a pool grows with what is asked of it, up to its maximum', async (t) => {
  const zygote = await startZygote(t, { pool: { min: 1, max: 4 } });
  for (let round = 0; round < 4; round++) {
    await Promise.all(Array.from({ length: 8 }, () => zygote.run(CODE)));
  }
  await eventually('four are parked', () => zygote.parked === 4);
});

t.test('a parked child starts its own time, randomness and environment with its job', async (t) => {
  const zygote = await startZygote(t, { pool: { min: 4, max: 4 } });
  await eventually('four are parked', () => zygote.parked === 4);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const code = `module.exports = () => ({
    now: performance.now(), uptime: process.uptime() * 1000, origin: performance.timeOrigin,
    random: [Math.random(), crypto.randomUUID()], env: { ...process.env } });`;
  const before = Date.now();
  const children = await Promise.all(
    Array.from({ length: 4 }, async (_, index) => {
      const { value } = await zygote.run(code, {}, { env: { INDEX: String(index) } });
      return value as { now: number; uptime: number; origin: number; random: unknown[]; env: object };
    }),
  );
  const random = new Set<unknown>();
  for (const [index, child] of children.entries()) {
    t.ok(child.now < 900 && child.uptime < 900, 'the time in the pool does not count');
    t.ok(child.origin >= before - 5);
    t.strictSame(child.env, { INDEX: String(index) });
    for (const value of child.random) random.add(value);
  }
  t.equal(random.size, 8);
});

t.test('nothing of the rehearsal can be seen by the code', async (t) => {
  const zygote = await startZygote(t);
  const code = `const before = Object.keys(globalThis).join();
    module.exports = () => ({
      globals: before, cache: Object.keys(require.cache ?? {}), listeners: process.eventNames().map(String),
      active: process.getActiveResourcesInfo(), exitCode: process.exitCode ?? null, marks: performance.getEntries().length });`;
  const first = (await zygote.run(code)).value;
  t.match(first, { cache: [], active: [], exitCode: null, marks: 0 });
  t.notMatch(JSON.stringify(first), /rehearsal/);
});

t.test('a parked child that dies is replaced', async (t) => {
  const own = newMark();
  const zygote = await startZygote(t, { pool: { min: 1, max: 1 }, env: { [MARK]: own } });
  await eventually('one is parked', () => zygote.parked === 1);
  const parkedChild = () => zygoteTree(own)?.others[0];
  const first = await eventually('its process', parkedChild);
  process.kill(first.pid, 'SIGKILL');
  await eventually('another process is there', () => (parkedChild()?.pid ?? first.pid) !== first.pid);
  await eventually('and is parked', () => zygote.parked === 1);
  t.equal((await zygote.run('module.exports = () => 1')).value, 1);
});

t.test('parked children end with their zygote', async (t) => {
  const own = newMark();
  const zygote = await startZygote(t, { pool: { min: 4, max: 4 }, env: { [MARK]: own } });
  await eventually('four are parked', () => zygote.parked === 4);
  await zygote.close();
  t.strictSame(markedProcesses(own), []);
  t.equal((await rejection(zygote.run(CODE))).code, 'ERR_ZYGOTE_CLOSED');
});
