/** One workflow that is being rendered: each step when those that it needs are done. */
import { setMaxListeners } from 'node:events';
import type { Context } from '@opentelemetry/api';
import { InvalidOptionError } from '../lib/errors.js';
import type { PlainValue, TableInput } from '../lib/index.js';
import type { Caller } from './children.js';
import { RenderCanceledError } from './errors.js';
import { EventLog } from './events.js';
import { internalMessage } from './messages.js';
import { predecessorsOf, type Plan, type Source, type StepNode } from './plan.js';
import { Lane } from './queue.js';
import { HeldTable } from './step-table.js';
import { StepRun, type StepOutcome, type Workshop } from './step.js';
import type { StoredTable } from './table-store.js';
import { failSpan, type Telemetry } from './telemetry.js';
import type { Message, Rendering, RenderEvent, Report, StepReport, StepTable } from './types.js';

export interface RenderRequest {
  readonly plan: Plan;
  readonly inputs: Readonly<Record<string, TableInput>>;
  readonly refetch: boolean | readonly string[];
  readonly signal: AbortSignal | undefined;
  /** What the caller is in. */
  readonly context: Context;
}

/** What the calls of a step came to, apart from its outcome. */
type Details = Pick<StepReport, 'cached' | 'ms' | 'calls' | 'stdout' | 'stderr'>;

const NOTHING_RUN: Details = { cached: false, ms: 0, calls: [], stdout: '', stderr: '' };

export class WorkflowRendering implements Rendering {
  readonly workflow: string;
  readonly #workshop: Workshop;
  readonly #telemetry: Telemetry;
  readonly #request: RenderRequest;
  readonly #events = new EventLog<RenderEvent>();
  readonly #abort = new AbortController();
  readonly #lane = new Lane();
  readonly #reports = new Map<StepNode, Promise<StepReport>>();
  readonly #inputs = new Map<string, StoredTable>();
  readonly #report: Promise<Report>;

  constructor(workshop: Workshop, telemetry: Telemetry, request: RenderRequest) {
    this.workflow = request.plan.workflow.id;
    this.#workshop = workshop;
    this.#telemetry = telemetry;
    this.#request = request;
    // Each step that waits or runs listens to it.
    setMaxListeners(0, this.#abort.signal);
    const { signal } = request;
    const onAbort = (): void => {
      this.#abort.abort(signal?.reason);
    };
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#report = this.#render().finally(() => {
      signal?.removeEventListener('abort', onAbort);
      this.#events.end();
    });
    // Whoever awaits it hears of it; nobody has to.
    this.#report.catch(() => undefined);
  }

  cancel(reason?: unknown): void {
    this.#abort.abort(reason ?? new RenderCanceledError('canceled'));
  }

  then<A = Report, B = never>(
    onFulfilled?: ((report: Report) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#report.then(onFulfilled, onRejected);
  }

  [Symbol.asyncIterator](): AsyncIterator<RenderEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  async #render(): Promise<Report> {
    const { plan, context } = this.#request;
    const attributes = { 'nodespawner.workflow': this.workflow, 'nodespawner.steps': plan.nodes.length };
    const startedAt = performance.now();
    return this.#telemetry.span('render', attributes, context, async (inner, span) => {
      let steps: StepReport[];
      try {
        await this.#placeInputs();
        const runs = plan.nodes.map((node) => this.#reportOf(node, inner));
        // All of them, also if one fails: their tables are to be let go of.
        const settled = await Promise.allSettled(runs);
        steps = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
        await Promise.all(runs).catch((error: unknown) => {
          for (const step of steps) disposeOf(step);
          throw error;
        });
      } finally {
        for (const table of this.#inputs.values()) table.release();
      }
      const { signal } = this.#abort;
      const status = steps.some((step) => step.status === 'canceled')
        ? 'canceled'
        : steps.some((step) => step.status === 'error')
          ? 'error'
          : 'ok';
      span.setAttribute('nodespawner.status', status);
      if (status !== 'ok') failSpan(span, status);
      const report = new WorkflowReport(
        plan,
        status,
        status === 'canceled' ? signal.reason : undefined,
        steps,
        {
          ms: performance.now() - startedAt,
        },
      );
      const { workflow, ms } = report;
      this.#telemetry.log.info({ event: 'render', workflow, status, ms }, `rendering is ${status}`);
      return report;
    });
  }

  /** Where children can be given them; each once, however many steps take it. */
  async #placeInputs(): Promise<void> {
    const needed = new Set(
      this.#request.plan.nodes.flatMap(({ table, inputs }) =>
        [...(table === undefined ? [] : [table]), ...inputs.values()].flatMap((source) =>
          'input' in source ? [source.input] : [],
        ),
      ),
    );
    for (const name of needed) {
      if (this.#abort.signal.aborted) return;
      const input = this.#request.inputs[name];
      if (input === undefined) throw new InvalidOptionError(`options.inputs.${name}`, 'a table', input);
      this.#inputs.set(name, await this.#workshop.store.add(input, `options.inputs.${name}`));
    }
  }

  #reportOf(node: StepNode, context: Context): Promise<StepReport> {
    const known = this.#reports.get(node);
    if (known !== undefined) return known;
    const report = this.#step(node, context).then((done) => {
      this.#telemetry.stepEnded(done.status, done.cached);
      this.#emit({ type: 'done', ...nameOf(node), report: done });
      return done;
    });
    this.#reports.set(node, report);
    return report;
  }

  async #step(node: StepNode, context: Context): Promise<StepReport> {
    if (node.errors.length > 0) return errorReport(node, node.errors, NOTHING_RUN);
    const needed = predecessorsOf(node);
    const reports = await Promise.all(needed.map((each) => this.#reportOf(each, context)));
    const { signal } = this.#abort;
    if (signal.aborted) return canceledReport(node, NOTHING_RUN);
    const because = reports.filter(({ status }) => status !== 'ok').map(({ step }) => step);
    if (because.length > 0) return { ...baseOf(node, NOTHING_RUN), status: 'unreachable', because };
    this.#emit({ type: 'queued', ...nameOf(node) });
    const attributes = { 'nodespawner.workflow': this.workflow, 'nodespawner.step': node.step.id };
    return this.#telemetry.span('step', attributes, context, async (inner, span) => {
      const report = await this.#run(node, inner);
      span.setAttributes({ 'nodespawner.status': report.status, 'nodespawner.cached': report.cached });
      if (report.status === 'error') failSpan(span, report.errors[0]?.code ?? 'error');
      return report;
    });
  }

  async #run(node: StepNode, context: Context): Promise<StepReport> {
    const { step } = node;
    const { refetch } = this.#request;
    const { signal } = this.#abort;
    const caller: Caller = {
      workflow: this.workflow,
      lane: this.#lane,
      signal,
      context,
      onStarted: (call) => {
        this.#emit({ type: 'started', ...nameOf(node), call });
      },
    };
    const run = new StepRun(this.#workshop, step, caller);
    const startedAt = performance.now();
    const details = (): Details => ({
      cached: run.calls.length === 0,
      ms: performance.now() - startedAt,
      calls: run.calls,
      stdout: run.stdout,
      stderr: run.stderr,
    });
    try {
      const inputs = new Map<string, StoredTable>();
      for (const [name, source] of node.inputs) inputs.set(name, await this.#tableOf(source));
      const outcome = await run.run({
        table: node.table && (await this.#tableOf(node.table)),
        inputs,
        refetch: refetch === true || (Array.isArray(refetch) && refetch.includes(step.id)),
      });
      return toReport(node, outcome, details());
    } catch (error) {
      if (signal.aborted) return canceledReport(node, details());
      this.#telemetry.log.error(
        { event: 'step.failed', workflow: this.workflow, step: step.id, err: error },
        'a step could not be run',
      );
      return errorReport(node, [internalMessage()], details());
    }
  }

  async #tableOf(source: Source): Promise<StoredTable> {
    if ('input' in source) {
      const table = this.#inputs.get(source.input);
      if (table === undefined) throw new Error(`the input ${source.input} is not there`);
      return table;
    }
    const report = await this.#reports.get(source.node);
    if (report?.status !== 'ok' || !(report.table instanceof HeldTable))
      throw new Error('a step without a table');
    return report.table.stored;
  }

  #emit(event: RenderEvent): void {
    this.#events.push(event);
  }
}

