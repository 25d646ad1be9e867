/** Takes steps from the queue, runs them in children of this process, and says what became of them. */
import type { Job, QueueEvents, Worker } from 'bullmq';
import type { Caller } from '../children.js';
import { OpenWorkshop } from '../open-workshop.js';
import { internalMessage } from '../messages.js';
import type { StepNode } from '../plan.js';
import { Lane } from '../queue.js';
import { errorReport, NOTHING_RUN } from '../reports.js';
import { logFailure, runStep, validateStep } from '../run-step.js';
import { HeldTable } from '../step-table.js';
import type { TableExchange } from '../store/table-exchange.js';
import { activeContext, type Telemetry } from '../telemetry.js';
import type { RendererStats, StepReport } from '../types.js';
import { CONTROL, QueueConnection, settledInTime, STEPS } from './connection.js';
import { BadJobError } from './errors.js';
import {
  readStepJob,
  readValidateJob,
  readWorkflowJob,
  type StepJob,
  type StepRefs,
  type WorkflowJob,
} from './job-data.js';
import {
  partsOf,
  readProgress,
  recordsOf,
  refsOfStep,
  STEP,
  VALIDATE,
  WORKFLOW,
  type Progress,
} from './jobs.js';
import { NextSteps } from './next-steps.js';
import { Precedence } from './precedence.js';
import { TenantLimit } from './tenant-limit.js';
import { StepTables } from './step-tables.js';
import { mayBeTriedAgain, pauseAfter } from './retries.js';
import { writeRecord, type StepRecord } from './step-record.js';
import { Turns } from './turns.js';
import { checkWorkerOptions, type CheckedWorkerOptions } from './worker-options.js';
import type { WorkerOptions, WorkerStats } from './types.js';

/** So often may a worker vanish that has a step, before the step is given up: it may be what kills them. */
const MOST_STALLS = 3;

/** Since when a job fails is known for longer than it is tried, in milliseconds. */
const FAILURE_KNOWN_MS = 3_600_000;

/** There is nothing more to say of it. */
const CANCELED: StepRecord = { status: 'canceled' };

/** It has failed through nobody's fault, and there is time left. */
class TryAgain extends Error {}
class Draining extends Error {}
class LockLost extends Error {}
class Canceled extends Error {}

/** What there is to be done, and of what it is a part. */
interface Task {
  readonly data: StepJob;
  readonly parent: Job;
  readonly workflow: WorkflowJob;
  readonly node: StepNode;
}

/** A step that is being run. */
interface Active {
  readonly workflow: string;
  readonly abort: AbortController;
}

/**
 * Runs steps of workflows that others have put into a queue. Any number of them may share one, on any number of machines. All of
 * them have to be started with the same options.
 */
export class RendererWorker implements AsyncDisposable {
  readonly #options: CheckedWorkerOptions;
  readonly #open: OpenWorkshop;
  readonly #exchange: TableExchange;
  readonly #connection: QueueConnection;
  readonly #worker: Worker;
  readonly #cancels: QueueEvents;
  readonly #turns: Turns;
  readonly #precedence: Precedence;
  readonly #next: NextSteps;
  readonly #limit: TenantLimit | undefined;
  /** By the ids of their jobs. */
  readonly #active = new Map<string, Active>();
  readonly #done = { ok: 0, error: 0, canceled: 0, givenBack: 0, failed: 0 };
  #closing: Promise<void> | undefined;

