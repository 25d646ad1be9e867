/** The steps of a workflow that can be run now that others are done. */
import type { Job } from 'bullmq';
import type { Plan, StepNode } from '../plan.js';
import type { QueueConnection } from './connection.js';
import type { WorkflowJob } from './job-data.js';
import {
  dataOf,
  readProgress,
  readySteps,
  scheduled,
  STEP,
  stepId,
  stepOptions,
  type Records,
} from './jobs.js';
import type { Precedence } from './precedence.js';
import type { Turns } from './turns.js';

/** What can be run and there are no jobs of, and what is known of the steps that are done. */
export interface Missing {
  readonly steps: readonly StepNode[];
  readonly records: Records;
}

export class NextSteps {
  readonly #connection: QueueConnection;
  readonly #turns: Turns;
  readonly #precedence: Precedence;

  constructor(connection: QueueConnection, turns: Turns, precedence: Precedence) {
    this.#connection = connection;
    this.#turns = turns;
    this.#precedence = precedence;
  }

  /** @param known what became of steps that are over, or are as good as that */
  async missing(parent: Job, plan: Plan, known: Records): Promise<Missing> {
    const { queue } = this.#connection;
    const id = parent.id ?? '';
    const records = new Map(known);
    // Those that are done but not over: their workers look for what is to be added at the same time, and one of them sees both.
    const others = plan.nodes.map((_, other) => other).filter((other) => !records.has(other));
    const jobs = await Promise.all(
      others.map((other) => queue.getJob(stepId(id, other)) as Promise<Job | undefined>),
    );
    for (const [nth, job] of jobs.entries()) {
      const other = others[nth];
      const progress = readProgress(job?.progress);
      if (other !== undefined && progress?.type === 'done') records.set(other, progress.record);
    }
    const present = new Set(others.filter((_, nth) => jobs[nth] !== undefined));
    const steps = readySteps(plan, records).filter((node) => !present.has(plan.nodes.indexOf(node)));
    return { steps, records };
  }

  /** As children of their workflow. What is there already stays as it is. */
  async add(
    parent: Job,
    { plan, inputs, tenant, priority }: WorkflowJob,
    { steps: nodes, records }: Missing,
  ): Promise<void> {
    if (nodes.length === 0) return;
    const { queue } = this.#connection;
    const id = parent.id ?? '';
    const taken = await this.#turns.take(tenant, nodes.length, priority);
    const steps = scheduled(id, plan, nodes, taken.slots);
    await queue.addBulk(
      steps.map(({ id: jobId, turn, rank, node }) => ({
        name: STEP,
        data: dataOf({ of: id, tenant, rank }, plan, node, inputs, records),
        opts: { ...stepOptions(jobId, turn), parent: { id, queue: queue.qualifiedName } },
      })),
    );
    if (taken.overtakes) await this.#precedence.add(tenant, steps);
  }
}
