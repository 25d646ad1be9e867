// Whatever becomes of a child, the user is told in words, and what follows is not rendered.
import path from 'node:path';
import { tableFromArrays } from 'apache-arrow';
import t from 'tap';
import type { Logger, Message, Step } from '../../renderer/index.js';
import { linear, source, startRenderer, step, stepOf } from '../helpers/renderer.js';
import { buildRaw, SYSTEM_CALLS } from '../helpers/security/lab.js';

interface LogEvent {
  readonly event: string;
  readonly step: string;
  readonly call: string;
  readonly outcome: string;
}

const events: LogEvent[] = [];
const log = (fields: object): void => {
  events.push(fields as LogEvent);
};
const logger: Logger = { debug: log, info: log, warn: log, error: log };
const MIB = 1024 * 1024;
const raw = buildRaw(t);
const renderer = await startRenderer(t, {
  logger,
  sandbox: { files: [path.dirname(raw)] },
  limits: {
    timeoutMs: 20_000,
    memoryBytes: 256 * MIB,
    maxTableBytes: MIB,
    maxValueBytes: 65_536,
    fileBytes: MIB,
  },
});
const impatient = await startRenderer(t, { limits: { timeoutMs: 300 } });

interface Case {
  readonly step: Step;
  readonly message: Message | { code: string; text: RegExp; place?: object };
  /** @default the message's code */
  readonly outcome?: string;
}

const CASES: Readonly<Record<string, Case>> = {
  throws: {
    step: step('throws', 'const wrong = null;\nreturn wrong.column;'),
    message: {
      code: 'threw',
      text: /^TypeError: Cannot read properties of null/,
      place: { file: 'throws.js', line: 4, column: 14 },
    },
  },
  'throws within a library': {
    step: step('library', 'return JSON.parse("{");', { filename: 'my step.js' }),
    message: { code: 'threw', text: /^SyntaxError: /, place: { file: 'my step.js', line: 3 } },
  },
  'is no JavaScript': {
    step: { id: 'syntax', code: 'exports.render = (table) => {\n  return table +;\n};' },
    message: { code: 'threw', text: /^SyntaxError: /, place: { file: 'syntax.js', line: 2, column: 17 } },
  },
  exits: {
    step: step('exits', 'process.exit(3);'),
    message: { code: 'exited', text: 'render() ended its process with code 3 before it returned.' },
  },
  'waits for what never comes': {
    step: step('waits', 'await new Promise(() => undefined);'),
    message: {
      code: 'exited',
      text: 'render() waits for something that never comes.',
    },
  },
  crashes: {
    step: step(
      'crashes',
      "process.kill(process.pid, 'SIGTERM'); await new Promise((done) => setTimeout(done, 60_000));",
    ),
    message: { code: 'signaled', text: /^render\(\) crashed its process \(SIGTERM\)\.$/ },
  },
  'needs too much memory': {
    step: step('memory', 'for (const all = []; ;) all.push(Buffer.alloc(1_000_000, 1));'),
    message: { code: 'outOfMemory', text: /^render\(\) needed more than 256 MiB of memory\.$/ },
  },
  'gives too large a table': {
    step: step('table', 'return tableFromArrays({ a: new Float64Array(200_000) });'),
    message: {
      code: 'limitExceeded',
      text: /^render\(\) gave a table of more than 1 MiB and was stopped\.$/,
    },
  },
  'gives too large a value': {
    step: step('value', "return { table: tableFromArrays({ a: [1] }), value: 'x'.repeat(100_000) };"),
    message: { code: 'limitExceeded', text: /^render\(\) gave more than 64 KiB besides its table/ },
  },
  'writes too large a file': {
    step: step('file', "require('node:fs').writeFileSync('/tmp/a', Buffer.alloc(3_000_000));"),
    message: { code: 'limitExceeded', text: /^render\(\) wrote a file of more than 1 MiB/ },
  },
  'makes a system call that only an attack makes': {
    step: step(
      'attack',
      `const addon = { exports: {} };
       process.dlopen(addon, ${JSON.stringify(raw)});
       addon.exports.call(${SYSTEM_CALLS.mount ?? 0}, 0, 0, 0, 0);`,
    ),
    message: {
      code: 'forbidden',
      text: 'render() tried something that steps may not do (the system call mount) and was stopped.',
    },
  },
  'gives what is no value': {
    step: step('function', 'return { table: tableFromArrays({ a: [1] }), value: { f() {} } };'),
    message: {
      code: 'badOutput',
      text: /^render\(\) gave something that can't be handed on \(.*value\.f\): /,
    },
  },
  'gives something else': {
    step: step('else', 'return 5;'),
    message: {
      code: 'badResult',
      text: /^What render\(\) gave can't be used: it must return a table, .*, but returned a number\.$/,
    },
    outcome: 'ok',
  },
  'gives no table': {
    step: step('none', 'return { value: 5 };'),
    message: { code: 'badResult', text: /its table is nothing\.$/ },
    outcome: 'ok',
  },
  'gives a table under another name': {
    step: step('name', 'return { data: table };'),
    message: {
      code: 'badResult',
      text: /has 'data' \(a table is given as table\), and may only have table, value, warnings, errors\.$/,
    },
    outcome: 'ok',
  },
  'reports an error': {
    step: step('reports', "return { errors: ['No such column.'], warnings: ['old'], value: 7 };"),
    message: { code: 'reported', text: 'No such column.' },
    outcome: 'ok',
  },
  'reports an error with its place': {
    step: step('places', "return { errors: { text: 'Here.', line: 3, column: 5 } };"),
    message: { code: 'reported', text: 'Here.', place: { file: 'places.js', line: 3, column: 5 } },
    outcome: 'ok',
  },
  'reports an Error': {
    step: step('caught', 'return { errors: [new Error("Mine.")] };'),
    message: { code: 'reported', text: 'Mine.', place: { file: 'caught.js', line: 3, column: 19 } },
    outcome: 'ok',
  },
  'imports what there is not': {
    step: { id: 'import', code: "\nimport _ from 'lodash';\nexport const render = () => _;" },
    message: {
      code: 'threw',
      text: /^Error: Cannot find module 'lodash' in import\.js: there are Node's own modules and, preloaded, apache-arrow$/,
      place: { file: 'import.js', line: 2, column: 15 },
    },
  },
  'is caused by something': {
    step: step('causes', "throw new Error('outer', { cause: new RangeError('inner') });"),
    message: { code: 'threw', text: 'Error: outer: RangeError: inner' },
  },
  'exports nothing': {
    step: { id: 'nothing', code: '' },
    message: {
      code: 'badModule',
      text: "nothing.js must export a function 'render' or 'fetch', but exports nothing.",
    },
    outcome: 'ok',
  },
};

