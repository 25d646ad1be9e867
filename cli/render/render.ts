/** Renders a workflow, once or whenever a file of it is saved. */
import path from 'node:path';
import type { Table } from 'apache-arrow';
import {
  Renderer,
  type RendererOptions,
  type Report,
  type Step,
  type Workflow,
} from '../../renderer/index.js';
import { LARGEST_PRIORITY } from '../../renderer/priority.js';
import { NodespawnerError } from '../../protocol/errors.js';
import type { Arguments } from '../arguments.js';
import { EXIT, Failure, usageError } from '../failure.js';
import { interruption } from '../interrupt.js';
import { note, print, printJson } from '../output.js';
import { progress } from '../progress.js';
import { report as reportFailure } from '../report-failure.js';
import { sharedOf } from '../queue.js';
import { outputsOf, writeOutputs, type Output } from '../run/outputs.js';
import { showTable, sizeOf } from '../tables/people.js';
import { paintErr, paintOut } from '../terminal.js';
import { wholeNumber } from '../units.js';
import { preloadOf, sandboxOf } from '../zygote-options.js';
import { asJson } from './as-json.js';
import { InputFiles } from './inputs.js';
import { limits } from './limits.js';
import { DEFAULT_ROWS, STEP_OPTIONS } from './options.js';
import { stepLines, summaryLine } from './show.js';
import { validateWorkflow } from './validate.js';
import { FileWatch } from './watch.js';
import { checkNames } from './names.js';
import { loadWorkflow } from './workflow-file.js';

interface Request {
  readonly file: string;
  readonly inputs: InputFiles;
  readonly outputs: readonly Output[];
  readonly rows: number;
  readonly isJson: boolean;
  readonly isVerbose: boolean;
  readonly priority: number;
}

async function renderOnce(
  renderer: Renderer,
  workflow: Workflow,
  request: Request,
  refetch: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const { inputs, outputs, rows, isJson, isVerbose, priority } = request;
  const isStdoutTaken = outputs.some(({ file }) => file === '-');
  const [say, paint] = isStdoutTaken ? [note, paintErr] : [print, paintOut];
  const rendering = renderer.render(workflow, {
    inputs: await inputs.read(),
    signal,
    refetch,
    priority,
  });
  const line = progress();
  const running = new Set<string>();
  for await (const event of rendering) {
    if (event.type === 'started') running.add(event.step);
    if (event.type === 'done') {
      running.delete(event.step);
      line.end();
      if (!isJson) say(stepLines(event.report, workflow, paint, isVerbose).join('\n'));
    }
    if (running.size > 0) line.show(`… ${[...running].join(', ')}`);
  }
  line.end();
  using report = await rendering;
  // Another round has begun, or all is over.
  if (report.status === 'canceled') return false;
  const tables = await tablesOf(report);
  const written = await writeOutputs(
    // What has no result has said why.
    outputs.filter(({ name }) => name === undefined || Object.hasOwn(tables, name) || report.status === 'ok'),
    tables,
    'the workflow',
  );
  if (isJson) printJson(asJson(report, tables, written));
  else {
    for (const [name, table] of Object.entries(tables)) {
      if (written.some((output) => output.table === name) || rows === 0) continue;
      say(`\n${paint('cyan', name)} ${paint('dim', sizeOf(table))}`);
      say(showTable(table, rows, process.stdout.isTTY ? process.stdout.columns : Infinity, paint));
    }
    say(`\n${summaryLine(report, paint)}`);
  }
  return report.status === 'ok';
}

async function tablesOf({ tables }: Report): Promise<Record<string, Table>> {
  const read: Record<string, Table> = {};
  for (const [name, table] of Object.entries(tables)) read[name] = await table.read();
  return read;
}

