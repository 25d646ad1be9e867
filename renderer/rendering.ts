/** One workflow that is being rendered: each step when those that it needs are done. */
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Context } from '@opentelemetry/api';
import type { Engine, EngineRequest, EngineRun } from './engine.js';
import { RenderCanceledError } from './errors.js';
import { EventLog } from './events.js';
import { predecessorsOf, type Plan, type StepNode } from './plan.js';
import { canceledReport, disposeOf, errorReport, nameOf, NOTHING_RUN, unreachableReport } from './reports.js';
import { failSpan, type Telemetry } from './telemetry.js';
import type { Rendering, RenderEvent, Report, StepReport, StepTable } from './types.js';

export interface RenderRequest extends Pick<EngineRequest, 'plan' | 'inputs' | 'refetch' | 'priority'> {
  readonly signal: AbortSignal | undefined;
  /** What the caller is in. */
  readonly context: Context;
}

/** Which of the renderings is added to each. */
type UnnamedEvent = RenderEvent extends infer E ? (E extends unknown ? Omit<E, 'rendering'> : never) : never;

export class WorkflowRendering implements Rendering {
  readonly workflow: string;
  readonly id = randomUUID();
  readonly #telemetry: Telemetry;
  readonly #request: RenderRequest;
  readonly #events = new EventLog<RenderEvent>();
  readonly #abort = new AbortController();
  readonly #reports = new Map<StepNode, Promise<StepReport>>();
  readonly #run: EngineRun;
  readonly #report: Promise<Report>;

  /** @throws what the engine throws for what it can't be given */
  constructor(engine: Engine, request: RenderRequest) {
    this.workflow = request.plan.workflow.id;
    this.#telemetry = engine.telemetry;
    this.#request = request;
    // Each step that waits or runs listens to it.
    setMaxListeners(0, this.#abort.signal);
    const { plan, inputs, refetch, priority, signal } = request;
    this.#run = engine.begin({
      plan,
      inputs,
      refetch,
      priority,
      signal: this.#abort.signal,
      cancel: this.cancel.bind(this),
      onStarted: (node, call) => {
        this.#emit({ type: 'started', ...nameOf(node), call });
      },
    });
    const onAbort = (): void => {
      this.#abort.abort(signal?.reason);
    };
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#report = this.#render().finally(() => {
      signal?.removeEventListener('abort', onAbort);
    });
    // Whoever awaits it hears of it; nobody has to.
    this.#report.then(
      ({ status, ms }) => {
        this.#emit({ type: 'ended', status, ms });
        this.#events.end();
      },
      (error: unknown) => {
        this.#events.end({ error });
      },
    );
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

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Report | B> {
    return this.#report.catch(onRejected);
  }

  finally(onSettled?: (() => void) | null): Promise<Report> {
    return this.#report.finally(onSettled);
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
        await this.#run.start(inner);
        const runs = plan.nodes.map((node) => this.#reportOf(node, inner));
        // All of them, also if one fails: their tables are to be let go of.
        const settled = await Promise.allSettled(runs);
        steps = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
        await Promise.all(runs).catch((error: unknown) => {
          for (const step of steps) disposeOf(step);
          throw error;
        });
      } finally {
        this.#run.end();
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
        this.id,
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
    if (because.length > 0) return unreachableReport(node, because);
    this.#emit({ type: 'queued', ...nameOf(node) });
    const attributes = { 'nodespawner.workflow': this.workflow, 'nodespawner.step': node.step.id };
    return this.#telemetry.span('step', attributes, context, async (inner, span) => {
      const report = await this.#run.run(node, inner);
      span.setAttributes({ 'nodespawner.status': report.status, 'nodespawner.cached': report.cached });
      if (report.status === 'error') failSpan(span, report.errors[0]?.code ?? 'error');
      return report;
    });
  }

  #emit(event: UnnamedEvent): void {
    this.#events.push({ ...event, rendering: this.id });
  }
}

class WorkflowReport implements Report {
  readonly workflow: string;
  readonly rendering: string;
  readonly status: Report['status'];
  readonly reason?: unknown;
  readonly steps: readonly StepReport[];
  readonly tables: Readonly<Record<string, StepTable>>;
  readonly ms: number;

  constructor(
    plan: Plan,
    rendering: string,
    status: Report['status'],
    reason: unknown,
    steps: readonly StepReport[],
    { ms }: { readonly ms: number },
  ) {
    this.workflow = plan.workflow.id;
    this.rendering = rendering;
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
