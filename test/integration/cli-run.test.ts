// `nodespawner run`: tables in and out, what it says, and how it ends.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { once } from 'node:events';
import { tableFromIPC } from 'apache-arrow';
import t from 'tap';
import { FORMATS } from '../../cli/tables/formats.js';
import { cli, cliOfEach, folderOf, startCli } from '../helpers/cli.js';
import { allProcesses, descendantsOf } from '../helpers/processes.js';

const SAME = 'export default ({ tables }) => ({ tables });';
const CSV = `id,name,day,when,price,big,flag
1,"ä, 漢字 🎉",2024-01-31,2024-01-31T10:00:00.123Z,1.5,9007199254740993,true
2,,,,,,
3,"",1969-12-31,1969-12-31T23:59:59.999Z,-0.25,-1,false
`;

t.test('a table goes through every format and is the same', async (t) => {
  const cwd = folderOf(t, { 'same.mjs': SAME, 'sales.csv': CSV });
  const files = FORMATS.map((format) => `out.${format}`);
  const written = await cli(
    ['run', 'same.mjs', '--table', 'sales=sales.csv', ...files.flatMap((file) => ['-o', file])],
    { cwd },
  );
  t.same(written, { code: 0, signal: null, stdout: '', stderr: '' });
  // Each of them read, and written as CSV again.
  const read = await cli(
    [
      'run',
      'same.mjs',
      ...FORMATS.flatMap((format) => [
        '--table',
        `${format}=out.${format}`,
        '-o',
        `${format}=${format}.back.csv`,
      ]),
    ],
    { cwd },
  );
  t.same(read, { code: 0, signal: null, stdout: '', stderr: '' });
  for (const format of FORMATS)
    t.equal(readFileSync(path.join(cwd, `${format}.back.csv`), 'utf8'), CSV, format);
  t.same(
    readdirSync(cwd).filter((file) => file.endsWith('.tmp')),
    [],
  );
});

t.test('from stdin to stdout, of which the content tells the format', async (t) => {
  const cwd = folderOf(t, { 'same.mjs': SAME });
  const args = ['run', 'same.mjs', '--table', 'in=-', '--output', '-', '--format'];
  t.same(await cli([...args, 'ndjson'], { cwd, stdin: 'a,b\n1,x\n' }), {
    code: 0,
    signal: null,
    stdout: '{"a":1,"b":"x"}\n',
    stderr: '',
  });
  t.match(await cli([...args, 'csv'], { cwd, stdin: '[{"a":1,"b":"x"}]' }), {
    code: 0,
    stdout: 'a,b\n1,x\n',
  });
  const forced = await cli([...args, 'csv', '--table-format', 'in=tsv'], { cwd, stdin: 'a\tb\n1\tx\n' });
  t.equal(forced.stdout, 'a,b\n1,x\n');
});

t.test('--delimiter: CSV in and out; what is hardly meant is said', async (t) => {
  const cwd = folderOf(t, { 'same.mjs': SAME, 'in.csv': 'a;b\n1,5;"x;y"\n', 'in.tsv': 'a\tb;c\n1\tx\n' });
  const out = ['-o', 'in=out.csv', '-o', 'tabs=out.tsv'];
  const tables = ['--table', 'in=in.csv', '--table', 'tabs=in.tsv'];
  const { code, stderr } = await cli(['run', 'same.mjs', ...tables, ...out, '--delimiter', ';'], { cwd });
  t.same([code, stderr], [0, '']);
  t.equal(readFileSync(path.join(cwd, 'out.csv'), 'utf8'), 'a;b\n1,5;"x;y"\n');
  t.equal(readFileSync(path.join(cwd, 'out.tsv'), 'utf8'), 'a\tb;c\n1\tx\n', 'TSV has tabs');
  writeFileSync(path.join(cwd, 'one.csv'), 'a;b\n1;2\n');
  const doubtful = await cli(['run', 'same.mjs', '--table', 'in=one.csv', '-o', 'one-out.csv'], { cwd });
  t.same(
    [doubtful.code, doubtful.stderr],
    [0, "one.csv: it has one column, 'a;b'; if it should have more: --delimiter ';'\n"],
  );
});

