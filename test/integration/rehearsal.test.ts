/** What the rehearsal in the zygote is for: what a job needs is compiled there, and not again in each child. */
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import t from 'tap';
import { startZygote, whenWarm } from '../helpers/zygote.js';

/** V8 then says on stdout of each function that it has compiled it. */
const LOG_COMPILED = ['--log-function-events', '--logfile=-', '--no-logfile-per-isolate'];

const MARK = '\n---- mark ----\n';

/** The names of what was compiled between the two marks. */
function compiledBetweenMarks(log: string): string[] {
  const [, between] = log.split(MARK);
  if (between === undefined) throw new Error(`no marks in ${log}`);
  return namesCompiled(between);
}

function namesCompiled(log: string): string[] {
  return log
    .split('\n')
    .map((line) => line.split(','))
    .filter(([kind, event]) => kind === 'function' && event === 'interpreter')
    .map((words) => words.at(-1) ?? '');
}

for (const type of ['file', 'stream'] as const) {
  t.test(`a table that comes as a ${type} is opened by what is compiled already`, async (t) => {
    const zygote = await startZygote(t, {
      preload: ['apache-arrow'],
      execArgv: LOG_COMPILED,
      pool: { min: 0, max: 0 },
    });
    const table = tableToIPC(
      tableFromArrays({ id: Int32Array.of(1, 2, 3), value: Float64Array.of(0.5, 1, 1.5) }),
      type,
    );
    // The first time, for what marks to be compiled.
    const code = `const { writeSync } = require('fs');
      const mark = (text) => writeSync(1, text);
      mark('');
      module.exports = function ours({ tables }) {
        mark(${JSON.stringify(MARK)});
        return tables.input.getChild('value').toArray()[1];
      };
      mark(${JSON.stringify(MARK)});`;
    const compiled = async (): Promise<string[]> => {
      const { value, stdout } = await zygote.run(code, { tables: { input: table } }, { stdout: 'capture' });
      t.equal(value, 1);
      return compiledBetweenMarks(stdout?.text ?? '');
    };
    await whenWarm(zygote);
    // The first child is parked, and has rehearsed by itself.
    await compiled();
    t.strictSame(await compiled(), ['ours']);
  });
}

for (const [kind, begin] of [
  ['CommonJS', "const { writeSync } = require('fs'); module.exports ="],
  ['ES', "import { writeSync } from 'fs'; export default"],
] as const) {
  t.test(`until a ${kind} module is called, nothing is compiled in a child but the module`, async (t) => {
    const zygote = await startZygote(t, {
      preload: ['apache-arrow'],
      execArgv: LOG_COMPILED,
      pool: { min: 0, max: 0 },
    });
    const code = `${begin} function ours() { writeSync(1, ${JSON.stringify(MARK)}); }`;
    await whenWarm(zygote);
    await zygote.run(code); // by the child that start() has parked
    const { stdout } = await zygote.run(code, {}, { stdout: 'capture' });
    // From where the child has its standard streams on.
    const [before, after] = (stdout?.text ?? '').split(MARK);
    t.ok(after !== undefined, 'it was called');
    const names = namesCompiled(before ?? '');
    t.ok(names.includes('ours'), 'it is logged');
    t.strictSame(
      names.filter((name) => name !== 'ours' && name !== ''),
      [],
    ); // the module itself has no name
  });
}
