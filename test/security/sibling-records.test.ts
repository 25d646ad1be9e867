// What the zygote knows of its children is nowhere in the memory of a child, which is a copy of the zygote's.
import t from 'tap';
import { native } from '../../lib/native.js';
import { eventually } from '../helpers/eventually.js';
import { buildRaw, Lab } from '../helpers/security/lab.js';
import { whenWarm } from '../helpers/zygote.js';

const addon = buildRaw(t);
const MASK = 0x5a;

// By its token the host names a child to the zygote. Here they are numbers that nothing else in memory is.
const UNUSUAL = 0x5a17_3300;
const before = { ...native };
native.sendRequest = (fd, kind, token, signal, jobFd) =>
  before.sendRequest(fd, kind, token ^ UNUSUAL, signal, jobFd);
native.receiveReply = (fd) => {
  const reply = before.receiveReply(fd);
  return reply && reply.token > 0 ? { ...reply, token: reply.token ^ UNUSUAL } : reply;
};
t.teardown(() => {
  Object.assign(native, before);
});

/** How often each of them is in memory. They are masked, so that asking for them doesn't put them there. */
const SEARCH = `return params.map((number) => raw.search(Buffer.from(number), ${MASK}));`;

/** A number as it lies in a struct. */
function masked(number: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes.map((byte) => byte ^ MASK);
}

t.test('no child has the token of another in its memory, alive or dead', async (t) => {
  const lab = await Lab.start(t, addon, {}, { pool: { min: 0, max: 0 } });
  const wait = `console.log(1); await new Promise((resolve) => process.stdin.once('data', resolve));`;
  const count = 12;
  const siblings = await Promise.all(
    Array.from({ length: count }, () => lab.spawn(wait, undefined, { stdin: 'pipe', stdout: 'pipe' })),
  );
  for (const { stdout } of siblings) await stdout!.take(1).toArray();
  // Some of them have ended by the time that others look.
  for (const sibling of siblings.slice(0, 4)) sibling.stdin!.end('on');
  for (const sibling of siblings.slice(0, 4)) await sibling.result;
  // The first one was the one that was to show that there can be one.
  const tokens = Array.from({ length: count + 1 }, (_, index) => (index + 1) ^ UNUSUAL);
  const searches = await Promise.all(
    [1, 2, 3].map(() => lab.value(SEARCH, tokens.map(masked), { timeoutMs: 120_000 }) as Promise<number[]>),
  );
  // A number that happens to be in the memory of one child is not in that of all.
  const inherited = tokens.filter((_, index) => searches.every((found) => (found[index] ?? 0) > 0));
  t.strictSame(inherited, []);
  for (const sibling of siblings) sibling.kill();
});

t.test('the memory of a child looks the same, however many siblings there are', async (t) => {
  const lab = await Lab.start(t, addon, {}, { pool: { min: 0, max: 0 } });
  await whenWarm(lab.zygote);
  const look = (): Promise<unknown> =>
    lab.value(`return lines('/proc/self/maps').map((line) => line.split(' ').slice(0, 2).join(' ')).join();`);
  // The first one was parked by start().
  await look();
  const alone = new Set<unknown>();
  for (let i = 0; i < 5; i++) alone.add(await look());
  const wait = `await new Promise((resolve) => process.stdin.once('data', resolve));`;
  const siblings = await Promise.all(
    Array.from({ length: 80 }, () => lab.spawn(wait, undefined, { stdin: 'pipe' })),
  );
  // Now and then a child maps something more for itself.
  t.ok(await eventually('nothing is different', async () => alone.has(await look())));
  for (const sibling of siblings) sibling.kill();
});
