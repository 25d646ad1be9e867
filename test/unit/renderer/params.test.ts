// What is told of params, whose keys and texts may be a step's own.
import t from 'tap';
import type { Message } from '../../../renderer/index.js';
import { cannotBeSent, checkBySpec, checkParams } from '../../../renderer/params.js';

function errorsOf(checked: ReturnType<typeof checkBySpec>): readonly Message[] {
  return 'errors' in checked ? checked.errors : [];
}

t.test('it is cleaned and bounded, with its path', async (t) => {
  const key = `\x1b[31m${'x'.repeat(1_000_000)}`;
  const issues = [{ message: key, path: [key] }];
  const schema = { '~standard': { version: 1 as const, vendor: 'test', validate: () => ({ issues }) } };
  for (const errors of [
    errorsOf(checkBySpec({}, { [key]: 1 })),
    errorsOf(await checkParams(schema, {})),
    [cannotBeSent(new Error(key))],
  ]) {
    t.equal(errors.length, 1);
    for (const { text, path = '' } of errors) {
      t.ok(text.length <= 8_193);
      t.ok(path.length <= 1_001);
      t.notMatch(`${text}${path}`, /\p{Cc}/u);
    }
  }
  t.end();
});

t.test('no more values are looked at than it takes to find as much as is told', (t) => {
  let looks = 0;
  const counting = (target: object): object =>
    new Proxy(target, {
      get: (of, key) => {
        if (typeof key === 'string' && key !== 'length') looks++;
        return Reflect.get(of, key) as unknown;
      },
    });
  const of = { type: 'integer' } as const;
  const items = counting(Array.from({ length: 1_000 }, () => null));
  t.equal(errorsOf(checkBySpec({ list: { type: 'list', of } }, { list: items })).length, 20);
  t.ok(looks <= 25, `${looks}`);
  const keys = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`k${index}`, null]));
  t.equal(errorsOf(checkBySpec({}, keys)).length, 20);
  const spec = Object.fromEntries(Object.keys(keys).map((name) => [name, of]));
  t.equal(errorsOf(checkBySpec(spec, keys)).length, 20);
  t.end();
});
