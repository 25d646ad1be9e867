/** A workflow as a graph: what each step needs, and what is wrong with that. */
import { nearest } from '../lib/did-you-mean.js';
import { fail, list, Reader, text, type Check } from '../lib/reader.js';
import { isStandardSchema } from '../lib/schema.js';
import { decodeValue, encodeValue } from '../protocol/value.js';
import type { WorkflowLimits } from './options.js';
import { checkParamSpec } from './param-spec.js';
import { cannotBeSent, checkBySpec } from './params.js';
import type { Message, Step, Tab, Workflow } from './types.js';

/** Where a table comes from: out of a step, or from the caller. */
export type Source = { readonly node: StepNode } | { readonly input: string };

export interface StepNode {
  readonly tab: Tab;
  readonly step: Step;
  /** What `render` is given first. */
  readonly table: Source | undefined;
  /** By the names under which `context.inputs` has them. */
  readonly inputs: ReadonlyMap<string, Source>;
  /** Why it can't be run. */
  readonly errors: readonly Message[];
}

export interface Plan {
  readonly workflow: Workflow;
  /** In the order of the workflow. */
  readonly nodes: readonly StepNode[];
  /** The last step of each tab that has any. */
  readonly results: ReadonlyMap<string, StepNode>;
}

const id: Check<string> = (value, name) =>
  text(value, name) === '' ? fail(name, 'not empty', value) : (value as string);

const object: Check<Readonly<Record<string, unknown>>> = (value, name) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : fail(name, 'an object', value);

const schema: Check<Step['schema']> = (value, name) =>
  isStandardSchema(value) ? value : checkParamSpec(value, name);

/** The caller's own: nothing here looks at it. */
const anything: Check<unknown> = (value) => value;

const references: Check<Readonly<Record<string, string>>> = (value, name) =>
  Object.fromEntries(Object.entries(object(value, name)).map(([key, of]) => [key, id(of, `${name}.${key}`)]));

/** What was meant is guessed so often, among so many names: each takes up to a third of a millisecond, and they are users' own. */
const MOST_GUESSES = 3;
const MOST_NAMES = 50;

/** In the place of params that no child can be given: why. */
export class RefusedParams {
  readonly errors: readonly Message[];

  constructor(errors: readonly Message[]) {
    this.errors = errors;
  }
}

const copyOf = (params: unknown): unknown =>
  decodeValue(Buffer.concat(encodeValue(params, { root: 'params' })));

/** As they are now, whatever the caller does with them next. */
function snapshot(params: unknown, given: Step['schema']): unknown {
  try {
    return copyOf(params);
  } catch (error) {
    // It may make something of them that can be sent.
    if (given !== undefined && isStandardSchema(given)) return params;
    const refused = new RefusedParams([cannotBeSent(error as Error)]);
    if (given === undefined) return refused;
    const checked = checkBySpec(given, params);
    if ('errors' in checked) return new RefusedParams(checked.errors);
    try {
      return copyOf(checked.value);
    } catch {
      return refused;
    }
  }
}

const checkStep: Check<Step> = (value, name) => {
  const reader = new Reader(object(value, name), name);
  const stepId = reader.required('id', id);
  const checked: Step = {
    id: stepId,
    // NUL is for the compiler to complain of.
    code: reader.required('code', (code, at) =>
      typeof code === 'string' ? code : fail(at, 'a string', code),
    ),
    filename: reader.get('filename', id, `${stepId}.js`),
    params: reader.get<unknown>('params', (params) => params, {}),
    inputs: reader.get('inputs', references, {}),
  };
  reader.get('name', text, '');
  reader.get('meta', anything, undefined);
  const given = reader.get<Step['schema']>('schema', schema, undefined);
  reader.end();
  const params = snapshot(checked.params, given);
  return { ...checked, params, ...(given !== undefined && { schema: given }) };
};

const checkTab: Check<Tab> = (value, name) => {
  const reader = new Reader(object(value, name), name);
  const tabId = reader.required('id', id);
  const tab = {
    id: tabId,
    name: reader.get('name', text, tabId),
    steps: reader.required('steps', list(checkStep, 'steps')),
  };
  const from = reader.get<string | undefined>('from', id, undefined);
  reader.get('meta', anything, undefined);
  reader.end();
  return from === undefined ? tab : { ...tab, from };
};

function assertAtMost(most: number, of: string, option: string, given: number): void {
  if (given > most) fail('workflow', `of at most ${most} ${of} (the option ${option})`, given);
}

function checkWorkflow(value: unknown, { maxTabs, maxSteps }: WorkflowLimits): Workflow {
  const reader = new Reader(object(value, 'workflow'), 'workflow');
  const workflow = {
    id: reader.required('id', id),
    tabs: reader.required('tabs', list(checkTab, 'tabs')),
  };
  reader.get('name', text, '');
  reader.get('meta', anything, undefined);
  reader.end();
  const { tabs } = workflow;
  assertAtMost(maxTabs, 'tabs', 'maxTabs', tabs.length);
  const steps = tabs.reduce((sum, tab) => sum + tab.steps.length, 0);
  assertAtMost(maxSteps, 'steps', 'maxSteps', steps);
  return workflow;
}