for (const [what, { step: bad, message, outcome }] of Object.entries(CASES)) {
  t.test(`a step that ${what}`, async (t) => {
    events.length = 0;
    using report = await renderer.render(linear(source('first'), bad, source('after')));
    const { errors, status } = stepOf(report, bad.id, 'error');
    t.match({ status, errors }, { status: 'error', errors: [message] });
    t.strictSame(stepOf(report, 'after', 'unreachable').because, [bad.id]);
    const logged = events.filter((event) => event.event === 'call' && event.step === bad.id).at(-1);
    t.equal(logged?.outcome, outcome ?? message.code, 'and the operator hears of it');
  });
}

t.test('errors are not kept, and what went well before them is', async (t) => {
  const table = "require('apache-arrow').tableFromArrays({ a: [1] })";
  const cases: [step: Step, first: string[], again: string[]][] = [
    [{ id: 'load', code: '// again\nthrow new Error();' }, ['validate'], ['validate']],
    [{ id: 'module', code: 'exports.rendr = () => 1;' }, ['validate'], []],
    [step('params', 'return table;', { schema: { by: { type: 'integer' } } }), ['validate'], []],
    [step('report', "return { errors: 'always' };"), ['validate', 'render'], ['render']],
    [step('exit', 'process.exit(7);'), ['validate', 'render'], ['render']],
    [
      {
        id: 'all',
        code: `exports.migrateParams = (params) => params;
          exports.fetch = () => ${table};
          exports.render = () => { throw new Error(); };`,
      },
      ['validate', 'migrateParams', 'fetch', 'render'],
      ['render'],
    ],
    [
      { id: 'fetch', code: 'exports.fetch = () => ({ errors: "away" }); exports.render = () => 1;' },
      ['validate', 'fetch'],
      ['fetch'],
    ],
  ];
  const all = { id: 'errors', tabs: cases.map(([one]) => ({ id: `tab-${one.id}`, steps: [one] })) };
  const calls = async (): Promise<(readonly [string[], boolean])[]> => {
    using report = await renderer.render(all);
    return cases.map(([{ id }]) => {
      const { calls, cached } = stepOf(report, id, 'error');
      return [calls.map(({ call }) => call), cached] as const;
    });
  };
  t.strictSame(
    await calls(),
    cases.map(([, first]) => [first, false]),
  );
  const again = cases.map(([, , later]) => [later, later.length === 0]);
  t.strictSame(await calls(), again);
  t.strictSame(await calls(), again);
});