function nameOf({ step, tab }: StepNode): { readonly step: string; readonly tab: string } {
  return { step: step.id, tab: tab.id };
}

function baseOf(node: StepNode, details: Details, warnings: readonly Message[] = []) {
  return { ...nameOf(node), warnings, errors: [], ...details };
}

function errorReport(
  node: StepNode,
  errors: readonly Message[],
  details: Details,
  warnings: readonly Message[] = [],
  value: PlainValue = null,
): StepReport {
  return { ...baseOf(node, details, warnings), errors, status: 'error', value };
}

function canceledReport(node: StepNode, details: Details): StepReport {
  return { ...baseOf(node, details), status: 'canceled' };
}

function toReport(node: StepNode, outcome: StepOutcome, details: Details): StepReport {
  const { warnings, value } = outcome;
  if (outcome.errors !== undefined) return errorReport(node, outcome.errors, details, warnings, value);
  const { kept, stored } = outcome;
  if (kept.table === undefined) throw new Error('a table of which nothing is known');
  return {
    ...baseOf(node, details, warnings),
    status: 'ok',
    value,
    table: new HeldTable(kept.table, stored),
  };
}

function disposeOf(report: StepReport): void {
  if (report.status === 'ok' && report.table instanceof HeldTable) report.table[Symbol.dispose]();
}

class WorkflowReport implements Report {
  readonly workflow: string;
  readonly status: Report['status'];
  readonly reason?: unknown;
  readonly steps: readonly StepReport[];
  readonly tables: Readonly<Record<string, StepTable>>;
  readonly ms: number;

  constructor(
    plan: Plan,
    status: Report['status'],
    reason: unknown,
    steps: readonly StepReport[],
    { ms }: { readonly ms: number },
  ) {
    this.workflow = plan.workflow.id;
    this.status = status;
    if (status === 'canceled') this.reason = reason;
    this.steps = steps;
    const byStep = new Map(steps.map((report) => [report.step, report]));
    const tables = Object.create(null) as Record<string, StepTable>;
    for (const [tab, { step }] of plan.results) {
      const report = byStep.get(step.id);
      if (report?.status === 'ok') tables[tab] = report.table;
    }
    this.tables = tables;
    this.ms = ms;
  }

  [Symbol.dispose](): void {
    for (const report of this.steps) disposeOf(report);
  }
}
