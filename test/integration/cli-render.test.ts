// `nodespawner render`: a workflow from a file, what becomes of its steps, and again on each save.
import { once } from 'node:events';
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { allProcesses, descendantsOf } from '../helpers/processes.js';
import { cli, cliOfEach, folderOf, startCli } from '../helpers/cli.js';

const DOUBLE = `import { tableFromArrays } from 'apache-arrow';
export function render(table, { by }) {
  return tableFromArrays({ a: Int32Array.from(table.getChild('a'), (a) => a * by) });
}
`;
const WORKFLOW = `tabs:
  - id: sales
    from: input
    steps:
      - file: steps/times.mjs
        params: { by: 3 }
`;

/** A folder with a workflow of one step in a file of its own. */
function workflowFolder(test: Parameters<typeof folderOf>[0], workflow = WORKFLOW): string {
  const cwd = folderOf(test, {
    'flow.yaml': workflow,
    'in.csv': 'a\n1\n2\n',
    'times.mjs': '',
    'steps.txt': '',
  });
  writeFileSync(path.join(cwd, 'times.mjs'), DOUBLE);
  return cwd;
}

const FLAT = WORKFLOW.replace('steps/times.mjs', 'times.mjs');
const ARGS = ['render', 'flow.yaml', '--input', 'input=in.csv'];

t.test('each step has a line, and the table of each tab is shown; the code is 0', async (t) => {
  const { code, stdout, stderr } = await cli(ARGS, { cwd: workflowFolder(t, FLAT) });
  t.equal(code, 0);
  t.equal(stderr, '');
  t.match(stdout, /^✓ sales › times {2}2 rows, 1 column {2}[\d.]+ m?s\n/);
  t.match(stdout, '\nsales 2 rows, 1 column\n    a\nInt32\n    3\n    6\n');
  t.match(stdout, /\nok: 1 ok, [\d.]+ m?s\n$/);
});

t.test('the table of a tab goes to a file, and to stdout alone', async (t) => {
  const cwd = workflowFolder(t, FLAT);
  t.equal((await cli([...ARGS, '-o', 'out.csv'], { cwd })).code, 0);
  t.equal(readFileSync(path.join(cwd, 'out.csv'), 'utf8'), 'a\n3\n6\n');
  const { stdout } = await cli([...ARGS, '-o', 'sales=-', '--format', 'ndjson'], { cwd });
  t.equal(stdout, '{"a":3}\n{"a":6}\n');
});

t.test('--delimiter is for the inputs and the outputs', async (t) => {
  const code = "'exports.render = (table) => table'";
  const cwd = workflowFolder(t, `tabs: [{ id: t, from: input, steps: [{ id: s, code: ${code} }] }]\n`);
  writeFileSync(path.join(cwd, 'in.csv'), 'a|b\n1|x\n');
  const ended = await cli([...ARGS, '--delimiter', '|', '-o', 'out.csv'], { cwd });
  t.match(ended, { code: 0, stdout: /1 row, 2 columns/, stderr: '' });
  t.equal(readFileSync(path.join(cwd, 'out.csv'), 'utf8'), 'a|b\n1|x\n');
});

t.test(
  'errors, warnings and what is printed are below the step that they are of, with the source',
  async (t) => {
    const cwd = workflowFolder(
      t,
      `${FLAT}  - id: bad
    from: sales
    steps:
      - id: careful
        code: |
          export function render(table) {
            console.log('on stdout');
            return { table, warnings: 'be careful' };
          }
      - id: wrong
        code: |
          export function render(table) {
            console.error('on stderr');
            return table.not.there;
          }
      - id: after
        code: export const render = (table) => table;
`,
    );
    const { code, stdout } = await cli([...ARGS, '--rows', '0'], { cwd });
    t.equal(code, 1);
    t.match(stdout, /✓ bad › careful .*\n {4}warning be careful\n {4}stdout \| on stdout\n/);
    t.match(
      stdout,
      /✗ bad › wrong {2}error .*\n {4}error wrong\.js:3:\d+: TypeError: .*\n +3 \| {3}return table\.not\.there;\n +\| +\^\n {4}stderr \| on stderr\n/,
    );
    t.match(stdout, /- bad › after {2}needs wrong\n/);
    t.match(stdout, /\nerror: 2 ok, 1 error, 1 unreachable, /);
    const report = JSON.parse((await cli([...ARGS, '--json'], { cwd })).stdout) as object;
    t.match(report, {
      workflow: 'flow.yaml',
      status: 'error',
      tables: { sales: { numRows: 2, rows: [{ a: 3 }, { a: 6 }] } },
      steps: [
        { step: 'times', status: 'ok' },
        { step: 'careful', stdout: 'on stdout\n', warnings: [{ text: 'be careful' }] },
        { step: 'wrong', status: 'error', errors: [{ code: 'threw', place: { file: 'wrong.js', line: 3 } }] },
        { step: 'after', status: 'unreachable', because: ['wrong'] },
      ],
    });
  },
);