/** Until Ctrl-C. What is wrong with a file is said, and waited for to be mended. */
async function watchAndRender(renderer: Renderer, request: Request, refetch: boolean): Promise<void> {
  for (let isFirst = true; !interruption.aborted; isFirst = false) {
    using files = new FileWatch();
    for (const input of request.inputs.paths) files.add(input);
    const signal = AbortSignal.any([interruption, files.signal]);
    try {
      const workflow = await loadWorkflow(request.file, request.inputs.names, (file) => {
        files.add(file);
      });
      checkNames(workflow, request);
      await renderOnce(renderer, workflow, request, refetch && isFirst, signal);
    } catch (error) {
      if (!isOfAFile(error)) throw error;
      reportFailure(error, request.isJson, request.isVerbose);
    }
    if (process.stderr.isTTY && !signal.aborted)
      note(paintErr('dim', 'waiting for a file to be saved; Ctrl-C ends'));
    await files.settled(interruption);
  }
}

/** What saving a file can mend. */
function isOfAFile(error: unknown): boolean {
  return (
    error instanceof Failure || (error instanceof NodespawnerError && error.code === 'ERR_INVALID_OPTION')
  );
}

function hasTypeScript({ tabs }: Workflow): boolean {
  return tabs.some(
    ({ steps }) =>
      Array.isArray(steps) && steps.some((step: Step | null) => /\.[cm]?ts$/.test(String(step?.filename))),
  );
}

/** Workers say themselves how steps are run. */
function optionsOf(given: Arguments, file: string, workflow: Workflow | undefined): RendererOptions {
  const shared = sharedOf(given);
  if (shared !== undefined) {
    const name = ['cache', ...STEP_OPTIONS.map((option) => option.name)].find((one) => given.has(one));
    if (name !== undefined) throw usageError(`--${name} is for the workers: give it to nodespawner worker`);
    return shared;
  }
  const cache = given.one('cache');
  return {
    ...preloadOf(given, path.resolve(path.dirname(file))),
    sandbox: sandboxOf(given),
    limits: limits(given),
    // Where that can't be had, before anything is run.
    ...(workflow !== undefined && hasTypeScript(workflow) ? { typescript: true } : {}),
    ...(cache === undefined ? {} : { cache: { dir: path.resolve(cache) } }),
  };
}

export async function render(given: Arguments): Promise<number> {
  const [file, ...others] = given.operands;
  if (file === undefined || others.length > 0)
    throw usageError('render takes the file of one workflow; see nodespawner render --help');
  const request: Request = {
    file,
    inputs: new InputFiles(given),
    outputs: outputsOf(given),
    rows: wholeNumber('rows', given.one('rows') ?? String(DEFAULT_ROWS), 0),
    isJson: given.has('json'),
    isVerbose: given.has('verbose'),
    priority: wholeNumber('priority', given.one('priority') ?? '0', 0, LARGEST_PRIORITY),
  };
  if (request.isJson && request.outputs.some((output) => output.file === '-'))
    throw usageError('--json and --output - are both for stdout: give --output a file');
  const isWatching = given.has('watch');
  const isValidating = given.has('validate');
  const unused = isValidating && ['watch', 'output', 'refetch'].find((name) => given.has(name));
  if (unused) throw usageError(`--validate renders nothing: leave --${unused} out`);
  // Before a zygote is started for nothing.
  const workflow = isWatching ? undefined : await loadWorkflow(file, request.inputs.names);
  if (workflow !== undefined && !isValidating) checkNames(workflow, request);
  const options = optionsOf(given, file, workflow);
  try {
    await using renderer = await Renderer.start(options);
    if (workflow !== undefined && isValidating) {
      const { inputs, isJson, isVerbose } = request;
      const isFine = await validateWorkflow(renderer, workflow, inputs.names, isJson, isVerbose);
      return isFine ? EXIT.ok : EXIT.failed;
    }
    const refetch = given.has('refetch');
    if (workflow !== undefined)
      return (await renderOnce(renderer, workflow, request, refetch, interruption)) ? EXIT.ok : EXIT.failed;
    await watchAndRender(renderer, request, refetch);
    return EXIT.ok;
  } finally {
    await options.store?.close();
  }
}
