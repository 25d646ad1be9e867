// What users are told.
import t from 'tap';
import type { ErrorDescription, LimitName, Usage } from '../../../lib/index.js';
import { failureMessage, type FailedResult } from '../../../renderer/messages.js';
import { cleanText, placeAt, placeIn } from '../../../renderer/place.js';
import { withoutHostPaths } from '../../../lib/error-text.js';
import { UNCONFINED } from '../../helpers/zygote.js';
import { CountedStep } from '../../helpers/counted-step.js';

const usage: Usage = { wallMs: 0, userMs: 0, systemMs: 0, peakMemoryBytes: 0 };
const step = { id: 'a', code: 'const one\nconst two\nconst three', filename: 'my (step).js' };

t.test('each limit has words of its own', (t) => {
  const limits: LimitName[] = [
    'outputBytes',
    'maxResultBytes',
    'maxTableBytes',
    'maxResultDepth',
    'maxResultElements',
    'tasks',
    'openFiles',
    'fileBytes',
    'tmpBytes',
    'cpuMs',
  ];
  const texts = limits.map((limit) => {
    const result: FailedResult = { status: 'limitExceeded', limit, max: 2048, usage, sandbox: UNCONFINED };
    return failureMessage(result, 'render', step, 1).text;
  });
  t.equal(new Set(texts).size, limits.length);
  t.equal(texts[1], 'render() gave more than 2 KiB besides its table and was stopped.');
  t.equal(texts[9], 'render() took more than 2 s of processor time and was stopped.');
  t.end();
});

t.test('the place is the first one in the code of the step', (t) => {
  const place = { file: 'my (step).js', line: 2, column: 7 };
  for (const stack of [
    'Error: x\n    at f (my (step).js:2:7)\n    at my (step).js:1:1',
    'Error: x\n    at /lib/other.js:9:9\n    at async my (step).js:2:7',
    'my (step).js:2:7\ntwo\n   ^\nSyntaxError: x',
  ]) {
    t.strictSame(placeIn(stack, step), place, stack);
  }
  t.strictSame(placeIn('my (step).js:3\nSyntaxError', step), { ...place, line: 3, column: 0 });
  t.end();
});

t.test('a place that is not in the code is none', (t) => {
  for (const stack of [
    '',
    'at other.js:1:1',
    'at f (my (step).js:4:1)',
    'at f (my (step).js:0:1)',
    'at not-my (step).js:1:1',
    'at f (my (step).js:x)',
    'at f (my (step).js:99999999999999999999:1)',
  ]) {
    t.equal(placeIn(stack, step), undefined, stack);
  }
  for (const line of [0, -1, 1.5, NaN, '1', undefined, 4]) t.equal(placeAt(line, 1, step), undefined);
  for (const column of [0, -1, 1.5, NaN, '1', undefined, 11, 5e8, Number.MAX_SAFE_INTEGER]) {
    t.strictSame(placeAt(1, column, step), { file: 'my (step).js', line: 1, column: 0 }, 'nor is a column');
  }
  t.match(placeAt(1, 10, step), { column: 10 }, 'but the end of the line');
  t.end();
});

t.test('text is bounded, and obeyed by no terminal', (t) => {
  t.equal(cleanText('a\x1b[31m\tb\nc\x00\u009b'), 'a\u{fffd}[31m\tb\nc\u{fffd}\u{fffd}');
  t.equal(cleanText('\ud800'), '\u{fffd}');
  t.equal(cleanText('x'.repeat(1_000_000)).length, 8_193);
  t.equal(cleanText('\x01'.repeat(1_000_000)), `${'\u{fffd}'.repeat(8_192)}…`);
  t.equal(cleanText('abcde', 3), 'abc…');
  t.end();
});

const threw = (error: Partial<ErrorDescription>): FailedResult => ({
  status: 'threw',
  usage,
  sandbox: UNCONFINED,
  error: { name: 'Error', message: '', stack: '', causes: [], ...error },
});

t.test('the lines of a code are counted once, however many frames name it', (t) => {
  const counted = new CountedStep();
  const stack = 'at a.js:999999999:1\n'.repeat(100);
  failureMessage(threw({ stack, causes: [{ name: 'Error', message: '', stack }] }), 'render', counted, 1);
  t.equal(placeIn(stack, counted), undefined);
  t.match(placeAt(10_001, 1, counted), { line: 10_001, column: 1 });
  t.equal(counted.read, 1);
  t.end();
});

t.test('a module that there is not has the place where it is first named', (t) => {
  const importing = { id: 'a', code: 'const a = 1;\nimport "b";\nimport \'b\';' };
  const told = failureMessage(threw({ message: "Cannot find module 'b'" }), 'render', importing, 1);
  t.match(told.place, { file: 'a.js', line: 2, column: 8 });
  t.end();
});

t.test('no path of the host is left, with packages in packages', (t) => {
  for (const [text, left] of [
    ['at f (/srv/a/node_modules/b/c.js:1:2)', 'at f (b/c.js:1:2)'],
    ['file:///srv/node_modules/b/c.js', 'b/c.js'],
    ['/srv/node_modules/b/node_modules/@c/d/e.js', '@c/d/e.js'],
    ['/node_modules/b', 'b'],
    ['"/x/node_modules/b" and /y/node_modules/c', '"b" and c'],
    [`${'/'.repeat(1_000)}srv/node_modules/b`, 'b'],
    ['in node_modules/b, not /srv/b', 'in node_modules/b, not /srv/b'],
  ] as const) {
    t.equal(withoutHostPaths(text), left);
  }
  t.end();
});