t.test('of what is nearly a result is said what it should be', async (t) => {
  const nearly: [body: string, text: RegExp][] = [
    [
      'return [{ a: 1 }];',
      /but returned a list of objects \(tableFromJSON\(rows\) of apache-arrow makes a table/,
    ],
    [
      'return [...table].filter((row) => row.a > 0);',
      /but returned a list of objects \(tableFromJSON\(rows\)/,
    ],
    ['return { table: [{ a: 1 }] };', /its table is a list of objects \(tableFromJSON\(rows\)/],
    ['return { a: [1], b: Int8Array.of(1) };', /has 'a' \(tableFromArrays\(columns\)/],
    ['return { table: { a: [1] } };', /its table is an object \(tableFromArrays\(columns\)/],
    ['return { tables: { a: table } };', /has 'tables' \(a step gives one table, as table\), and may only/],
    ['return { table, error: "no" };', /has 'error' \(it is 'errors'\), and may only/],
    ['return { table: Promise.resolve(table) };', /its table is a Promise \(await it\)\.$/],
    ['return [table, table];', /but returned a list of tables \(list\.values\(\) gives the batches/],
    [
      'return { table: { schema: table.schema, batches: table.batches } };',
      /its table is a table of another copy/,
    ],
  ];
  const tabs = nearly.map(([body], n) => ({ id: `tab${n}`, from: 'given', steps: [step(`step${n}`, body)] }));
  const given = tableFromArrays({ a: [1] });
  using report = await renderer.render({ id: 'nearly', tabs }, { inputs: { given } });
  for (const [n, [body, text]] of nearly.entries())
    t.match(stepOf(report, `step${n}`, 'error').errors, [{ code: 'badResult', text }], body);
});

t.test('a step that takes too long', async (t) => {
  using report = await impatient.render(linear(step('endless', 'for (;;);')));
  t.match(stepOf(report, 'endless', 'error').errors, [
    { code: 'timedOut', text: 'render() took longer than 300 ms and was stopped.' },
  ]);
});

t.test('an error leaves value and warnings of the same step', async (t) => {
  using report = await renderer.render(linear(CASES['reports an error']!.step));
  t.match(stepOf(report, 'reports', 'error'), { value: 7, warnings: [{ text: 'old' }] });
});

t.test('a result that is forged is not believed', async (t) => {
  const forge = (value: string): Step => ({
    id: 'forger',
    code: `exports.render = () => undefined;
      Object.defineProperty(Object.prototype, 'bad', { get: () => undefined, set() {}, configurable: true });
      exports.render = () => ({ errors: [] , get table() { return null; } });
      Array.isArray = () => true;
      exports.render = () => (${value});`,
  });
  for (const value of ['{ errors: { length: 1 } }', '{ warnings: 5, table: 1 }', '[]', 'null']) {
    using report = await renderer.render(linear(forge(value)));
    const [error] = stepOf(report, 'forger', 'error').errors;
    t.ok(['badResult', 'threw', 'badOutput'].includes(error?.code ?? ''), `${value}: ${error?.code ?? ''}`);
  }
});

t.test('what a step says can have no control characters', async (t) => {
  using report = await renderer.render(linear(step('escape', "throw new Error('\\x1b[2J gone');")));
  const [error] = stepOf(report, 'escape', 'error').errors;
  t.equal(error?.text, 'Error: \u{fffd}[2J gone');
  t.notOk(error?.stack?.includes('\x1b'));
});