  private constructor(
    options: CheckedWorkerOptions,
    open: OpenWorkshop,
    connection: QueueConnection,
    cancels: QueueEvents,
    limit: TenantLimit | undefined,
  ) {
    this.#options = options;
    this.#open = open;
    this.#exchange = open.workshop.tables;
    this.#connection = connection;
    this.#cancels = cancels;
    this.#limit = limit;
    this.#turns = new Turns(connection.redis, connection.key('turns'));
    this.#precedence = new Precedence(connection);
    this.#next = new NextSteps(connection, this.#turns, this.#precedence);
    cancels.on(
      'cancel' as 'error',
      ((event: { readonly workflow?: unknown }) => {
        for (const { workflow, abort } of this.#active.values())
          if (workflow === event.workflow) abort.abort(new Canceled());
      }) as unknown as () => void,
    );
    this.#worker = connection.watched(
      new connection.bullmq.Worker(STEPS, (job, token = '') => this.#process(job, token), {
        ...connection.options,
        autorun: false,
        concurrency: options.renderer.maxChildren,
        lockDuration: options.lockMs,
        stalledInterval: options.lockMs,
        // Whose worker vanished is counted here, so that it is reported.
        maxStalledCount: Number.MAX_SAFE_INTEGER,
        runRetryDelay: 1_000,
        settings: { backoffStrategy: pauseAfter },
      }),
    );
    this.#telemetry.observe('nodespawner.queue.jobs', '{job}', async (observe) => {
      for (const [state, count] of Object.entries(await this.queueCounts())) observe(count, { state });
    });
    this.#telemetry.observe('nodespawner.tables.transferred', 'By', (observe) => {
      const { uploadedBytes, downloadedBytes } = this.#exchange.stats;
      observe(uploadedBytes, { way: 'up' });
      observe(downloadedBytes, { way: 'down' });
      return Promise.resolve();
    });
    this.#worker.on('drained', () => {
      const { queue } = this.#connection;
      this.#turns.clear([queue.toKey('prioritized'), queue.toKey('delayed')]).catch(this.#onError);
    });
    this.#worker.on('lockRenewalFailed', (jobIds: string[]) => {
      for (const id of jobIds) this.#active.get(id)?.abort.abort(new LockLost());
    });
    this.#worker.on('failed', (job, err) => {
      this.#telemetry.log.warn({ event: 'job.failed', job: job?.id, err }, 'a job could not be done');
    });
  }

  /**
   * Starts one, with the zygote that most steps need, and takes steps at once.
   *
   * @throws {InvalidOptionError} `ERR_INVALID_OPTION`; {ZygoteStartError}; {QueueError}, if Redis doesn't answer
   */
  static async start(options: WorkerOptions): Promise<RendererWorker> {
    const checked = checkWorkerOptions(options);
    const connection = await QueueConnection.open(checked.queue, checked.renderer.logger);
    let open: OpenWorkshop | undefined;
    let cancels: QueueEvents | undefined;
    try {
      const limit = checked.tenantLimit && (await TenantLimit.open(connection, checked.tenantLimit));
      open = await OpenWorkshop.start(checked.renderer, () => 0);
      cancels = connection.watched(new connection.bullmq.QueueEvents(CONTROL, connection.options));
      await cancels.waitUntilReady();
      const worker = new RendererWorker(checked, open, connection, cancels, limit);
      worker.#run();
      return worker;
    } catch (error) {
      await Promise.allSettled([cancels?.close(), open?.close()]);
      await connection.close();
      throw error;
    }
  }

  get #telemetry(): Telemetry {
    return this.#open.telemetry;
  }

  /** What it has done and is doing. */
  get stats(): WorkerStats {
    const stats: RendererStats = this.#open.statsOf(0);
    return {
      ...stats,
      steps: { ...this.#done, active: this.#active.size },
      transferred: this.#exchange.stats,
    };
  }

  /** How many steps it runs at once. */
  get concurrency(): number {
    return this.#options.renderer.maxChildren;
  }

  /** Whether it takes steps: it is not closing, and the queue is there. */
  get isReady(): boolean {
    return this.#closing === undefined && this.#connection.redis.status === 'ready';
  }

  /** How many jobs of the queue there are in each state. @throws if Redis refuses */
  async queueCounts(): Promise<Readonly<Record<string, number>>> {
    return this.#connection.queue.getJobCounts();
  }

  /**
   * Takes nothing more, goes on with what it has begun, for `drainMs` at most, and gives back the rest, so that other workers take
   * it at once.
   */
  async close({ drainMs = this.#options.drainMs }: { readonly drainMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close();
    const timer = setTimeout(() => {
      for (const { abort } of this.#active.values()) abort.abort(new Draining());
    }, drainMs);
    try {
      await this.#closing;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #run(): void {
    this.#worker.run().catch(this.#onError);
  }

  readonly #onError = (err: unknown): void => {
    this.#telemetry.log.warn({ event: 'queue.error', err }, 'the queue could not be told');
  };

  async #close(): Promise<void> {
    // Ends when no job is active any more.
    await this.#worker.pause();
    await this.#open.close();
    await settledInTime([this.#worker.close(), this.#cancels.close()]);
    await this.#connection.close();
  }

  /** @returns what the job gives @throws what is not the job's fault, so that it is tried again */
  async #process(job: Job, token: string): Promise<unknown> {
    try {
      switch (job.name) {
        case WORKFLOW:
          return await this.#collect(job, token);
        case STEP:
          return await this.#step(job, token);
        case VALIDATE:
          return await this.#validate(job, token);
        default:
          throw new BadJobError('a job', new Error(`there is no kind '${job.name}'`));
      }
    } catch (error) {
      const { DelayedError, UnrecoverableError, WaitingChildrenError } = this.#connection.bullmq;
      if (error instanceof DelayedError || error instanceof WaitingChildrenError) throw error;
      if (error instanceof TryAgain || error instanceof LockLost) throw error;
      // It will not be better the next time.
      if (error instanceof BadJobError || !(await this.#hasTimeLeft(job, error)))
        throw Object.assign(new UnrecoverableError((error as Error).message), { cause: error });
      throw error;
    }
  }

  get #failureKnownMs(): number {
    return 2 * this.#options.retryMs + FAILURE_KNOWN_MS;
  }

  /** Whether a job that failed through nobody's fault is to be tried again: by when it did so for the first time. */
  async #hasTimeLeft({ id = '' }: Job, error: unknown): Promise<boolean> {
    const { redis } = this.#connection;
    const { retryMs } = this.#options;
    const key = this.#connection.key(`failed:${id}`);
    await redis.set(key, Date.now(), 'PX', this.#failureKnownMs, 'NX');
    return mayBeTriedAgain(error, Number(await redis.get(key)), retryMs);
  }

  /** A worker that lives has lost its lock: Redis was away for longer than that, or the worker had no time to renew it. */
  async #countLoss(id: string): Promise<void> {
    const key = this.#connection.key(`lost:${id}`);
    await this.#connection.redis.incr(key);
    await this.#connection.redis.pexpire(key, this.#failureKnownMs);
  }

  /** Whether so many workers of a step have vanished that it may be what kills them. Those that live don't count, for a while. */
  async #killsWorkers(job: Job): Promise<boolean> {
    if (job.stalledCounter <= MOST_STALLS) return false;
    const losses = Number(await this.#connection.redis.get(this.#connection.key(`lost:${job.id ?? ''}`)));
    return job.stalledCounter - losses > MOST_STALLS || !(await this.#hasTimeLeft(job, new LockLost()));
  }

  /** What became of all steps, for those who look at the queue. Whoever waits for them has heard of each. */
  async #collect(job: Job, token: string): Promise<object> {
    const data = readWorkflowJob(job.data);
    const { workflow, plan } = data;
    const isCanceled = readProgress(job.progress)?.type === 'canceled';
    if (!isCanceled) await this.#restore(job, token, data);
    const records = await recordsOf(job);
    const steps = plan.nodes.map(({ tab, step, errors }, index) => {
      const record = records.get(index);
      const status = errors.length > 0 ? 'error' : (record?.status ?? 'unreachable');
      return { tab: tab.id, step: step.id, status, ...(record?.table && { table: record.table }) };
    });
    const status = isCanceled ? 'canceled' : steps.some((step) => step.status === 'error') ? 'error' : 'ok';
    return { workflow, status, steps };
  }

  /**
   * Adds once more the steps that could be run and that there are no jobs of: Redis has acknowledged them, and lost them. So it does
   * for a while; then whoever waits for them is told.
   *
   * @throws what BullMQ takes for a job that waits for those
   */
  async #restore(job: Job, token: string, workflow: WorkflowJob): Promise<void> {
    const missing = await this.#next.missing(job, workflow.plan, await recordsOf(job));
    if (missing.steps.length === 0 || !(await this.#hasTimeLeft(job, new Error('steps got lost')))) return;
    const steps = missing.steps.map(({ step }) => step.id);
    this.#telemetry.log.warn(
      { event: 'queue.lost', workflow: workflow.workflow, steps },
      'the queue has lost steps of a workflow, which are put there again',
    );
    await this.#next.add(job, workflow, missing);
    if (await job.moveToWaitingChildren(token)) throw new this.#connection.bullmq.WaitingChildrenError();
  }

  async #step(job: Job, token: string): Promise<StepRecord> {
    const data = readStepJob(job.data);
    const id = job.id ?? '';
    if (partsOf(id).workflow !== data.of)
      throw new BadJobError('the job of a step', new Error('it is of another'));
    const active = { workflow: data.of, abort: new AbortController() };
    // Before it is looked at whether it is canceled: who cancels does so in the other order.
    this.#active.set(id, active);
    try {
      return await this.#activeStep(job, token, data, active.abort.signal);
    } catch (error) {
      if (error instanceof LockLost) await this.#countLoss(id).catch(this.#onError);
      throw error;
    } finally {
      // This worker may have taken it again before it was over here.
      if (this.#active.get(id) === active) this.#active.delete(id);
    }
  }

  async #activeStep(job: Job, token: string, data: StepJob, signal: AbortSignal): Promise<StepRecord> {
    const parent = (await this.#connection.queue.getJob(data.of)) as Job | undefined;
    if (parent === undefined || readProgress(parent.progress)?.type === 'canceled') return CANCELED;
    const workflow = readWorkflowJob(parent.data);
    const node = workflow.plan.nodes[data.index];
    if (node === undefined) throw new BadJobError('the job of a step', new Error('there is no such step'));
    const known = readProgress(job.progress);
    // Its worker has vanished when it was as good as done.
    const record =
      known?.type === 'done'
        ? known.record
        : await this.#runStep(job, token, { data, parent, workflow, node }, signal);
    if (record.status === 'ok') await this.#goOn(parent, workflow, data.index, record);
    return record;
  }

  async #runStep(job: Job, token: string, task: Task, signal: AbortSignal): Promise<StepRecord> {
    const { workflow, node } = task;
    const { tenant } = task.data;
    if (await this.#precedence.yields(job, task.data)) await this.#later(job, token, 0);
    await this.#heed(job, token, tenant);
    await Promise.all([
      job.priority > 0 ? this.#turns.began(job.priority) : undefined,
      this.#precedence.began(job, tenant),
    ]);
    // In the order in which they happen.
    let told: Promise<unknown> = Promise.resolve();
    const tell = (progress: Progress): void => {
      told = told.then(() => job.updateProgress(progress));
      told.catch(() => undefined);
    };
    let record: StepRecord;
    if (await this.#killsWorkers(job)) {
      this.#logFailure(workflow, node, new Error(`its worker has vanished ${job.stalledCounter} times`));
      record = await this.#recordOf(internalReport(node), signal);
    } else {
      try {
        record = await this.#tryStep(task, signal, (call) => {
          tell({ type: 'started', call });
        });
      } catch (error) {
        if (await this.#hasTimeLeft(job, error))
          throw new TryAgain((error as Error).message, { cause: error });
        this.#logFailure(workflow, node, error);
        record = await this.#recordOf(internalReport(node), signal);
      }
    }
    if (record.status === 'canceled' && !(signal.reason instanceof Canceled)) {
      if (signal.reason instanceof Draining) await this.#giveBack(job, token);
      throw signal.reason;
    }
    // Who has lost the job to another worker has nothing to say about it any more.
    if (!(await job.extendLock(token, this.#options.lockMs))) throw new LockLost();
    // Whoever hears that it is done finds it counted.
    this.#done[record.status]++;
    tell({ type: 'done', record });
    await told;
    this.#telemetry.stepEnded(record.status, false);
    return record;
  }

  async #tryStep(
    { data, parent, workflow: { workflow, plan, inputs, refetch }, node }: Task,
    signal: AbortSignal,
    onStarted: Caller['onStarted'],
  ): Promise<StepRecord> {
    const { workshop } = this.#open;
    const lane = this.#laneOf(data.tenant);
    const caller = { workflow, lane, signal, context: activeContext(), onStarted };
    const refsOf = async (other: StepNode): Promise<StepRefs> =>
      refsOfStep(plan, other, inputs, await recordsOf(parent));
    using tables = new StepTables({ workshop, caller, telemetry: this.#telemetry, refsOf });
    let report: StepReport | undefined;
    try {
      report = await runStep(
        workshop,
        node,
        caller,
        async () => ({
          ...(await tables.hold(node, data)),
          refetch: refetch === true || (Array.isArray(refetch) && refetch.includes(node.step.id)),
        }),
        (error) => {
          throw error;
        },
      );
      if (report.status === 'canceled') return CANCELED;
      if (report.status === 'ok' && report.table instanceof HeldTable)
        await this.#exchange.publish(report.table.stored, signal);
      return await this.#recordOf(report, signal);
    } catch (error) {
      if (signal.aborted) return CANCELED;
      throw error;
    } finally {
      if (report?.status === 'ok' && report.table instanceof HeldTable) report.table[Symbol.dispose]();
    }
  }

  /** Those of one tenant take turns with those of others also within this process. */
  readonly #lanes = new Map<string, Lane>();
  #laneOf(tenant: string): Lane {
    const known = this.#lanes.get(tenant);
    if (known !== undefined) return known;
    // Nobody waits in those that are forgotten.
    for (const [name, { waiting }] of this.#lanes) if (waiting.length === 0) this.#lanes.delete(name);
    const lane = new Lane();
    this.#lanes.set(tenant, lane);
    return lane;
  }

  #recordOf(report: StepReport, signal: AbortSignal): Promise<StepRecord> {
    return writeRecord(report, this.#options.store, signal);
  }

  /** Adds the steps that can be run now that this one is done. It may have been tried before: what is there stays. */
  async #goOn(parent: Job, workflow: WorkflowJob, index: number, record: StepRecord): Promise<void> {
    const records = await recordsOf(parent);
    records.set(index, record);
    await this.#next.add(parent, workflow, await this.#next.missing(parent, workflow.plan, records));
  }

  async #validate(job: Job, token: string): Promise<object> {
    const { code, filename } = readValidateJob(job.data);
    const id = job.id ?? '';
    const active = { workflow: id, abort: new AbortController() };
    this.#active.set(id, active);
    try {
      if (job.priority > 0) await this.#turns.began(job.priority);
      return await validateStep(this.#open.workshop, { id: filename, code, filename }, active.abort.signal);
    } catch (error) {
      if (active.abort.signal.reason instanceof Draining) await this.#giveBack(job, token);
      throw error;
    } finally {
      this.#active.delete(id);
    }
  }

  /** @throws what BullMQ takes for a job that waits again */
  async #giveBack(job: Job, token: string): Promise<never> {
    this.#done.givenBack++;
    return this.#later(job, token, 0);
  }

  /** @throws what BullMQ takes for a job that waits, if its tenant has had its share for now */
  async #heed(job: Job, token: string, tenant: string): Promise<void> {
    const waitMs = (await this.#limit?.take(tenant)) ?? 0;
    if (waitMs > 0) await this.#later(job, token, waitMs);
  }

  /** As delayed, so that a worker that waits is woken: it isn't by a job with a priority that is moved to those that wait. */
  async #later(job: Job, token: string, waitMs: number): Promise<never> {
    await job.moveToDelayed(Date.now() + waitMs, token);
    throw new this.#connection.bullmq.DelayedError();
  }

  #logFailure({ workflow }: WorkflowJob, { step }: StepNode, error: unknown): void {
    this.#done.failed++;
    logFailure(this.#telemetry, workflow, step.id, error);
  }
}

function internalReport(node: StepNode): StepReport {
  return errorReport(node, [internalMessage()], NOTHING_RUN);
}