t.test('of a text of any length no more than its beginning is looked at', (t) => {
  const message = `${' '.repeat(20_000)}/srv/node_modules/b`;
  const { text, stack = '' } = failureMessage(
    threw({ name: 'n'.repeat(20_000), message, stack: message.repeat(9) }),
    'render',
    step,
    1,
  );
  t.equal(text.length, 8_193);
  t.equal(stack.length, 8_193);
  t.equal(placeIn(`${' '.repeat(20_000)}\n at my (step).js:1:1`, step), undefined);
  t.end();
});

t.test('a stack has the frames of the step and no others', (t) => {
  const stack = [
    'Error: no such column in /srv/app/node_modules/arquero/src/error.js',
    '    at error (file:///srv/app/node_modules/arquero/src/error.js:3:9)',
    '    at Array.map (<anonymous>)',
    '    at f (my (step).js:2:7)',
    '    at /srv/app/preloaded.cjs:1:1',
    '    at async my (step).js:1:1',
  ].join('\n');
  const message = failureMessage(threw({ message: 'x', stack }), 'render', step, 1);
  t.equal(
    message.stack,
    'Error: no such column in arquero/src/error.js\n    at f (my (step).js:2:7)\n    at async my (step).js:1:1',
  );
  t.end();
});

t.test('what an error was caused by is told, each once, and bounded', (t) => {
  const cause = (name: string, message: string, others: object = {}) => ({
    name,
    message,
    stack: '',
    ...others,
  });
  const told = (message: string, ...causes: ErrorDescription['causes']): string =>
    failureMessage(threw({ name: 'TypeError', message, causes }), 'render', step, 1).text;
  t.equal(
    told('fetch failed', cause('Error', 'connect EHOSTUNREACH 192.0.2.1:80')),
    'TypeError: fetch failed: connect EHOSTUNREACH 192.0.2.1:80',
  );
  t.equal(
    told(
      'outer',
      cause('AggregateError', '', { code: 'ECONNREFUSED' }),
      cause('RangeError', 'b'),
      cause('RangeError', 'b'),
    ),
    'TypeError: outer: AggregateError: ECONNREFUSED; RangeError: b',
  );
  t.equal(told('it says b', cause('Error', 'b')), 'TypeError: it says b');
  t.equal(told('', cause('Error', 'of /a/b/node_modules/c/d.js')), 'TypeError: of c/d.js');
  t.ok(told('long', cause('Error', 'x'.repeat(9000))).length < 600);
  t.match(
    failureMessage(
      threw({ causes: [cause('Error', 'a', { stack: 'Error: a\n  at my (step).js:3:1' })] }),
      'render',
      step,
      1,
    ),
    { place: { line: 3 } },
    'with its place, if the error has none',
  );
  t.end();
});

t.test('what the sandbox refused is told as that, and nothing else is', (t) => {
  const told = (code: string, message: string, profile: 'compute' | 'network', isOn = true): string => {
    const sandbox = { ...UNCONFINED, profile, layers: isOn ? (['network'] as const) : [] };
    const result = { ...threw({ causes: [{ name: 'Error', message, stack: '', code }] }), sandbox };
    return failureMessage(result, 'fetch', step, 1).text;
  };
  t.match(
    told('EHOSTUNREACH', 'connect EHOSTUNREACH 192.0.2.1:80', 'network'),
    /\(fetch\(\) may connect only to/,
  );
  t.match(told('EPERM', 'connect EPERM 192.0.2.1:80', 'compute'), /\(fetch\(\) has no network here\)$/);
  t.match(told('EAI_AGAIN', 'getaddrinfo EAI_AGAIN a.test', 'compute'), /\(fetch\(\) has no network here\)$/);
  t.notMatch(told('EPERM', 'connect EPERM 192.0.2.1:80', 'compute', false), /network here/);
  t.notMatch(told('EPERM', 'EPERM: operation not permitted, chmod', 'compute'), /network here/);
  t.notMatch(told('ECONNREFUSED', 'connect ECONNREFUSED 192.0.2.1:80', 'network'), /may connect/);
  t.end();
});

t.test('what no child has is told as that', (t) => {
  const told = (syscall: string, code = 'ERR_SYSTEM_ERROR'): string => {
    const message = `A system error occurred: ${syscall} returned ENOENT (no such file or directory)`;
    return failureMessage(threw({ name: 'SystemError', code, message }), 'render', step, 1).text;
  };
  t.match(told('uv_interface_addresses'), /\(a child sees no network interfaces\)$/);
  t.match(told('uv_os_get_passwd'), /\(a child has no list of users\)$/);
  t.match(told('uv_os_homedir'), /\(a child has no home folder; HOME /);
  t.match(told('uv_uptime'), /ENOENT \(no such file or directory\)$/);
  t.notMatch(told('uv_os_homedir', 'OTHER'), /home folder/);
  t.end();
});

t.test('who can do nothing about a missing package is not told its name', (t) => {
  const error = threw({ code: 'ERR_TYPESCRIPT_UNAVAILABLE', message: 'install amaro' });
  t.match(failureMessage(error, 'validate', step, 1), {
    code: 'threw',
    text: /^TypeScript is not available here/,
    stack: undefined,
  });
  t.end();
});
