import { deepStrictEqual } from 'node:assert';
import fc from 'fast-check';
import t from 'tap';
import {
  decodeJob,
  decodeResult,
  decodeResultInSteps,
  encodeJob,
  encodeResult,
  type Job,
  type Outcome,
  toBadReturn,
} from '../../../protocol/messages.js';
import { MAX_ERROR_TEXT } from '../../../protocol/limits.js';
import { plainValue } from './arbitrary.js';

/** With the prototype that decoded objects have. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true });

const text = fc.string({ unit: 'binary' });
const fd = fc.nat({ max: 253 });
const size = fc.maxSafeInteger().map(Math.abs);
const table = { name: text, offset: size, length: size };

const job: fc.Arbitrary<Job> = fc.record(
  {
    task: fc.oneof(
      fc.record(
        {
          kind: fc.constant('source' as const),
          code: text,
          filename: text,
          sourceKind: fc.constantFrom('detect' as const, 'commonjs' as const, 'module' as const),
          typescript: fc.boolean(),
          params: plainValue,
          adapter: record({ specifier: text, exportName: text }),
        },
        {
          requiredKeys: ['kind', 'code', 'filename', 'sourceKind', 'typescript', 'params'],
          noNullPrototype: true,
        },
      ),
      record({
        kind: fc.constant('preloaded' as const),
        specifier: text,
        exportName: text,
        args: fc.array(plainValue, { maxLength: 3 }),
      }),
    ),
    tables: fc.array(
      record({
        name: text,
        place: fc.oneof(
          record({ range: record({ fd, offset: size, length: size }) }),
          record({ bytes: fc.uint8Array() }),
        ),
      }),
    ),
    fds: fc.record(
      { stdin: fd, stdout: fd, stderr: fd, result: fd, output: fd },
      { requiredKeys: [], noNullPrototype: true },
    ),
    limits: record({
      maxResultBytes: size,
      maxResultDepth: fc.nat(),
      maxResultElements: size,
      maxTableBytes: size,
    }),
    argv: fc.array(text),
    env: fc.dictionary(fc.oneof(text, fc.constant('__proto__')), text),
    cwd: text,
  },
  { requiredKeys: ['task', 'tables', 'fds', 'limits'], noNullPrototype: true },
);

t.test('any job arrives as it was', (t) => {
  fc.assert(
    fc.property(job, (job) => {
      const copy = decodeJob(Buffer.concat(encodeJob(job)));
      // It arrives without a prototype, whichever it had.
      deepStrictEqual(copy.env && Object.entries(copy.env), job.env && Object.entries(job.env));
      const { argv, env, cwd } = job;
      const task = job.task.kind === 'source' ? { ...job.task, adapter: job.task.adapter } : job.task;
      deepStrictEqual({ ...copy, env }, { ...job, task, argv, env, cwd });
    }),
    { numRuns: 1_000 },
  );
  t.end();
});

const errorText = fc.record(
  { name: text, message: text, stack: text, code: text },
  { requiredKeys: ['name', 'message'], noNullPrototype: true },
);

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.constant({ kind: 'outOfMemory' as const }),
  record({
    kind: fc.constant('returned' as const),
    value: plainValue,
    tables: fc.uniqueArray(record(table), { selector: ({ name }) => name }),
  }),
  record({
    kind: fc.constant('threw' as const),
    error: errorText,
    causes: fc.array(errorText, { maxLength: 8 }),
  }),
  fc.record(
    { kind: fc.constant('badReturn' as const), code: text, path: text, reason: text, limit: text },
    { requiredKeys: ['kind', 'code', 'path', 'reason'], noNullPrototype: true },
  ),
);

t.test('any outcome arrives as it was', (t) => {
  fc.assert(
    fc.property(outcome, (outcome) => {
      deepStrictEqual(decodeResult(Buffer.concat(encodeResult(outcome))), outcome);
    }),
    { numRuns: 1_000 },
  );
  t.end();
});

const sample: Job<unknown> = {
  task: { kind: 'source', code: '', filename: 'a.js', sourceKind: 'module', typescript: false, params: null },
  tables: [],
  fds: {},
  limits: { maxResultBytes: 1, maxResultDepth: 1, maxResultElements: 1, maxTableBytes: 1 },
};
const withParams = (params: unknown): Job<unknown> => ({
  ...sample,
  task: { ...sample.task, params } as Job['task'],
});

t.test('what is wrong with a param has a path that begins with params or args', (t) => {
  const fn = () => 1;
  t.throws(() => encodeJob(withParams({ a: [fn] })), { code: 'ERR_UNSUPPORTED_VALUE', path: 'params.a[0]' });
  const preloaded = { kind: 'preloaded', specifier: 'x', exportName: 'y', args: [1, { fn }] } as const;
  t.throws(() => encodeJob({ ...sample, task: preloaded }), {
    code: 'ERR_UNSUPPORTED_VALUE',
    path: 'args[1].fn',
  });
  t.end();
});

t.test('a string with a lone surrogate is refused anywhere in a job', (t) => {
  const bad = 'x\ud800';
  for (const [job, path] of [
    [{ ...sample, task: { ...sample.task, code: bad } }, 'job.task.source.code'],
    [{ ...sample, argv: [bad] }, 'job.argv'],
    [{ ...sample, env: { A: bad } }, 'job.env.value'],
    [{ ...sample, cwd: bad }, 'job.cwd'],
  ] as [Job<unknown>, string][]) {
    t.throws(() => encodeJob(job), { code: 'ERR_UNSUPPORTED_VALUE', path });
  }
  t.end();
});

t.test('code and params of 50 MB each arrive with the default limits', (t) => {
  const code = `${'/'.repeat(50_000_000)}é`;
  const params = { bytes: new Uint8Array(50_000_000).fill(3) };
  const task = { ...sample.task, code, params } as Job['task'];
  const copy = decodeJob(Buffer.concat(encodeJob({ ...sample, task })));
  // strictSame() would print 50 MB if it failed.
  t.ok(copy.task.kind === 'source' && copy.task.code === code);
  t.ok(
    copy.task.kind === 'source' &&
      Buffer.compare((copy.task.params as typeof params).bytes, params.bytes) === 0,
  );
  t.end();
});

t.test('the element limit is for all arguments together', (t) => {
  const task = {
    kind: 'preloaded',
    specifier: 'x',
    exportName: 'y',
    args: [
      [1, 2],
      [3, 4],
    ],
  } as const;
  t.ok(encodeJob({ ...sample, task }, { maxElements: 6 }));
  t.throws(() => encodeJob({ ...sample, task }, { maxElements: 5 }), {
    code: 'ERR_VALUE_TOO_LARGE',
    path: 'args[1]',
  });
  t.end();
});

t.test('each table counts as fifty elements of a result', (t) => {
  const tables = ['a', 'b', 'c'].map((name) => ({ name, offset: 0, length: 0 }));
  const bytes = Buffer.concat(encodeResult({ kind: 'returned', value: null, tables }));
  t.ok(decodeResult(bytes, { maxElements: 151 }));
  t.throws(() => decodeResult(bytes, { maxElements: 150 }), {
    code: 'ERR_VALUE_TOO_LARGE',
    limit: 'maxElements',
  });
  t.end();
});

t.test("an outcome that can't be sent becomes one that says so", (t) => {
  const encode = (value: unknown, maxDepth = 5): unknown => {
    try {
      return encodeResult({ kind: 'returned', value, tables: [] }, { maxDepth });
    } catch (error) {
      return decodeResult(Buffer.concat(encodeResult(toBadReturn(error) as Outcome)));
    }
  };
  t.match(encode({ rows: [{ parse: () => 1 }] }), {
    kind: 'badReturn',
    code: 'ERR_UNSUPPORTED_VALUE',
    path: 'value.rows[0].parse',
    reason: 'a function',
  });
  t.match(encode([[[[[[]]]]]]), {
    kind: 'badReturn',
    code: 'ERR_VALUE_TOO_LARGE',
    path: 'value[0][0][0][0][0]',
    limit: 'maxDepth',
  });
  t.equal(toBadReturn(new Error('another')), undefined);
  t.end();
});

t.test('what was thrown is cut to fit the limits of the result, and mended', (t) => {
  const long = '漢'.repeat(100_000);
  const error = { name: long, message: long, stack: long, code: long };
  for (const maxBytes of [1_000, 10_000, 1_000_000]) {
    const bytes = Buffer.concat(encodeResult({ kind: 'threw', error, causes: [error, error] }, { maxBytes }));
    t.ok(bytes.length <= maxBytes);
    t.match(decodeResult(bytes), { error: { message: /^漢+…$/ }, causes: [{ stack: /^漢+…$/ }, {}] });
  }
  const bad = { name: 'E', message: 'a\ud800' };
  t.match(decodeResult(Buffer.concat(encodeResult({ kind: 'threw', error: bad, causes: [] }))), {
    error: { message: 'a\ufffd' },
  });
  t.end();
});

t.test('a result is read in steps that are short, whatever is in it', (t) => {
  const elements = 50_000;
  const list = (value: unknown): unknown[] => new Array<unknown>(elements).fill(value);
  for (const value of [
    list(1),
    list([]),
    list({ a: 1 }),
    Object.fromEntries(list(0).map((_, i) => [`k${i}`, i])),
  ]) {
    t.ok(stepsOf(value) >= elements / 500, 'by number');
  }
  const megabytes = 8;
  t.ok(stepsOf('x'.repeat(megabytes << 20)) >= megabytes, 'a long text');
  t.ok(stepsOf(new Array(megabytes).fill(Buffer.alloc(1 << 20))) >= megabytes, 'many binaries');
  t.end();
});

function stepsOf(value: unknown): number {
  const bytes = Buffer.concat(encodeResult({ kind: 'returned', value, tables: [] }));
  const steps = decodeResultInSteps(bytes);
  for (let count = 1; ; count++) {
    const step = steps.next();
    if (step.done !== true) continue;
    deepStrictEqual(step.value, decodeResult(bytes));
    return count;
  }
}

t.test('a long text is the same in pieces, wherever its characters are cut', (t) => {
  for (const characters of ['x', 'é', '漢', '😀']) {
    for (let shift = 0; shift < 4; shift++) {
      const value = 'x'.repeat(shift) + characters.repeat(700_000);
      const bytes = Buffer.concat(encodeResult({ kind: 'returned', value, tables: [] }));
      t.ok((decodeResult(bytes) as { value: unknown }).value === value, `${characters}, ${shift}`);
    }
  }
  const bytes = Buffer.concat(encodeResult({ kind: 'returned', value: 'x'.repeat(2_000_000), tables: [] }));
  bytes[1_500_000] = 0xff;
  t.throws(() => decodeResult(bytes), { code: 'ERR_BAD_MESSAGE', reason: 'a string that is not UTF-8' });
  t.end();
});

t.test('of a text in an error that is longer than any that is written, the beginning is read', (t) => {
  const long = '漢'.repeat(3_000_000);
  for (const field of ['name', 'message', 'stack', 'code']) {
    const error = { name: 'E', message: 'm', [field]: 'x' };
    const bytes = Buffer.concat(encodeResult({ kind: 'threw', error, causes: [] }));
    // The text of one character gives way to a long one, as only somebody else would have written it.
    const place = bytes.lastIndexOf(Buffer.from([0, 0, 0, 1, 0x78]));
    const length = Buffer.alloc(4);
    length.writeInt32BE(Buffer.byteLength(long));
    const forged = Buffer.concat([
      bytes.subarray(0, place),
      length,
      Buffer.from(long),
      bytes.subarray(place + 5),
    ]);
    const outcome = decodeResult(forged) as unknown as { error: Record<string, string> };
    const text = outcome.error[field] ?? '';
    t.match(text, /^漢+… \(9000000 bytes\)$/);
    t.ok(text.length < MAX_ERROR_TEXT + 100, `${field}: ${text.length}`);
  }
  t.end();
});
