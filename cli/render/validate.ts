/** Looks at a workflow without rendering it: its tabs, the code of its steps, their params. No input is read. */
import type { Message, Renderer, Step, Validation, Workflow } from '../../renderer/index.js';
import { checkParams } from '../../renderer/params.js';
import { makePlan, type StepNode } from '../../renderer/plan.js';
import { interruption } from '../interrupt.js';
import { print, printJson } from '../output.js';
import { printableLine } from '../printable.js';
import { paintOut } from '../terminal.js';
import { messageLines } from './show.js';

interface Looked {
  readonly tab: string;
  readonly step: Step;
  readonly exports: Validation['exports'];
  readonly errors: readonly Message[];
}

/** What is neither a tab nor given: an input that has to be. */
function inputsOf({ tabs }: Workflow, given: readonly string[]): readonly string[] {
  const ids = tabs.map(({ id }) => id);
  const taken = tabs.flatMap(({ from, steps }) => [
    ...(from === undefined ? [] : [from]),
    ...steps.flatMap((step) => Object.values(step.inputs ?? {})),
  ]);
  return [...new Set([...taken.filter((name) => !ids.includes(name)), ...given])];
}

async function look(renderer: Renderer, { tab, step, errors }: StepNode): Promise<Looked> {
  const { filename } = step;
  const options = { signal: interruption, ...(filename === undefined ? {} : { filename }) };
  const found = await renderer.validate(step.code, options);
  // Else they are for the schema only once its own code has seen to them.
  const isFinal = found.ok && errors.length === 0 && !found.exports.includes('migrateParams');
  const checked = isFinal ? await checkParams(step.schema, step.params ?? {}) : undefined;
  const wrong = checked !== undefined && 'errors' in checked ? checked.errors : [];
  return { tab: tab.id, step, exports: found.exports, errors: [...errors, ...found.errors, ...wrong] };
}

function show({ tab, step, exports, errors }: Looked, isVerbose: boolean): void {
  const isOk = errors.length === 0;
  const mark = paintOut(isOk ? 'green' : 'red', isOk ? '✓' : '✗');
  const what = isOk ? `exports ${exports.join(', ')}` : 'error';
  print(`${mark} ${printableLine(`${tab} › ${step.id}`)}  ${what}`);
  for (const message of errors) print(messageLines(message, step, 'error', paintOut, isVerbose).join('\n'));
}

/**
 * @param given the names of inputs on the command line
 * @returns whether nothing is wrong
 */
export async function validateWorkflow(
  renderer: Renderer,
  workflow: Workflow,
  given: readonly string[],
  isJson: boolean,
  isVerbose: boolean,
): Promise<boolean> {
  const inputs = inputsOf(workflow, given);
  const { nodes } = makePlan(workflow, inputs);
  const looked = await Promise.all(nodes.map((node) => look(renderer, node)));
  const wrong = looked.filter(({ errors }) => errors.length > 0).length;
  const ok = wrong === 0;
  if (isJson) {
    const steps = looked.map(({ tab, step, ...rest }) => ({ tab, step: step.id, ...rest }));
    printJson({ workflow: workflow.id, ok, inputs, steps });
    return ok;
  }
  for (const one of looked) show(one, isVerbose);
  const takes = inputs.length === 0 ? 'no inputs' : `inputs: ${printableLine(inputs.join(', '))}`;
  const state = ok ? paintOut('green', 'ok') : paintOut('red', `error: ${wrong} of ${looked.length} steps`);
  print(`\n${state}; ${takes}`);
  return ok;
}
