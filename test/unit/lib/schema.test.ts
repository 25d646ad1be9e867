import t from 'tap';
import { type StandardSchema, validateWithSchema } from '../../../lib/schema.js';

/** As a library would write one; `validate` is called as a method. */
function schema<T>(
  check: (value: unknown) => { value: T } | { issues: { message: string }[] },
  isAsync = false,
): StandardSchema<T> {
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => (isAsync ? Promise.resolve(check(value)) : check(value)),
    },
  };
}

t.test('what the schema makes of the value is what comes out, whether at once or later', async (t) => {
  for (const isAsync of [false, true]) {
    const doubled: number = await validateWithSchema(
      schema((value) => ({ value: Number(value) * 2 }), isAsync),
      '21',
    );
    t.equal(doubled, 42);
  }
});

t.test('a mismatch is a typed error with the issues as they were given', async (t) => {
  const issues = [{ message: 'too small', path: ['rows', { key: 3 }, 'n'] }, { message: 'no' }];
  for (const isAsync of [false, true]) {
    await t.rejects(
      validateWithSchema(
        schema(() => ({ issues }), isAsync),
        1,
      ),
      {
        name: 'SchemaMismatchError',
        code: 'ERR_SCHEMA_MISMATCH',
        issues,
        message: /too small \(at rows\.3\.n\), and 1 more/,
      },
    );
  }
});

t.test('a schema without issues or a path is a mismatch too', async (t) => {
  await t.rejects(
    validateWithSchema(
      schema(() => ({ issues: [] })),
      1,
    ),
    { code: 'ERR_SCHEMA_MISMATCH', issues: [] },
  );
  await t.rejects(
    validateWithSchema(
      schema(() => ({ issues: [{ message: 'm' }] })),
      1,
    ),
    {
      code: 'ERR_SCHEMA_MISMATCH',
      message: /: m$/,
    },
  );
});

t.test('a schema may be a function', async (t) => {
  const type = Object.assign(
    () => 1,
    schema((value) => ({ value })),
  );
  t.equal(await validateWithSchema(type, 5), 5);
});

t.test('what the schema throws is left as it is', async (t) => {
  const error = new Error('in the schema');
  const failing = schema(() => {
    throw error;
  });
  await t.rejects(validateWithSchema(failing, 1), error);
});

t.test('what is no schema is refused', async (t) => {
  for (const bad of [undefined, null, {}, { '~standard': null }, { '~standard': { version: 2 } }, () => 1]) {
    await t.rejects(validateWithSchema(bad as unknown as StandardSchema, 1), { code: 'ERR_INVALID_OPTION' });
  }
});
