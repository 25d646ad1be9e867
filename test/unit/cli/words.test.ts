// What the command line takes, and what it makes of it.
import t from 'tap';
import { Arguments, readArguments, type Command } from '../../../cli/arguments.js';
import { run as RUN } from '../../../cli/commands/run.js';
import { printable, printableLine } from '../../../cli/printable.js';
import { outputsOf } from '../../../cli/run/outputs.js';
import { delimiterOf } from '../../../cli/tables/delimiter.js';
import { paramOf } from '../../../cli/run/params.js';
import { placeOf } from '../../../cli/run/explain.js';
import { formatOfContent, formatOfName } from '../../../cli/tables/formats.js';
import { duration, size, wholeNumber } from '../../../cli/units.js';

t.test('times and sizes have units; what has none is refused', (t) => {
  t.equal(duration('timeout', '500ms'), 500);
  t.equal(duration('timeout', '1.5s'), 1500);
  t.equal(duration('timeout', '2m'), 120_000);
  t.equal(duration('timeout', 'none'), Infinity);
  for (const text of ['5', '', 's', '0s', '-1s', '1d', '1 s'])
    t.throws(() => duration('timeout', text), { exitCode: 2, message: /^--timeout / }, text);
  t.equal(size('memory', '512M'), 512 * 2 ** 20);
  t.equal(size('memory', '1.5K'), 1536);
  t.equal(size('memory', '100'), 100);
  for (const text of ['', 'M', '1T', '-1', '1e3'])
    t.throws(() => size('memory', text), { exitCode: 2, message: /^--memory / }, text);
  t.equal(wholeNumber('rows', '0', 0), 0);
  for (const text of ['0', '1.5', '-1', 'x'])
    t.throws(() => wholeNumber('tasks', text), { exitCode: 2, message: /^--tasks / }, text);
  t.end();
});

t.test('a param is JSON where it is JSON, and text where it is not', (t) => {
  t.same(['2024', '-1.5', 'true', 'null', '["a",1]', '"2024"'].map(paramOf), [
    2024,
    -1.5,
    true,
    null,
    ['a', 1],
    '2024',
  ]);
  t.same(['AA', '007', '2024-01-31', '', '{a'].map(paramOf), ['AA', '007', '2024-01-31', '', '{a']);
  t.equal(paramOf('9007199254740993'), 9007199254740993n);
  t.end();
});

const command: Command = {
  name: 'try',
  about: '',
  operands: '',
  options: [
    { name: 'table', value: 'NAME=FILE', isMultiple: true, about: '' },
    { name: 'kind', value: 'KIND', choices: ['a', 'b'], about: '' },
    { name: 'output', short: 'o', value: 'FILE', about: '' },
  ],
  run: () => Promise.resolve(0),
};

t.test('options may come before and after operands, and what is behind -- is left alone', (t) => {
  const given = readArguments(command, [
    '--table',
    'a=x=y',
    'step.js',
    '-o',
    'f',
    '--table=b=-',
    '--',
    '--json',
    'z',
  ]);
  t.type(given, Arguments);
  t.same(given.operands, ['step.js']);
  t.same(given.rest, ['--json', 'z']);
  t.same(given.pairs('table'), [
    ['a', 'x=y'],
    ['b', '-'],
  ]);
  t.equal(given.one('output'), 'f');
  t.notOk(given.has('json'));
  t.end();
});

t.test('wrong options are refused by name', (t) => {
  const refused = (args: readonly string[], message: RegExp): void => {
    t.throws(() => readArguments(command, args).pairs('table'), { exitCode: 2, message }, args.join(' '));
  };
  refused(['--tabel', 'x'], /'--tabel'.*nodespawner try --help/);
  refused(['--output'], /'-o, --output <value>'/);
  refused(['--json=1'], /'--json'/);
  refused(['--kind', 'c'], /--kind c: there are a, b/);
  refused(['--table', 'x'], /--table x: NAME=VALUE/);
  refused(['--table', 'x=1', '--table', 'x=2'], /^--table x: given twice, as 1 and as 2$/);
  t.end();
});

t.test('a delimiter is one character, and has no other meaning in CSV', (t) => {
  const of = (text: string): string => delimiterOf(readArguments(RUN, [`--delimiter=${text}`]));
  t.same([';', '|', 'tab', '\\t', '\t', ' ', '·', '🙂'].map(of), [
    ';',
    '|',
    '\t',
    '\t',
    '\t',
    ' ',
    '·',
    '🙂',
  ]);
  t.equal(delimiterOf(readArguments(RUN, [])), ',');
  for (const text of ['', ';;', '"', '\n', '\r', '\0', '\ufeff', 'comma'])
    t.throws(() => of(text), {
      exitCode: 2,
      code: 'ERR_USAGE',
      message: /^--delimiter '.*': one character/s,
    });
  t.end();
});

t.test('of names that are given twice both values are said, unless they may be secrets', (t) => {
  const env = { ...command, options: [{ name: 'env', value: 'NAME=VALUE', isMultiple: true, about: '' }] };
  t.throws(() => readArguments(env, ['--env', 'A=1', '--env', 'A=2']).pairs('env'), {
    message: /^--env A: given twice$/,
  });
  const outputs = (...files: string[]): unknown =>
    outputsOf(
      readArguments(
        RUN,
        files.flatMap((file) => ['-o', file]),
      ),
    );
  t.throws(() => outputs('a=x.csv', 'b=./x.csv'), {
    exitCode: 2,
    message: /^--output b=\.\/x\.csv: given twice, as a=x\.csv and b=\.\/x\.csv$/,
  });
  t.match(
    outputs('a=x.csv', 'a=x.arrow'),
    [{ file: 'x.csv' }, { file: 'x.arrow' }],
    'one table in two formats',
  );
  t.end();
});

t.test('the format of a file is told by its name, and of what has none by its content', (t) => {
  t.same(
    ['a.csv', 'a.TSV', 'a.jsonl', 'a.feather', 'a.arrows', 'a.b.parquet', '-', 'a.txt'].map(formatOfName),
    ['csv', 'tsv', 'ndjson', 'arrow', 'arrows', 'parquet', undefined, undefined],
  );
  const of = (text: string): string => formatOfContent(Buffer.from(text, 'latin1'));
  t.same(['PAR1xx', 'ARROW1\0\0', '\xff\xff\xff\xff\x10', ' [{}]', '{"a":1}', 'a,b\n'].map(of), [
    'parquet',
    'arrow',
    'arrows',
    'json',
    'json',
    'csv',
  ]);
  t.end();
});

t.test('no control sequence is left in text for a terminal', (t) => {
  t.equal(printable('a\x1b[31mb\x9b2Jc\x07\r\nd\te\rf'), 'a\\u001b[31mb\\u009b2Jc\\u0007\nd\te\\u000df');
  t.equal(printable('abc\u202edef'), 'abc\\u202edef');
  t.equal(printableLine('a\nb\tc'), 'a\\nb\\tc');
  t.end();
});

t.test('the place of an error is the first one in the source of the step', (t) => {
  const stack =
    'Error: x\n    at JSON.parse (<anonymous>)\n    at f (step.js:3:9)\n    at default (step.js:7:1)';
  t.equal(placeOf(stack, 'step.js'), 'step.js:3:9');
  t.equal(placeOf('Error: x', 'step.js'), undefined);
  t.end();
});
