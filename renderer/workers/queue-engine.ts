/** Has the steps of workflows run by workers, which hear of them by a queue and share a store with this process. */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { InvalidOptionError } from '../../lib/errors.js';
import { list, oneOf, Reader } from '../../lib/reader.js';
import { isStandardSchema } from '../../lib/schema.js';
import type { Engine, EngineRequest, EngineRun } from '../engine.js';
import { RenderCanceledError } from '../errors.js';
import { internalMessage } from '../messages.js';
import { inputsOf, type StepNode } from '../plan.js';
import { canceledReport, errorReport, nameOf, NOTHING_RUN } from '../reports.js';
import { logFailure } from '../run-step.js';
import { unlessAborted } from '../store/flights.js';
import { TableExchange } from '../store/table-exchange.js';
import type { ObjectStore, TableRef } from '../store/types.js';
import { TableStore } from '../table-store.js';
import { Telemetry } from '../telemetry.js';
import type { RendererStats, Step, StepCall, StepReport, Validation } from '../types.js';
import { QueueConnection, STEPS } from './connection.js';
import { Deferred } from './deferred.js';
import { Follower, type Follows } from './follower.js';
import { checked, writeValidateJob, writeWorkflowJob, type Refs } from './job-data.js';
import {
  cancelWorkflow,
  dataOf,
  newWorkflowId,
  readProgress,
  readySteps,
  recordsOf,
  scheduled,
  STEP,
  stepOptions,
  VALIDATE,
  WORKFLOW,
  workflowOptions,
  type CancelWhy,
} from './jobs.js';
import type { CheckedQueuedOptions } from '../options.js';
import { Precedence } from './precedence.js';
import { RemoteTable } from './remote-table.js';
import { retried } from './retries.js';
import { message, readRecord, readReport, type StepRecord } from './step-record.js';
import { Turns } from './turns.js';

/** For how long it is known which version of a workflow is the newest, in seconds. */
const CURRENT_SECONDS = 24 * 3_600;

/** How long closing waits for what is still to be told. */
const CLOSE_MS = 5_000;

/** What all workflows of a client share. */
interface Client {
  readonly connection: QueueConnection;
  readonly follower: Follower;
  readonly turns: Turns;
  readonly precedence: Precedence;
  readonly tenant: string;
  readonly store: ObjectStore;
  readonly tables: TableStore;
  readonly exchange: TableExchange;
  readonly telemetry: Telemetry;
  /** What is to be waited for before the connection is closed. */
  readonly pending: Set<Promise<unknown>>;
}

