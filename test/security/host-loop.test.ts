// What a child does to the event loop of its host. A test asserts no time: bench/loop-delay.ts measures it.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import t from 'tap';
import { eventually } from '../helpers/eventually.js';
import { startZygote } from '../helpers/zygote.js';

/** The epoll instances of this process, and which descriptors each watches. */
function epolls(): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) !== 'anon_inode:[eventpoll]') continue;
      const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
      found.set(
        Number(fd),
        [...info.matchAll(/^tfd:\s*(\d+)/gm)].map(([, watched]) => Number(watched)),
      );
    } catch {
      // It was closed meanwhile.
    }
  }
  return found;
}

t.test(
  'the host has no epoll instance within another, whose lock all children could keep busy',
  async (t) => {
    const before = [...epolls().values()].flat().length;
    const zygote = await startZygote(t);
    const code = 'module.exports = () => new Promise(() => setInterval(() => {}, 1000))';
    const child = await zygote.spawn(code, undefined, { stdout: 'capture', stderr: 'capture' });
    const during = await eventually('the pipes of the child are watched', () => {
      const now = epolls();
      return [...now.values()].flat().length >= before + 4 ? now : undefined;
    });
    const nested = [...during.values()].flat().filter((fd) => during.has(fd));
    child.kill();
    await child.result;
    t.strictSame(nested, []);
  },
);

t.test('others have their turns while a result of many values is read', async (t) => {
  const zygote = await startZygote(t);
  const maxResultElements = 2_000_000;
  const child = await zygote.spawn(
    'module.exports = ({ params }) => new Array(params).fill([])',
    { params: maxResultElements - 1 },
    { maxResultElements, maxResultBytes: 2 ** 27, stdout: 'ignore', stderr: 'ignore' },
  );
  // What arrives while it is being read comes in turns of the loop as well, of a MiB at the most.
  let turns = 0;
  const count = (): void => {
    turns++;
    counting = setImmediate(count);
  };
  let counting = setImmediate(count);
  await eventually('the child is gone', () => {
    try {
      process.kill(child.pid, 0);
      return false;
    } catch {
      return true;
    }
  });
  turns = 0;
  const result = await child.result;
  clearImmediate(counting);
  t.equal(result.status, 'ok');
  t.ok(turns >= 10, `${turns} turns`);
});

t.test('more values than a result may have by default', async (t) => {
  const zygote = await startZygote(t);
  const code = 'module.exports = ({ params }) => new Array(params).fill(1)';
  const resultOf = async (params: number, options = {}) =>
    (await zygote.spawn(code, { params }, options)).result;
  t.match(await resultOf(100_000), { status: 'limitExceeded', limit: 'maxResultElements', max: 100_000 });
  t.match(await resultOf(99_999), { status: 'ok' });
  t.match(await resultOf(20, { maxResultElements: 10 }), { limit: 'maxResultElements', max: 10 });
  t.match(await resultOf(100_000, { maxResultElements: 200_000 }), { status: 'ok' });
});

t.test('a table of more columns than may hold up the loop', async (t) => {
  const zygote = await startZygote(t, { preload: ['apache-arrow'] });
  const code = `const { tableFromArrays } = require('apache-arrow');
    module.exports = ({ params }) => tableFromArrays(
      Object.fromEntries(Array.from({ length: params }, (_, index) => ['column' + index, Int32Array.of(1)])));`;
  const resultOf = async (params: number) => (await zygote.spawn(code, { params })).result;
  t.match(await resultOf(1000), { status: 'ok' });
  t.match(await resultOf(1001), { status: 'badOutput', reason: /maxColumns/ });
});