t.test('--verbose adds stacks, and the reason of an error in the workflow', async (t) => {
  const thrower = `import { tableFromArrays } from 'apache-arrow';
function inner(table) {
  return table.not.there;
}
export const render = (table) => inner(table);
`;
  const cwd = workflowFolder(t, FLAT);
  writeFileSync(path.join(cwd, 'times.mjs'), thrower);
  const brief = await cli(ARGS, { cwd });
  t.equal(brief.code, 1);
  t.notMatch(brief.stdout, /at inner/);
  const { code, stdout, stderr } = await cli([...ARGS, '--verbose'], { cwd });
  t.equal(code, 1);
  t.equal(stderr, '');
  t.match(
    stdout,
    /TypeError: .*\n(?:.*\n)* +at inner \(times\.mjs:3:\d+\)\n +at render \(times\.mjs:5:\d+\)\n/,
  );
  t.notMatch(stdout, cwd, 'and no more than the step has to do with');
  const refused = await cli(['render', 'gone.yaml', '--verbose'], { cwd });
  t.equal(refused.code, 3);
  t.match(
    refused.stderr,
    /^nodespawner: gone\.yaml: can't be read: there is no such file\n(?:.*\n)*.*ENOENT/,
  );
});

t.test('--validate looks at every step, and renders none', async (t) => {
  const cwd = workflowFolder(
    t,
    `${FLAT}  - id: bad
    from: elsewhere
    steps:
      - { id: top, code: 'export default () => 1;' }
      - id: broken
        code: |
          export const render = () =>
            1 +;
      - { id: never, schema: { by: { type: number } }, code: 'export const render = (table) => process.exit(1);' }
`,
  );
  const { code, stdout, stderr } = await cli(['render', 'flow.yaml', '--validate'], { cwd });
  t.same([code, stderr], [1, '']);
  t.match(stdout, /^✓ sales › times {2}exports render\n/);
  t.match(
    stdout,
    /✗ bad › top {2}error\n {4}error top\.js must export a function 'render' or 'fetch', but exports default\. \(badModule\)\n/,
  );
  t.match(stdout, /✗ bad › broken {2}error\n {4}error broken\.js:2:6: SyntaxError: .*\n +2 \| {3}1 \+;\n/);
  t.match(stdout, /✗ bad › never {2}error\n {4}error params\.by: .*\(badParams\)\n/);
  t.match(stdout, /\nerror: 3 of 4 steps; inputs: input, elsewhere\n$/);
  writeFileSync(path.join(cwd, 'flow.yaml'), FLAT);
  const fine = await cli(['render', 'flow.yaml', '--validate', '--json', '--input', 'input=gone.csv'], {
    cwd,
  });
  t.equal(fine.code, 0, 'no input is read');
  t.match(JSON.parse(fine.stdout), {
    ok: true,
    inputs: ['input'],
    steps: [{ tab: 'sales', step: 'times', exports: ['render'], errors: [] }],
  });
});

