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

t.test('the host has no epoll instance within another, whose lock all children could keep busy', async (t) => {
  const before = [...epolls().values()].flat().length;
  const zygote = await startZygote(t);
  const child = await zygote.spawn('console.log(1); setInterval(() => {}, 1000)', undefined, {
    stdout: 'capture',
    stderr: 'capture',
  });
  const during = await eventually('the pipes of the child are watched', () => {
    const now = epolls();
    return [...now.values()].flat().length >= before + 4 ? now : undefined;
  });
  const nested = [...during.values()].flat().filter((fd) => during.has(fd));
  child.kill();
  await child.result;
  t.strictSame(nested, []);
});