t.test(
  'without an output: the value and the tables, for people, and what the step prints on stderr',
  async (t) => {
    const cwd = folderOf(t, {
      'step.ts': `import { tableFromArrays } from 'apache-arrow';
      export default ({ params }: { params: object }) => {
        console.log('printed');
        console.error('in');
        console.log('order');
        const n = Int32Array.from({ length: 25 }, (_, i) => i);
        return { value: params, tables: { numbers: tableFromArrays({ n }) } };
      };`,
      'params.json': '{"year":1,"month":"may"}',
    });
    const { code, stdout, stderr } = await cli(
      ['run', 'step.ts', '--params', 'params.json', '--param', 'year=2024', '--rows', '2'],
      { cwd },
    );
    t.equal(code, 0);
    t.equal(stderr, 'printed\nin\norder\n');
    t.equal(
      stdout,
      "{ year: 2024, month: 'may' }\nnumbers 25 rows, 1 column\n    n\nInt32\n    0\n    1\n… 23 more rows\n",
    );
  },
);

t.test('--json has the status, the value, the tables, usage, and what was printed', async (t) => {
  const cwd = folderOf(t, {
    'step.cjs': `module.exports = ({ tables }) => {
      console.log('to stdout'); console.error('to stderr');
      return { value: { at: new Date(0), big: 2n ** 62n }, tables };
    };`,
    'in.json': '[{"a":1},{"a":null}]',
  });
  const { code, stdout } = await cli(['run', 'step.cjs', '--table', 'in=in.json', '--json'], { cwd });
  t.equal(code, 0);
  t.match(stdout, '"big":4611686018427387904');
  t.match(JSON.parse(stdout), {
    status: 'ok',
    value: { at: '1970-01-01T00:00:00.000Z' },
    tables: { in: { numRows: 2, columns: [{ name: 'a', type: 'Int32' }], rows: [{ a: 1 }, { a: null }] } },
    usage: { wallMs: Number },
    stdout: 'to stdout\n',
    stderr: 'to stderr\n',
  });
  const file = await cli(['run', 'step.cjs', '--table', 'in=in.json', '--json', '-o', 'out.arrow'], { cwd });
  t.match(JSON.parse(file.stdout), { tables: { in: { numRows: 2, files: ['out.arrow'] } } });
  t.equal(tableFromIPC(readFileSync(path.join(cwd, 'out.arrow'))).numRows, 2);
});

t.test('arguments, environment and a file that the step may see', async (t) => {
  const cwd = folderOf(t, {
    'step.cjs': `module.exports = () =>
      [process.argv.slice(2), { ...process.env }, require('fs').readFileSync(process.argv[3], 'utf8')];`,
  });
  const seen = '/etc/passwd';
  const args = ['run', 'step.cjs', '--json', '--file', seen, '--env', 'A=b=c', '--', '--x', seen];
  const { stdout } = await cli(args, { cwd, env: { SECRET: 'not for steps' } });
  t.same((JSON.parse(stdout) as { value: unknown }).value, [
    ['--x', seen],
    { A: 'b=c' },
    readFileSync(seen, 'utf8'),
  ]);
});

