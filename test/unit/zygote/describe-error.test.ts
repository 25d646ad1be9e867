import t from 'tap';
import { MAX_CAUSES } from '../../../protocol/limits.js';
import {
  describeError,
  MAX_CODE_LENGTH,
  MAX_MESSAGE_LENGTH,
  MAX_NAME_LENGTH,
  MAX_STACK_LENGTH,
} from '../../../zygote/describe-error.js';

t.test('an error is its name, message, stack and code', (t) => {
  const error = Object.assign(new RangeError('too far'), { code: 'E_FAR' });
  t.same(describeError(error), {
    name: 'RangeError',
    message: 'too far',
    stack: error.stack,
    code: 'E_FAR',
    causes: [],
  });
  t.match(describeError(new DOMException('stop', 'AbortError')), { name: 'AbortError', message: 'stop' });
  t.end();
});

t.test('anything else that is thrown is described', (t) => {
  t.same(describeError('text'), { name: 'NonError', message: 'text', causes: [] });
  t.same(describeError(undefined), { name: 'NonError', message: 'undefined', causes: [] });
  t.same(describeError(12n), { name: 'NonError', message: '12n', causes: [] });
  t.same(describeError({ a: [1] }), { name: 'NonError', message: '{ a: [ 1 ] }', causes: [] });
  t.match(describeError({ message: 'like an error' }), { name: 'Error', message: 'like an error' });
  t.end();
});

t.test('causes and what is aggregated follow, once each', (t) => {
  const inner = new Error('inner');
  const outer = new Error('outer', { cause: inner });
  inner.cause = outer;
  const all = new AggregateError([outer, 'text', outer], 'all');
  const { message, causes } = describeError(all);
  t.equal(message, 'all');
  t.same(
    causes.map((cause) => cause.message),
    ['outer', 'text', 'inner'],
  );
  t.end();
});

t.test('everything is bounded', (t) => {
  const long = 'x'.repeat(1e6);
  let error = new Error(long);
  for (let i = 0; i < 100; i++) error = new Error(long, { cause: error });
  Object.assign(error, { name: long, code: long });
  const { name, message, stack, code, causes } = describeError(error);
  t.equal(name.length, MAX_NAME_LENGTH);
  t.equal(message.length, MAX_MESSAGE_LENGTH);
  t.equal(stack?.length, MAX_STACK_LENGTH);
  t.equal(code?.length, MAX_CODE_LENGTH);
  t.equal(causes.length, MAX_CAUSES);
  t.match(message, /x… \(1000000 characters\)$/);

  const many = new AggregateError(new Array(1e6).fill('x'), 'many');
  t.ok(describeError(many).causes.length <= MAX_CAUSES);
  t.equal(describeError(long).message.length, MAX_MESSAGE_LENGTH);
  t.ok(describeError(new Array(1e6).fill(long)).message.length <= MAX_MESSAGE_LENGTH);
  t.end();
});

t.test('text is Unicode, also where it is cut', (t) => {
  const { message } = describeError(new Error('\ud800a' + '😀'.repeat(10_000)));
  t.equal(message, Buffer.from(message).toString());
  t.match(message, /^\ufffda😀/);
  t.end();
});

t.test('nothing that is hostile gets in the way', (t) => {
  const throws = (): never => {
    throw new Error('hostile');
  };
  const proxy = new Proxy(new Error('behind'), { get: throws, getPrototypeOf: throws });
  t.match(describeError(proxy), { name: 'NonError', message: String });

  const error = new Error('plain');
  for (const key of ['stack', 'code', 'cause', 'errors', 'name']) {
    Object.defineProperty(error, key, { get: throws });
  }
  t.same(describeError(error), { name: 'Error', message: 'plain', causes: [] });

  const types = Object.assign(new Error('types'), { name: 5, stack: { length: 1e9 }, code: Symbol('x') });
  t.same(describeError(types), { name: 'Error', message: 'types', causes: [] });

  const { proxy: revoked, revoke } = Proxy.revocable({}, {});
  revoke();
  t.match(describeError(revoked), { name: 'NonError' });

  const inspecting = {
    [Symbol.for('nodejs.util.inspect.custom')]: throws,
    toString: throws,
    [Symbol.toPrimitive]: throws,
  };
  t.match(describeError(inspecting), { name: 'NonError' });
  t.end();
});

t.test('a prepareStackTrace of the code is respected if it gives text, and harmless if not', (t) => {
  const before = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  t.teardown(() => {
    Reflect.deleteProperty(Error, 'prepareStackTrace');
    if (before !== undefined) Object.defineProperty(Error, 'prepareStackTrace', before);
  });
  Error.prepareStackTrace = (error) => `prepared ${error.message}`;
  t.equal(describeError(new Error('a')).stack, 'prepared a');
  Error.prepareStackTrace = () => {
    throw new Error('hostile');
  };
  t.match(describeError(new Error('b')), { name: 'Error', message: 'b' });
  Error.prepareStackTrace = (_error, frames) => frames;
  t.equal(describeError(new Error('c')).stack, undefined);
  t.end();
});

t.test('frames of ours, and those of Node next to them, are left out; others stay', (t) => {
  const own = new URL('../../../zygote/', import.meta.url).pathname;
  const error = new Error('x');
  error.stack = [
    'Error: x',
    '    at ok (/in/the/message)',
    `    at require (${own}commonjs-module.js:1:1)`,
    '    at importModuleDynamicallyWrapper (node:internal/vm/module:434:21)',
    '    at step (step.js:2:3)',
    '    at listOnTimeout (node:internal/timers:685:17)',
    '    at helper (step.js:9:1)',
    '    at SourceTextModule.evaluate (node:internal/vm/module:226:23)',
    `    at EsModule.load (${own}es-module.js:1:1)`,
    '    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)',
    `    at async ${own}main.js:1:1`,
  ].join('\n');
  t.equal(
    describeError(error).stack,
    [
      'Error: x',
      '    at ok (/in/the/message)',
      '    at step (step.js:2:3)',
      '    at listOnTimeout (node:internal/timers:685:17)',
      '    at helper (step.js:9:1)',
    ].join('\n'),
  );
  t.end();
});
