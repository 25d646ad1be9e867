// What a step prints arrives whole, however much more it is than a pipe holds.
import { text } from 'node:stream/consumers';
import t from 'tap';
import { Zygote } from '../../lib/index.js';
import { rejection } from '../helpers/zygote.js';

const BYTES = 1_000_000;

const zygote = await Zygote.start({ preload: [] });
t.teardown(() => zygote.close());

async function printedBy(stream: 'stdout' | 'stderr', then: string): Promise<[string, number]> {
  const code = `module.exports = () => { process.${stream}.write('x'.repeat(${BYTES})); ${then} }`;
  const child = await zygote.spawn(code, {}, { stdout: 'capture', stderr: 'capture' });
  const result = await child.result;
  return [result.status, result[stream]?.text.replace(/[^x]/g, '').length ?? -1];
}

t.test('by a step that returns', async (t) => {
  t.same(await printedBy('stdout', ''), ['ok', BYTES]);
  t.same(await printedBy('stderr', ''), ['ok', BYTES]);
});

t.test("stderr: 'stdout': both in one stream, in the order in which they were written", async (t) => {
  const code = `module.exports = () => {
    for (let n = 0; n < 500; n++) { console.log('out', n); console.error('err', n); }
  }`;
  const expected = Array.from({ length: 500 }, (_, n) => `out ${n}\nerr ${n}\n`).join('');
  const captured = await (await zygote.spawn(code, {}, { stdout: 'capture', stderr: 'stdout' })).result;
  t.equal(captured.stdout?.text, expected);
  t.notOk('stderr' in captured);
  const piped = await zygote.spawn(code, {}, { stderr: 'stdout' });
  t.equal(piped.stderr, null);
  t.equal(await text(piped.stdout!), expected);
  t.match(await piped.result, { status: 'ok' });
  const ignored = await zygote.spawn(code, {}, { stdout: 'ignore', stderr: 'stdout' });
  t.strictSame([ignored.stdout, ignored.stderr, (await ignored.result).status], [null, null, 'ok']);
  t.match(await rejection(zygote.run(code, {}, { stdout: 'stdout' as never })), { option: 'options.stdout' });
});

t.test('by a step that throws', async (t) => {
  t.same(await printedBy('stdout', 'throw new Error()'), ['threw', BYTES]);
});

t.test('by a step whose loop runs out', async (t) => {
  t.same(await printedBy('stdout', 'return new Promise(() => undefined)'), ['exited', BYTES]);
});

t.test('a step that has ended its stdout still returns', async (t) => {
  t.same(await printedBy('stdout', 'process.stdout.end(); return 1'), ['ok', BYTES]);
});

t.test('a stream that was asked for and is not read holds the step up, until it times out', async (t) => {
  const code = `module.exports = () => { process.stdout.write('x'.repeat(${BYTES})) }`;
  const child = await zygote.spawn(code, {}, { stdout: 'pipe', timeoutMs: 500 });
  t.ok(child.stdout);
  t.match(await child.result, { status: 'timedOut' });
});