t.test(
  'what becomes of steps that fail is said in one line, with the place and what to do; the code is 1',
  async (t) => {
    const cwd = folderOf(t, {
      'throws.js': '\nexport default () => {\n  null.x;\n};',
      'endless.js': 'export default () => { for (;;); };',
      'exits.js': 'export default () => { process.exit(3); };',
      'large.js': `export default () => 'x'.repeat(1e6);`,
    });
    const outcomes: [args: string[], stderr: RegExp][] = [
      [['throws.js'], /^threw throws\.js:3:\d+: TypeError: [^\n]*\n$/],
      [['throws.js', '--filename', 'other.ts'], /^threw other\.ts:3:\d+: TypeError/],
      [['throws.js', '--verbose'], /TypeError: .*\n {4}at .*throws\.js:3/],
      [
        ['endless.js', '--timeout', '300ms'],
        /^timedOut endless\.js: it did not end within 300 ms; raise --timeout\n$/,
      ],
      [['exits.js'], /^exited exits\.js: it exited with code 3 before it returned; [^\n]*\n$/],
      [
        ['large.js', '--max-value', '1K'],
        /^limitExceeded large\.js: .*maxResultBytes, which is 1\.0 kB; raise --max-value\n$/,
      ],
    ];
    for (const [args, expected] of outcomes) {
      const { code, stdout, stderr } = await cli(['run', ...args], { cwd });
      t.equal(code, 1, args.join(' '));
      t.equal(stdout, '');
      t.match(stderr, expected);
    }
    const asJson = await cli(['run', 'throws.js', '--json'], { cwd });
    t.equal(asJson.code, 1);
    t.match(JSON.parse(asJson.stdout), {
      status: 'threw',
      error: { name: 'TypeError', stack: /throws\.js:3/ },
    });
    const exited = await cli(['run', 'exits.js', '--json'], { cwd });
    t.match(JSON.parse(exited.stdout), { status: 'exited', exitCode: 3 });
  },
);

