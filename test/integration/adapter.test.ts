// A preloaded function between a user's code and its result.
import { tableFromArrays } from 'apache-arrow';
import t from 'tap';
import { expectStatus, rejection, startZygote } from '../helpers/zygote.js';

const zygote = await startZygote(t, { preload: ['apache-arrow', './adapter.cjs'] });
const ES = `export function one(params, tables) { return ['one', params.call, tables]; }
export const two = async () => { throw new RangeError('of two'); };`;

t.test('it decides which export is called, and with what', async (t) => {
  const adapter = { module: './adapter.cjs', export: 'byName' };
  const tables = { t: tableFromArrays({ a: [1] }) };
  const { value } = await zygote.run(ES, { params: { call: 'one' }, tables }, { adapter });
  t.strictSame(value, ['one', 'one', ['t']]);
});

t.test('without a name it is the default export; the code need not have one', async (t) => {
  const adapter = { module: './adapter.cjs' };
  t.strictSame((await zygote.run(ES, {}, { adapter })).value, ['one', 'two']);
  t.strictSame((await zygote.run('exports.a = 1;', {}, { adapter })).value, ['a']);
});

t.test('what the code throws is the result, with the position in the code', async (t) => {
  const adapter = { module: './adapter.cjs', export: 'byName' };
  const child = await zygote.spawn(ES, { params: { call: 'two' } }, { adapter, filename: 'two.mjs' });
  const { error } = expectStatus(await child.result, 'threw');
  t.match(error, { name: 'RangeError', message: 'of two', stack: /two\.mjs:2:40/ });
});

t.test('it has to be of a preloaded module, and be a function', async (t) => {
  for (const [adapter, option] of [
    [{ module: './other.cjs' }, 'options.adapter.module'],
    [{ module: undefined as never }, 'options.adapter.module'],
    [{ module: './adapter.cjs', export: 1 as never }, 'options.adapter.export'],
    ['./adapter.cjs' as never, 'options.adapter'],
  ] as const) {
    const error = await rejection(zygote.run(ES, {}, { adapter }));
    t.match(error, { code: 'ERR_INVALID_OPTION', option });
  }
  const child = await zygote.spawn(ES, {}, { adapter: { module: './adapter.cjs', export: 'none' } });
  t.match(expectStatus(await child.result, 'threw').error, { message: /exports no function named 'none'/ });
});
