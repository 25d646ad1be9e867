/**
 * What jobs have in them, as JSON. Tables are references, and what users wrote (code, params, values) is in the encoding of
 * protocol.thrift, which keeps what JSON loses and is checked as strictly as what a child says.
 *
 * SECURITY: whoever can write to Redis can write jobs. All of it is checked before anything is done with it.
 */
import { fail, list, Reader, text, type Check } from '../../lib/reader.js';
import { DEFAULT_MAX_DEPTH } from '../../protocol/limits.js';
import { decodeValue, encodeValue, type PlainValue } from '../../protocol/value.js';
import { priorityNumber } from '../priority.js';
import { makePlan, RefusedParams, type Plan, type StepNode } from '../plan.js';
import type { TableRef } from '../store/types.js';
import type { Step } from '../types.js';
import { BadJobError } from './errors.js';

/** The form of all of it. */
const VERSION = 2;

/** Params that may be sent nest so deep, and are a part of a workflow. */
const MAX_WORKFLOW_DEPTH = DEFAULT_MAX_DEPTH + 10;

/** Of a workflow with its code and params. What is larger belongs into a table. */
export const MAX_WORKFLOW_BYTES = 4 * 1024 * 1024;

/** Inputs by name, of a workflow or of a step. */
export type Refs = Readonly<Record<string, TableRef>>;

/** The job that collects the steps of a workflow. */
export interface WorkflowJob {
  readonly tenant: string;
  readonly workflow: string;
  readonly plan: Plan;
  readonly inputs: Refs;
  readonly refetch: boolean | readonly string[];
  readonly priority: number;
}

/** The tables that a step is given: as `render` is, and as `context.inputs` has them. */
export interface StepRefs {
  readonly table: TableRef | undefined;
  readonly inputs: Refs;
}

/** The job of one step. */
export interface StepJob extends StepRefs {
  readonly tenant: string;
  /** The id of the job of its workflow. */
  readonly of: string;
  /** Which of the steps in the plan. */
  readonly index: number;
  /** Its `Slot`'s. */
  readonly rank: number;
}

/** What is looked at without being run. */
export interface ValidateJob {
  readonly tenant: string;
  readonly code: string;
  readonly filename: string;
}

export function encoded(value: unknown, root: string, maxBytes = MAX_WORKFLOW_BYTES): string {
  const limits = { maxBytes, maxDepth: MAX_WORKFLOW_DEPTH };
  return Buffer.concat(encodeValue(value, { root, limits })).toString('base64');
}

export function decoded(given: unknown, root: string, maxBytes = MAX_WORKFLOW_BYTES): PlainValue {
  const base64 = text(given, root);
  if (base64.length > 2 * maxBytes) fail(root, `at most ${2 * maxBytes} characters`, base64);
  const limits = { maxBytes, maxDepth: MAX_WORKFLOW_DEPTH };
  return decodeValue(Buffer.from(base64, 'base64'), { root, ownsBytes: true, limits });
}

const version: Check<number> = (value, name) =>
  value === VERSION ? VERSION : fail(name, `${VERSION}, the form that this version reads`, value);

const hash: Check<string> = (value, name) =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
    ? value
    : fail(name, 'a SHA-256 in hexadecimal', value);

export const whole: Check<number> = (value, name) =>
  Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : fail(name, 'a whole number', value);

export const tableRef: Check<TableRef> = (value, name) => {
  const reader = new Reader(value, name);
  const ref = { hash: reader.required('hash', hash), byteLength: reader.required('byteLength', whole) };
  reader.end();
  return ref;
};

const refs: Check<Refs> = (value, name) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fail(name, 'an object', value);
  return Object.fromEntries(
    Object.entries(value).map(([key, ref]) => [key, tableRef(ref, `${name}.${key}`)]),
  );
};

const flagOrIds: Check<boolean | readonly string[]> = (value, name) =>
  typeof value === 'boolean' ? value : list(text, 'ids of steps')(value, name);

/** @throws {ValueTooLargeError} */
export function writeWorkflowJob(
  tenant: string,
  plan: Plan,
  { refetch, priority }: Pick<WorkflowJob, 'refetch' | 'priority'>,
): (inputs: Refs) => object {
  const { workflow } = plan;
  const tabs = workflow.tabs.map((tab) => ({ ...tab, steps: tab.steps.map(withoutRefused) }));
  const source = encoded({ ...workflow, tabs }, 'workflow');
  const refused = plan.nodes.filter(({ step }) => step.params instanceof RefusedParams);
  return (inputs) => ({
    v: VERSION,
    tenant,
    workflow: workflow.id,
    steps: plan.nodes.map(({ step }) => step.id),
    inputs,
    refetch,
    priority,
    refused: refused.map(({ step }) => step.id),
    source,
  });
}

const withoutRefused = (step: Step): Step =>
  step.params instanceof RefusedParams ? { ...step, params: {} } : step;

/** @throws {BadJobError} */
export function readWorkflowJob(data: unknown): WorkflowJob {
  return checked('the job of a workflow', () => {
    const reader = new Reader(data, 'data');
    reader.required('v', version);
    reader.get('steps', list(text, 'ids'), []);
    const inputs = reader.required('inputs', refs);
    const plan = makePlan(
      reader.required('source', (value) => decoded(value, 'data.source')),
      Object.keys(inputs),
      undefined,
      reader.required('refused', list(text, 'ids of steps')),
    );
    const job = {
      tenant: reader.required('tenant', text),
      workflow: reader.required('workflow', text),
      plan,
      inputs,
      refetch: reader.required('refetch', flagOrIds),
      priority: reader.required('priority', priorityNumber),
    };
    reader.end();
    return job;
  });
}

export function writeStepJob(
  { of, index, tenant, rank }: Pick<StepJob, 'of' | 'index' | 'tenant' | 'rank'>,
  node: StepNode,
  { table, inputs }: StepRefs,
): object {
  return {
    v: VERSION,
    tenant,
    of,
    index,
    rank,
    step: node.step.id,
    ...(table === undefined ? {} : { table }),
    inputs,
  };
}

/** @throws {BadJobError} */
export function readStepJob(data: unknown): StepJob {
  return checked('the job of a step', () => {
    const reader = new Reader(data, 'data');
    reader.required('v', version);
    reader.get('step', text, '');
    const job = {
      tenant: reader.required('tenant', text),
      of: reader.required('of', text),
      index: reader.required('index', whole),
      rank: reader.required('rank', whole),
      table: reader.get<TableRef | undefined>('table', tableRef, undefined),
      inputs: reader.required('inputs', refs),
    };
    reader.end();
    return job;
  });
}

/** @throws {ValueTooLargeError} */
export function writeValidateJob({ tenant, code, filename }: ValidateJob): object {
  return { v: VERSION, tenant, filename, source: encoded(code, 'code') };
}

/** @throws {BadJobError} */
export function readValidateJob(data: unknown): ValidateJob {
  return checked('the job of a validation', () => {
    const reader = new Reader(data, 'data');
    reader.required('v', version);
    const code = decoded(
      reader.required('source', (value) => value),
      'data.source',
    );
    const job = {
      tenant: reader.required('tenant', text),
      filename: reader.required('filename', text),
      code: typeof code === 'string' ? code : fail('data.source', 'a string', code),
    };
    reader.end();
    return job;
  });
}

export function checked<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new BadJobError(what, error);
  }
}