t.test('wrong usage is 2, a file that is not as it should be 3, each in one line', async (t) => {
  const cwd = folderOf(t, {
    'same.mjs': SAME,
    'two.mjs': 'export default ({ tables }) => ({ tables: { a: tables.t, b: tables.t } });',
    't.csv': 'a\n1\n',
    'in.csv': 'a;b\n1,5;2\n',
    'broken.csv': 'a,b\n1\n',
    'broken.json': '[{',
    'broken.ndjson': '{}\n{',
    'broken.arrow': 'ARROW1\0\0 and nonsense',
    'broken.arrows': Buffer.from('ffffffff10000000', 'hex'),
    'broken.parquet': 'PAR1 and nonsense PAR1',
    'latin1.csv': Buffer.from('a\n\xe4\n', 'latin1'),
  });
  const refusals: [code: number, args: string[], stderr: RegExp][] = [
    [2, [], /Usage/],
    [2, ['walk'], /no command 'walk'; there are run,/],
    [2, ['run'], /run needs the file of a step/],
    [2, ['run', 'same.mjs', 'more.mjs'], /run takes one step/],
    [2, ['run', 'same.mjs', '--tabel', 'x=y'], /'--tabel'/],
    [2, ['run', 'same.mjs', '--timeout', '5'], /--timeout 5: a time such as/],
    [2, ['run', 'same.mjs', '-o', '-'], /--output -: --format is needed/],
    [
      2,
      ['run', 'same.mjs', '--delimiter', ';;'],
      /--delimiter ';;': one character is needed, such as ';', or tab/,
    ],
    [
      3,
      ['run', 'same.mjs', '--table', 't=in.csv'],
      /in\.csv: line 2 has 2 cells, and there are 1 columns; is it --delimiter ';'\?/,
    ],
    [2, ['run', 'same.mjs', '--allow', '1.2.3.4:5'], /for --profile network/],
    [2, ['run', '-', '--table', 'a=-'], /stdin can be read once only/],
    [2, ['run', 'same.mjs', '--preload', 'not-there'], /Can't preload 'not-there'/],
    [
      2,
      ['run', 'two.mjs', '--table', 't=t.csv', '-o', 'x.csv'],
      /say which table, as NAME=FILE; the step gave a, b/,
    ],
    [2, ['run', 'two.mjs', '--table', 't=t.csv', '-o', 'c=x.csv'], /no such table; the step gave a, b/],
    [3, ['run', 'gone.mjs'], /gone\.mjs: can't be read: there is no such file/],
    [3, ['run', 'same.mjs', '--table', 't=gone.csv'], /gone\.csv: can't be read: there is no such file/],
    [3, ['run', 'same.mjs', '--table', 't=.'], /can't be read: it is a folder/],
    [
      3,
      ['run', 'same.mjs', '--table', 't=t.csv', '-o', 'no/x.csv'],
      /no\/x\.csv: can't be written: there is no such file/,
    ],
    [3, ['run', 'same.mjs', '--table', 't=latin1.csv'], /latin1\.csv: it is not in UTF-8/],
    ...['csv', 'json', 'ndjson', 'arrow', 'arrows', 'parquet'].map((format): [number, string[], RegExp] => [
      3,
      ['run', 'same.mjs', '--table', `t=broken.${format}`],
      new RegExp(`broken\\.${format}: `),
    ]),
  ];
  const ends = await cliOfEach(
    refusals.map(([, args]) => args),
    { cwd },
  );
  for (const [index, [code, args, expected]] of refusals.entries()) {
    const ended = ends[index]!;
    t.equal(ended.code, code, args.join(' '));
    if (args.length > 0) {
      t.match(ended.stderr, /^nodespawner: [^\n]+\n$/, args.join(' '));
      t.match(ended.stderr, expected);
      t.equal(ended.stdout, '');
    }
  }
  t.notOk(existsSync(path.join(cwd, 'x.csv')));
  const asJson = await cli(['run', 'gone.mjs', '--json'], { cwd });
  t.match(JSON.parse(asJson.stdout), { error: { code: 'ERR_FILE', exitCode: 3, message: /gone\.mjs/ } });
});

t.test('colours are for terminals, unless FORCE_COLOR says otherwise', async (t) => {
  const cwd = folderOf(t, { 'same.mjs': SAME, 't.csv': 'a\n1\n' });
  const args = ['run', 'same.mjs', '--table', 't=t.csv'];
  // eslint-disable-next-line no-control-regex -- it is what is looked for
  const coloured = /\x1b\[/;
  t.notMatch((await cli(args, { cwd })).stdout, coloured);
  t.match((await cli(args, { cwd, env: { FORCE_COLOR: '1' } })).stdout, coloured);
  t.notMatch((await cli(args, { cwd, env: { FORCE_COLOR: '0' } })).stdout, coloured);
});

t.test('on a terminal, what a step says can not steer it', async (t) => {
  const cwd = folderOf(t, {
    'step.cjs': `module.exports = () => { console.log('\\x1b[2Jprinted'); throw new Error('\\x1b]0;thrown\\x07'); };`,
  });
  // script(1) gives it a terminal.
  const run = ['run', 'step.cjs'];
  const { stdout } = await cli(run, { cwd, through: ['sh', '-c', 'script -qec "$*" /dev/null', 'sh'] });
  t.match(stdout, /printed/);
  t.match(stdout, /thrown/);
  t.notMatch(stdout, '\x1b[2J');
  t.notMatch(stdout, '\x1b]0;');
});

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  t.test(`${signal} ends everything, and leaves nothing`, async (t) => {
    const cwd = folderOf(t, { 'step.cjs': `module.exports = () => { console.log('running'); for (;;); };` });
    const { process: child, ended } = startCli(['run', 'step.cjs', '-o', 'out.csv'], { cwd });
    await once(child.stderr!, 'data');
    const below = descendantsOf(child.pid!).map(({ pid }) => pid);
    t.ok(below.length > 0);
    process.kill(-child.pid!, signal);
    t.match(await ended, { code: null, signal });
    t.same(
      allProcesses().filter(({ pid }) => below.includes(pid)),
      [],
    );
    t.same(readdirSync(cwd), ['step.cjs']);
  });

t.test('who reads may have enough', async (t) => {
  const cwd = folderOf(t, {
    'many.cjs': `module.exports = () => require('apache-arrow').tableFromArrays({ n: new Int32Array(300000) });`,
  });
  const run = ['run', 'many.cjs', '-o', '-', '--format', 'csv'];
  const { stdout, stderr } = await cli(run, { cwd, through: ['sh', '-c', '"$0" "$@" | head -n 2'] });
  t.equal(stdout, 'n\n0\n');
  t.equal(stderr, '');
});
