/** Runs one step, with tables from files and to files. */
import path from 'node:path';
import { Zygote, type Result } from '../../lib/index.js';
import type { Arguments } from '../arguments.js';
import { EXIT, usageError } from '../failure.js';
import { interruption } from '../interrupt.js';
import { handOn } from './printed.js';
import { tablesOf } from './inputs.js';
import { DEFAULT_ROWS } from './options.js';
import { outputsOf, writeOutputs } from './outputs.js';
import { paramsOf } from './params.js';
import { showAsJson, showToPeople } from './show.js';
import { readInput } from '../tables/read.js';
import { duration, size, wholeNumber } from '../units.js';
import { limitsOf, preloadOf, sandboxOf } from '../zygote-options.js';

async function runStep(given: Arguments, file: string): Promise<Result> {
  const folder = file === '-' ? process.cwd() : path.resolve(path.dirname(file));
  const options = {
    filename: filenameOf(given, file),
    signal: interruption,
    argv: given.rest,
    env: Object.fromEntries(given.pairs('env')),
    ...limitOption(given, 'timeout', 'timeoutMs', duration),
    ...limitOption(given, 'max-table', 'maxTableBytes', size),
    ...limitOption(given, 'max-value', 'maxResultBytes', size),
    stdin: 'ignore',
  } as const;
  const code = (await readInput(file)).toString();
  const inputs = { params: await paramsOf(given), tables: await tablesOf(given, file === '-') };
  const zygote = await Zygote.start({
    ...preloadOf(given, folder),
    typescript: /\.[cm]?ts$/.test(options.filename),
    // One child is all that is wanted.
    pool: { min: 0, max: 0 },
    sandbox: { ...sandboxOf(given), limits: limitsOf(given) },
  });
  try {
    interruption.throwIfAborted();
    if (given.has('json'))
      return await (
        await zygote.spawn(code, inputs, { ...options, stdout: 'capture', stderr: 'capture' })
      ).result;
    // Both go to stderr: in the order in which they were printed.
    const child = await zygote.spawn(code, inputs, { ...options, stderr: 'stdout' });
    const printed = handOn(child.stdout);
    const result = await child.result;
    await printed;
    return result;
  } finally {
    await zygote.close();
  }
}

function limitOption<K extends string>(
  given: Arguments,
  name: string,
  key: K,
  read: (option: string, text: string) => number,
): Partial<Record<K, number>> {
  const text = given.one(name);
  return text === undefined ? {} : ({ [key]: read(name, text) } as Record<K, number>);
}

const filenameOf = (given: Arguments, file: string): string =>
  given.one('filename') ?? (file === '-' ? 'step.js' : path.basename(file));

export async function run(given: Arguments): Promise<number> {
  const [file, ...others] = given.operands;
  if (file === undefined) throw usageError('run needs the file of a step; see nodespawner run --help');
  if (others.length > 0)
    throw usageError(`run takes one step; '${others.join(' ')}' is more; arguments go behind --`);
  const outputs = outputsOf(given);
  const isJson = given.has('json');
  if (isJson && outputs.some((output) => output.file === '-'))
    throw usageError('--json and --output - are both for stdout: give --output a file');
  const rows = wholeNumber('rows', given.one('rows') ?? String(DEFAULT_ROWS), 0);
  const result = await runStep(given, file);
  interruption.throwIfAborted();
  const written = result.status === 'ok' ? await writeOutputs(outputs, result.tables) : [];
  const shown = {
    result,
    filename: filenameOf(given, file),
    written,
    rows,
    isVerbose: given.has('verbose'),
  };
  (isJson ? showAsJson : showToPeople)(shown);
  return result.status === 'ok' ? EXIT.ok : EXIT.failed;
}