export class QueueEngine implements Engine {
  readonly telemetry: Telemetry;
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
    this.telemetry = client.telemetry;
  }

  /** @throws {QueueError}, if Redis doesn't answer */
  static async start(options: CheckedQueuedOptions, renderings: () => number): Promise<QueueEngine> {
    const { queue, store, maxMemoryBytes, logger } = options;
    const connection = await QueueConnection.open(queue, logger);
    try {
      const tables = new TableStore(maxMemoryBytes);
      const telemetry = new Telemetry(logger, () => ({ ...statsOf(tables, renderings()), parked: 0 }));
      const follower = await Follower.start(connection, (err) => {
        telemetry.log.warn({ event: 'queue.error', err }, 'the queue could not be looked at');
      });
      const exchange = new TableExchange({ memory: tables, files: undefined, store }, telemetry);
      const turns = new Turns(connection.redis, connection.key('turns'));
      const { tenant } = queue;
      const pending = new Set<Promise<unknown>>();
      return new QueueEngine({
        connection,
        follower,
        turns,
        precedence: new Precedence(connection),
        tenant,
        store,
        tables,
        exchange,
        telemetry,
        pending,
      });
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  begin(request: EngineRequest): EngineRun {
    return new QueuedRun(this.#client, request);
  }

  async validate({ code, id, filename = id }: Step, signal: AbortSignal): Promise<Validation> {
    signal.throwIfAborted();
    const { connection, follower, turns, tenant } = this.#client;
    const jobId = `v-${randomUUID()}`;
    const ended = new Deferred<unknown>();
    const onAbort = (): void => {
      ended.reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const onEnd = (value: unknown, isFailed: boolean): void => {
      if (isFailed) ended.reject(new Error('the code could not be looked at'));
      else ended.resolve(value);
    };
    const data = writeValidateJob({ tenant, code, filename });
    const [slot] = (await turns.take(tenant, 1, 0)).slots;
    const options = { ...workflowOptions(jobId), priority: slot?.turn ?? 1 };
    follower.follow(jobId, {
      onProgress: () => undefined,
      onEnd: (_, value, isFailed) => {
        onEnd(value, isFailed);
      },
      look: async () => {
        const job = await connection.queue.getJob(jobId);
        if (job === undefined) await connection.queue.add(VALIDATE, data, options);
        else if (job.finishedOn !== undefined) onEnd(job.returnvalue, await job.isFailed());
      },
    });
    try {
      await connection.queue.add(VALIDATE, data, options);
      return readValidation(await ended.promise);
    } finally {
      signal.removeEventListener('abort', onAbort);
      follower.forget(jobId);
    }
  }

  statsOf(renderings: number): RendererStats {
    return statsOf(this.#client.tables, renderings);
  }

  async close(): Promise<void> {
    const { follower, connection, pending, tables } = this.#client;
    // Not for longer, if Redis is away.
    await Promise.race([Promise.allSettled(pending), pause(CLOSE_MS, undefined, { ref: false })]);
    await follower.close();
    await connection.close();
    tables.clear();
    this.telemetry.close();
  }
}

function statsOf(tables: TableStore, renderings: number): RendererStats {
  return {
    renderings,
    children: { running: 0, queued: 0, spawned: 0 },
    tables: { handedOverBytes: 0, copiedBytes: tables.copiedBytes, memoryBytes: tables.memoryBytes },
    cache: { hits: 0, misses: 0, writtenBytes: 0, bytes: 0 },
  };
}

function readValidation(value: unknown): Validation {
  return checked('the result of a validation', () => {
    const reader = new Reader(value, 'validation');
    const validation = {
      ok: reader.required('ok', (ok) => ok === true),
      exports: reader.required('exports', list(oneOf('render', 'fetch', 'migrateParams'), 'names')),
      errors: reader.required('errors', list(message, 'messages')),
    };
    reader.end();
    return validation;
  });
}

class QueuedRun implements EngineRun, Follows {
  readonly #client: Client;
  readonly #request: EngineRequest;
  readonly #id = newWorkflowId();
  readonly #data: (inputs: Refs) => object;
  readonly #currentKey: string;
  /** Of each step, now or later; undefined if it got lost. */
  readonly #records: readonly Deferred<StepRecord | undefined>[];
  /** What is begun of steps before it is known here that their turn has come; undefined once that is known. */
  readonly #early: (StepCall[] | undefined)[];
  #refs: Refs = {};
  readonly #onAbort: () => void;

  constructor(client: Client, request: EngineRequest) {
    const { plan, signal } = request;
    this.#client = client;
    this.#request = request;
    assertCanTravel(plan.nodes);
    this.#data = writeWorkflowJob(client.tenant, plan, request);
    const digest = createHash('sha256')
      .update(JSON.stringify([client.tenant, plan.workflow.id]))
      .digest('hex');
    this.#currentKey = client.connection.key(`current:${digest}`);
    this.#records = plan.nodes.map(() => new Deferred<StepRecord | undefined>());
    this.#early = plan.nodes.map(() => []);
    this.#onAbort = () => {
      const { reason } = signal as { readonly reason: unknown };
      this.#cancel(reason instanceof RenderCanceledError ? reason.why : 'canceled');
    };
  }

  /** It may be canceled at any moment. */
  #isOver(): boolean {
    return this.#request.signal.aborted;
  }

  async start(): Promise<void> {
    if (this.#isOver()) return;
    const { signal } = this.#request;
    const submitted = this.#start();
    try {
      await unlessAborted(submitted, signal);
    } catch (error) {
      // The queue may be away: nobody has to wait for it who has canceled.
      if (!this.#isOver()) throw error;
      this.#track(submitted);
    }
  }

  async #start(): Promise<void> {
    const { signal, plan, inputs } = this.#request;
    const { tables, exchange, follower, connection } = this.#client;
    const refs = Object.create(null) as Record<string, TableRef>;
    for (const name of inputsOf(plan)) {
      if (this.#isOver()) return;
      const input = inputs[name];
      if (input === undefined) throw new InvalidOptionError(`options.inputs.${name}`, 'a table', input);
      const stored = await tables.add(input, `options.inputs.${name}`);
      try {
        await exchange.publish(stored, signal);
        refs[name] = { hash: stored.hash, byteLength: stored.byteLength };
      } catch (error) {
        if (!this.#isOver()) throw error;
      } finally {
        stored.release();
      }
    }
    if (this.#isOver()) return;
    this.#refs = refs;
    follower.follow(this.#id, this);
    signal.addEventListener('abort', this.#onAbort, { once: true });
    const older = await connection.redis.set(this.#currentKey, this.#id, 'EX', CURRENT_SECONDS, 'GET');
    await this.#submit();
    if (older !== null && older !== this.#id) await cancelWorkflow(connection, older, 'superseded');
    // A newer one may have come before there was anything of this one that it could have canceled.
    const current = await connection.redis.get(this.#currentKey);
    if (current !== null && current !== this.#id) this.#request.cancel(new RenderCanceledError('superseded'));
    // It may have been canceled before there was anything to cancel.
    else if (this.#isOver()) this.#onAbort();
  }

  async run(node: StepNode): Promise<StepReport> {
    const { signal, plan, onStarted } = this.#request;
    const { store, exchange, telemetry } = this.#client;
    const index = plan.nodes.indexOf(node);
    for (const call of this.#early[index] ?? []) onStarted(node, call);
    this.#early[index] = undefined;
    try {
      const record = await unlessAborted(this.#recordOf(node).promise, signal);
      if (record === undefined) throw new Error('the workers have lost the step');
      if (record.status === 'canceled') {
        this.#request.cancel(new RenderCanceledError('canceled'));
        return canceledReport(node, NOTHING_RUN);
      }
      const read = () => readReport(record, nameOf(node), store, signal);
      const report = await retried(read, signal);
      const { status, table, value, ...rest } = report;
      if (status !== 'ok') return { ...rest, status: 'error', value };
      if (table === undefined) throw new Error('a table of which nothing is known');
      return { ...rest, status, value, table: new RemoteTable(table, exchange) };
    } catch (error) {
      if (signal.aborted) return canceledReport(node, NOTHING_RUN);
      logFailure(telemetry, plan.workflow.id, node.step.id, error);
      return errorReport(node, [internalMessage()], NOTHING_RUN);
    }
  }

  #recordOf(node: StepNode): Deferred<StepRecord | undefined> {
    const record = this.#records[this.#request.plan.nodes.indexOf(node)];
    if (record === undefined) throw new Error('a step of another workflow');
    return record;
  }

  end(): void {
    this.#request.signal.removeEventListener('abort', this.#onAbort);
    this.#client.follower.forget(this.#id);
  }

  onProgress(index: number | undefined, given: unknown): void {
    const progress = readProgress(given);
    const { plan, onStarted, cancel } = this.#request;
    if (progress?.type === 'canceled' && index === undefined) {
      cancel(new RenderCanceledError(progress.why));
    }
    const node = plan.nodes[index ?? -1];
    if (node === undefined || index === undefined) return;
    if (progress?.type === 'started') {
      const early = this.#early[index];
      if (early === undefined) onStarted(node, progress.call);
      else early.push(progress.call);
    }
    if (progress?.type === 'done') this.#records[index]?.resolve(progress.record);
  }

  onEnd(index: number | undefined, value: unknown, isFailed: boolean): void {
    if (index !== undefined && !isFailed) this.#records[index]?.resolve(readRecord(value));
    // What nothing was heard of is looked for once.
    if (index === undefined) this.#track(this.look());
  }

  async look(): Promise<void> {
    const { connection } = this.#client;
    const { cancel } = this.#request;
    if (this.#isOver()) return;
    const job = await connection.queue.getJob(this.#id);
    if (job === undefined) {
      // Redis has lost it, or it was removed. What was done of it is in the store.
      const current = await connection.redis.get(this.#currentKey);
      if (current !== null && current !== this.#id) cancel(new RenderCanceledError('superseded'));
      else await this.#submit();
      return;
    }
    for (const [index, record] of await recordsOf(job)) this.#records[index]?.resolve(record);
    const progress = readProgress(job.progress);
    if (progress?.type === 'canceled') this.onProgress(undefined, job.progress);
    if (job.finishedOn !== undefined) for (const { resolve } of this.#records) resolve(undefined);
  }

  /** All at once, or nothing. What is there already stays as it is. */
  async #submit(): Promise<void> {
    const { connection, turns, precedence, tenant } = this.#client;
    const { plan, priority } = this.#request;
    const ready = readySteps(plan, new Map());
    const taken = await turns.take(tenant, ready.length, priority);
    const steps = scheduled(this.#id, plan, ready, taken.slots);
    await connection.flows.add({
      name: WORKFLOW,
      queueName: STEPS,
      data: this.#data(this.#refs),
      opts: workflowOptions(this.#id),
      children: steps.map(({ id, turn, rank, node }) => ({
        name: STEP,
        queueName: STEPS,
        data: dataOf({ of: this.#id, tenant, rank }, plan, node, this.#refs, new Map()),
        opts: stepOptions(id, turn),
      })),
    });
    if (taken.overtakes) await precedence.add(tenant, steps);
  }

  #cancel(why: CancelWhy): void {
    this.#track(cancelWorkflow(this.#client.connection, this.#id, why));
  }

  #track(work: Promise<unknown>): void {
    const { pending, telemetry } = this.#client;
    const settled = work
      .catch((err: unknown) => {
        telemetry.log.warn({ event: 'queue.error', err }, 'the queue could not be told, or looked at');
      })
      .finally(() => pending.delete(settled));
    pending.add(settled);
  }
}

/** @throws {InvalidOptionError} */
function assertCanTravel(nodes: readonly StepNode[]): void {
  for (const { tab, step } of nodes) {
    if (step.schema === undefined || !isStandardSchema(step.schema)) continue;
    const name = `workflow.tabs ${tab.id}, step ${step.id}: schema`;
    throw new InvalidOptionError(name, 'plain data, since workers check the params', step.schema);
  }
}
