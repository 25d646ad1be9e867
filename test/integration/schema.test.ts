// The schema that a caller brings for the value that the code returns.
import t from 'tap';
import type { StandardSchema } from '../../lib/schema.js';
import { expectStatus, rejection, startZygote } from '../helpers/zygote.js';

const zygote = await startZygote(t);

/** { n: a number }, which becomes the number. */
const schema: StandardSchema<number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const n = (value as { n?: unknown } | null)?.n;
      return typeof n === 'number' ? { value: n } : { issues: [{ message: 'not a number', path: ['n'] }] };
    },
  },
};

t.test('a value that matches comes out as the schema makes it', async (t) => {
  t.equal((await zygote.run('module.exports = () => ({ n: 42 })', {}, { schema })).value, 42);
});

t.test('a value that does not match is bad output, with the place and the reason', async (t) => {
  const child = await zygote.spawn("module.exports = () => ({ n: '42' })", {}, { schema });
  const result = expectStatus(await child.result, 'badOutput');
  t.equal(result.path, 'value.n');
  t.match(result.reason, 'not a number');
});

t.test('what is no schema is refused', async (t) => {
  const error = await rejection(zygote.run('1', {}, { schema: {} as never }));
  t.match(error, { code: 'ERR_INVALID_OPTION', option: 'options.schema' });
});