/** @param taken what has an id already, in words */
function assertUnique(
  ids: readonly (readonly [id: string, where: string])[],
  taken: ReadonlyMap<string, string>,
): void {
  const owners = new Map(taken);
  for (const [each, where] of ids) {
    const option = `workflow.${where}.id`;
    const owner = owners.get(each);
    if (owner !== undefined) fail(option, `one that nothing else has (${owner})`, each);
    owners.set(each, `${option} is the same`);
  }
}

/**
 * @param inputNames the tables that the caller gives
 * @param refused steps whose params somebody else was given, and could not hand on
 * @throws {InvalidOptionError} for what is no workflow; what its users can mend is among the errors of the steps
 */
export function makePlan(
  given: unknown,
  inputNames: readonly string[],
  limits: WorkflowLimits = { maxTabs: Infinity, maxSteps: Infinity },
  refused: readonly string[] = [],
): Plan {
  const workflow = checkWorkflow(given, limits);
  const { tabs } = workflow;
  assertUnique(
    tabs.map((tab, at) => [tab.id, `tabs[${at}]`]),
    new Map(inputNames.map((name) => [name, 'there is an input of that name'])),
  );
  assertUnique(
    tabs.flatMap((tab, at) =>
      tab.steps.map((step, index) => [step.id, `tabs[${at}].steps[${index}]`] as const),
    ),
    new Map(),
  );
  const needs = new Map(tabs.map((tab) => [tab.id, referencesOf(tab)]));
  const byTab = new Map<string, StepNode[]>();
  const nodes: StepNode[] = [];
  // Steps of later tabs are looked up when all of them are there.
  const resolvers: (() => void)[] = [];
  let guesses = MOST_GUESSES;
  for (const tab of tabs) {
    const own: StepNode[] = [];
    byTab.set(tab.id, own);
    for (const step of tab.steps) {
      const inputs = new Map<string, Source>();
      const errors: Message[] = step.params instanceof RefusedParams ? [...step.params.errors] : [];
      if (refused.includes(step.id)) errors.push(cannotBeSent(new Error('they were refused')));
      const previous = own.at(-1);
      const node: { -readonly [K in keyof StepNode]: StepNode[K] } = {
        tab,
        step,
        table: previous && { node: previous },
        inputs,
        errors,
      };
      const resolve = (reference: string, what: string): Source | undefined => {
        if (inputNames.includes(reference)) return { input: reference };
        const last = byTab.get(reference)?.at(-1);
        if (last === undefined) {
          const text = byTab.has(reference)
            ? `${what} is the tab '${reference}', which has no steps.`
            : missing(reference, what, guesses-- > 0 ? [...byTab.keys(), ...inputNames] : []);
          errors.push({ code: 'missingInput', text });
          return undefined;
        }
        if (reaches(needs, reference, tab.id)) {
          errors.push({
            code: 'cycle',
            text: `${what} is the tab '${reference}', which itself needs this one.`,
          });
          return undefined;
        }
        return { node: last };
      };
      resolvers.push(() => {
        const { from } = tab;
        if (previous === undefined && from !== undefined)
          node.table = resolve(from, 'The table of this step');
        for (const [name, reference] of Object.entries(step.inputs ?? {})) {
          const source = resolve(reference, `The input '${name}' of this step`);
          if (source !== undefined) inputs.set(name, source);
        }
      });
      own.push(node);
      nodes.push(node);
    }
  }
  for (const resolve of resolvers) resolve();
  const results = new Map<string, StepNode>();
  for (const [tab, steps] of byTab) {
    const last = steps.at(-1);
    if (last !== undefined) results.set(tab, last);
  }
  return { workflow, nodes, results };
}

function missing(reference: string, what: string, names: readonly string[]): string {
  const meant = nearest(reference, names.slice(0, MOST_NAMES));
  const guess = meant === undefined ? '' : ` Did you mean '${meant}'?`;
  return `${what} is '${reference}', and there is neither a tab nor an input of that name.${guess}`;
}

function referencesOf(tab: Tab): readonly string[] {
  const inputs = tab.steps.flatMap((step) => Object.values(step.inputs ?? {}));
  return tab.from === undefined ? inputs : [tab.from, ...inputs];
}

/** Whether the result of one tab depends on that of another. A tab depends on itself. */
function reaches(needs: ReadonlyMap<string, readonly string[]>, from: string, to: string): boolean {
  const seen = new Set([from]);
  for (const each of seen) {
    if (each === to) return true;
    for (const next of needs.get(each) ?? []) seen.add(next);
  }
  return false;
}

/** The steps whose tables it is given. */
export function predecessorsOf(node: StepNode): StepNode[] {
  return [...new Set(sourcesOf(node).flatMap((source) => ('node' in source ? [source.node] : [])))];
}

/** Where all of its tables come from. */
function sourcesOf({ table, inputs }: StepNode): readonly Source[] {
  return [...(table === undefined ? [] : [table]), ...inputs.values()];
}

/** The names of the tables of the caller's that steps are given. */
export function inputsOf({ nodes }: Plan): ReadonlySet<string> {
  return new Set(nodes.flatMap(sourcesOf).flatMap((source) => ('input' in source ? [source.input] : [])));
}
