/** The jobs of a workflow: their ids, their options, what is said about them, and how they are canceled. */
import { randomUUID } from 'node:crypto';
import type { Job, JobsOptions } from 'bullmq';
import { oneOf, Reader, type Check } from '../../lib/reader.js';
import { predecessorsOf, type Plan, type Source, type StepNode } from '../plan.js';
import type { TableRef } from '../store/types.js';
import type { StepCall } from '../types.js';
import type { QueueConnection } from './connection.js';
import { checked, writeStepJob, type Refs, type StepJob, type StepRefs } from './job-data.js';
import { readRecord, type StepRecord } from './step-record.js';
import type { Slot } from './turns.js';

export const WORKFLOW = 'workflow';
export const STEP = 'step';
export const VALIDATE = 'validate';

export type CancelWhy = 'superseded' | 'canceled' | 'closed';

/** What is said about a job, by its progress. The last thing stays with it. */
export type Progress =
  | { readonly type: 'started'; readonly call: StepCall }
  /** It is not run again, whatever becomes of its worker. */
  | { readonly type: 'done'; readonly record: StepRecord }
  | { readonly type: 'canceled'; readonly why: CancelWhy };

/** What is over is kept for so long, and so many at most, for those who look at the queue. */
const KEPT = { age: 3_600, count: 10_000 };

export function newWorkflowId(): string {
  return `w-${randomUUID()}`;
}

export function stepId(workflow: string, index: number): string {
  return `${workflow}.${index}`;
}

/** The id of the workflow that a job is of, and which of its steps it is. */
export function partsOf(jobId: string): { readonly workflow: string; readonly index: number | undefined } {
  const [workflow = '', index] = jobId.split('.');
  return { workflow, index: index === undefined ? undefined : Number(index) };
}

const calls: Check<StepCall> = oneOf('render', 'fetch', 'migrateParams', 'validate');
const whys: Check<CancelWhy> = oneOf('superseded', 'canceled', 'closed');

/** @returns undefined for what is none: nothing was said yet @throws {BadJobError} */
export function readProgress(value: unknown): Progress | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return checked('the progress of a job', () => {
    const reader = new Reader(value, 'progress');
    const type = reader.required('type', oneOf('started', 'done', 'canceled'));
    const progress: Progress =
      type === 'started'
        ? { type, call: reader.required('call', calls) }
        : type === 'canceled'
          ? { type, why: reader.required('why', whys) }
          : { type, record: readRecord(reader.required('record', (record) => record)) };
    reader.end();
    return progress;
  });
}

export const workflowOptions = (jobId: string): JobsOptions => ({
  jobId,
  // Whether it is tried again, and when, is for the worker to say: by the time, and not by how often.
  attempts: Number.MAX_SAFE_INTEGER,
  backoff: { type: 'custom' },
  removeOnComplete: KEPT,
  removeOnFail: KEPT,
});

/** @param turn when it is its own */
export const stepOptions = (jobId: string, turn: number): JobsOptions => ({
  ...workflowOptions(jobId),
  priority: turn,
  // What can't even be reported is reported by the workflow.
  ignoreDependencyOnFailure: true,
});

/** What is known of the steps of a workflow, by their places in the plan. */
export type Records = ReadonlyMap<number, StepRecord>;

/** The steps that can be run once these are done, and that nothing is known of. */
export function readySteps(plan: Plan, records: Records): StepNode[] {
  return plan.nodes.filter(
    (node, index) =>
      node.errors.length === 0 &&
      !records.has(index) &&
      predecessorsOf(node).every((each) => records.get(plan.nodes.indexOf(each))?.status === 'ok'),
  );
}

/** Steps, the ids of their jobs, and when it is whose turn. */
export function scheduled(
  workflow: string,
  { nodes }: Plan,
  ready: readonly StepNode[],
  slots: readonly Slot[],
): readonly (Slot & { readonly id: string; readonly node: StepNode })[] {
  return slots.flatMap((slot, nth) => {
    const node = ready[nth];
    return node === undefined ? [] : [{ ...slot, id: stepId(workflow, nodes.indexOf(node)), node }];
  });
}

export function dataOf(
  job: Pick<StepJob, 'of' | 'tenant' | 'rank'>,
  plan: Plan,
  node: StepNode,
  inputs: Refs,
  records: Records,
): object {
  const index = plan.nodes.indexOf(node);
  return writeStepJob({ ...job, index }, node, refsOfStep(plan, node, inputs, records));
}

/** @throws if a step that it needs is not known to be done */
export function refsOfStep(plan: Plan, node: StepNode, inputs: Refs, records: Records): StepRefs {
  const refOf = (source: Source): TableRef => {
    const ref =
      'input' in source ? inputs[source.input] : records.get(plan.nodes.indexOf(source.node))?.table;
    if (ref === undefined) throw new Error('a table that a step needs is not there');
    return { hash: ref.hash, byteLength: ref.byteLength };
  };
  return {
    table: node.table && refOf(node.table),
    inputs: Object.fromEntries(Array.from(node.inputs, ([name, source]) => [name, refOf(source)])),
  };
}

/** What is recorded with the job of a workflow about its steps. @throws {BadJobError} */
export async function recordsOf(job: Job): Promise<Map<number, StepRecord>> {
  const records = new Map<number, StepRecord>();
  const values = (await job.getChildrenValues<unknown>()) as Readonly<Record<string, unknown>> | undefined;
  for (const [key, value] of Object.entries(values ?? {})) {
    const { index } = partsOf(key);
    if (index !== undefined) records.set(index, readRecord(value));
  }
  return records;
}

/** A workflow's steps are not begun any more, and what is being run of it is ended. */
export async function cancelWorkflow(
  { queue, control }: QueueConnection,
  id: string,
  why: CancelWhy,
): Promise<void> {
  const job = (await queue.getJob(id)) as Job | undefined;
  if (job === undefined) return;
  await job.updateProgress({ type: 'canceled', why } satisfies Progress);
  await control.publishEvent({ eventName: 'cancel', workflow: id });
  await job.removeUnprocessedChildren();
}