t.test('what is wrong with the workflow or a file of it is one line', async (t) => {
  const cwd = workflowFolder(t);
  const refusals: [code: number, args: string[], stderr: RegExp][] = [
    [2, ['render'], /file of one workflow/],
    [3, ['render', 'gone.yaml'], /gone\.yaml: can't be read/],
    [3, ['render', 'in.csv'], /in\.csv: a workflow is an object with tabs/],
    [3, ['render', 'broken.yaml'], /broken\.yaml:3:1: it is no YAML/],
    [3, ['render', 'flow.yaml'], /steps\/times\.mjs: can't be read: there is no such file/],
    [
      3,
      ['render', 'typo.yaml'],
      /: typo\.yaml:3:5: tabs\[0\]\.form must be absent \(did you mean 'from'\?\)/,
    ],
    [
      3,
      ['render', 'stepz.yaml'],
      /: stepz\.yaml:3:5: tabs\[0\]\.stepz must be absent \(did you mean 'steps'\?\)/,
    ],
    [
      3,
      ['render', 'type.yaml'],
      /: type\.yaml:6:26: tabs\[0\]\.steps\[0\]\.schema\.a\.b\.type must be one of/,
    ],
    [3, ['render', 'tabs.json'], /: tabs\.json:1:1: tabs must be an array of tabs, but is undefined/],
    [
      3,
      ['render', 'twice.yaml'],
      /: twice\.yaml:6:9: tabs\[1\]\.steps\[0\]\.id must be one that nothing else has \(tabs\[0\]\.steps\[0\]\.id, at 3:15, is the same\), but is 's'/,
    ],
    [
      3,
      ['render', 'files.yaml'],
      /: files\.yaml:5:9: tabs\[0\]\.steps\[1\]\.id must .* \(tabs\[0\]\.steps\[0\]\.id, at 4:9, is the same; a step without an id has that of its file\)/,
    ],
    [
      3,
      ['render', 'fails.yaml', '--input', 'late=in.csv'],
      /: fails\.yaml:2:5: tabs\[0\]\.id must be .* \(there is an input of that name\)/,
    ],
    [
      2,
      ['render', 'fails.yaml', '--input', 'a=in.csv', '--input', 'a=b.csv'],
      /--input a: given twice, as in\.csv and as b\.csv/,
    ],
    [2, ['render', 'fails.yaml', '-o', 'nope=x.csv'], /--output nope=x\.csv: no such tab; there are late/],
    [2, ['render', 'fails.yaml', '-o', 'lat=x.csv'], /no such tab; did you mean 'late'\?/],
    [2, ['render', 'fails.yaml', '--wach'], /'--wach' \(did you mean '--watch'\?\)/],
    [2, ['render', 'fails.yaml', '--validate', '--watch'], /--validate renders nothing: leave --watch out/],
    [2, ['rendr', 'fails.yaml'], /no command 'rendr'; did you mean 'render'\?/],
  ];
  writeFileSync(path.join(cwd, 'broken.yaml'), 'tabs:\n  - {\n');
  const files = {
    'typo.yaml': 'tabs:\n  - id: a\n    form: b\n    steps: []\n',
    'stepz.yaml': 'tabs:\n  - id: a\n    stepz: []\n',
    'type.yaml':
      'tabs:\n  - id: a\n    steps:\n      - id: b\n        code: ""\n        schema: { a.b: { type: int } }\n',
    'tabs.json': '{}',
    'twice.yaml':
      'tabs:\n  - id: a\n    steps: [{ id: s, code: "" }]\n  - id: b\n    steps:\n      - id: s\n        code: ""\n',
    'files.yaml': 'tabs:\n  - id: a\n    steps:\n      - file: times.mjs\n      - file: times.mjs\n',
    'fails.yaml': 'tabs:\n  - id: late\n    steps: [{ id: f, code: "exports.render = () => { throw 1 }" }]\n',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(cwd, name), content);
  const ends = await cliOfEach(
    refusals.map(([, args]) => args),
    { cwd },
  );
  for (const [index, [expected, args, message]] of refusals.entries()) {
    const { code, stderr } = ends[index]!;
    t.equal(code, expected, args.join(' '));
    t.match(stderr, /^nodespawner: [^\n]+\n$/);
    t.match(stderr, message);
  }
});

t.test(
  '--watch renders again on each save, also after a mistake, until Ctrl-C, and leaves nothing',
  async (t) => {
    const cwd = workflowFolder(t, FLAT);
    const { process: child, ended } = startCli([...ARGS, '--watch', '--json'], { cwd });
    t.teardown(() => child.kill('SIGKILL'));
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => JSON.parse((await lines.next()).value as string) as unknown;
    const firstRow = (a: number): object => ({ status: 'ok', tables: { sales: { rows: [{ a }] } } });
    t.match(await next(), firstRow(3));
    const save = (file: string, content: string): void => {
      writeFileSync(path.join(cwd, '.saved'), content);
      renameSync(path.join(cwd, '.saved'), path.join(cwd, file));
    };
    save('flow.yaml', FLAT.replace('by: 3', 'by: 5'));
    t.match(await next(), firstRow(5));
    save('times.mjs', DOUBLE.replace('a * by', 'a - by'));
    t.match(await next(), firstRow(-4));
    // Not by renaming, as other editors do.
    appendFileSync(path.join(cwd, 'in.csv'), '3\n');
    t.match(await next(), { tables: { sales: { numRows: 3 } } });
    save('flow.yaml', 'tabs:\n  - {\n');
    t.match(await next(), { error: { exitCode: 3, message: /no YAML/ } });
    save('flow.yaml', FLAT);
    t.match(await next(), firstRow(-2));
    const below = descendantsOf(child.pid!).map(({ pid }) => pid);
    t.ok(below.length > 0);
    const exited = once(child, 'exit');
    process.kill(-child.pid!, 'SIGINT');
    t.same(await exited, [null, 'SIGINT']);
    t.same(
      allProcesses().filter(({ pid }) => below.includes(pid)),
      [],
    );
    await ended.catch(() => undefined);
  },
);

t.test('an input that nothing takes is named, and the rest is done', async (t) => {
  const { code, stderr } = await cli([...ARGS, '--input', 'inputt=in.csv'], {
    cwd: workflowFolder(t, FLAT),
  });
  t.equal(code, 0);
  t.equal(stderr, "--input inputt: no tab and no step takes it; did you mean 'input'?\n");
});

t.test('a step may be in TypeScript', async (t) => {
  const cwd = workflowFolder(t, FLAT.replace('times.mjs', 'times.ts'));
  writeFileSync(path.join(cwd, 'times.ts'), DOUBLE.replace('{ by }', '{ by }: { by: number }'));
  const { code, stdout } = await cli(ARGS, { cwd });
  t.equal(code, 0);
  t.match(stdout, /^✓ sales › times {2}2 rows/);
});
