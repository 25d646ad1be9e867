/** Runs steps in children of this process. */
import type { Context } from '@opentelemetry/api';
import { InvalidOptionError } from '../lib/errors.js';
import type { Engine, EngineRequest, EngineRun } from './engine.js';
import { OpenWorkshop } from './open-workshop.js';
import type { CheckedRendererOptions } from './options.js';
import { inputsOf, type Source, type StepNode } from './plan.js';
import { Lane } from './queue.js';
import { logFailure, runStep, validateStep } from './run-step.js';
import { HeldTable } from './step-table.js';
import type { Workshop } from './step.js';
import type { StoredTable } from './table-store.js';
import type { Telemetry } from './telemetry.js';
import type { RendererStats, Step, StepReport, Validation } from './types.js';

export class LocalEngine implements Engine {
  readonly #open: OpenWorkshop;

  private constructor(open: OpenWorkshop) {
    this.#open = open;
  }

  /** @throws what starting a workshop throws */
  static async start(options: CheckedRendererOptions, renderings: () => number): Promise<LocalEngine> {
    return new LocalEngine(await OpenWorkshop.start(options, renderings));
  }

  get telemetry(): Telemetry {
    return this.#open.telemetry;
  }

  begin(request: EngineRequest): EngineRun {
    return new LocalRun(this.#open.workshop, this.telemetry, request);
  }

  validate(step: Step, signal: AbortSignal): Promise<Validation> {
    return validateStep(this.#open.workshop, step, signal);
  }

  statsOf(renderings: number): RendererStats {
    return this.#open.statsOf(renderings);
  }

  close(): Promise<void> {
    return this.#open.close();
  }
}

class LocalRun implements EngineRun {
  readonly #workshop: Workshop;
  readonly #telemetry: Telemetry;
  readonly #request: EngineRequest;
  readonly #lane: Lane;
  readonly #inputs = new Map<string, StoredTable>();
  readonly #tables = new Map<StepNode, HeldTable>();

  constructor(workshop: Workshop, telemetry: Telemetry, request: EngineRequest) {
    this.#workshop = workshop;
    this.#telemetry = telemetry;
    this.#request = request;
    this.#lane = new Lane(request.priority);
  }

  async start(): Promise<void> {
    const { plan, inputs, signal } = this.#request;
    for (const name of inputsOf(plan)) {
      if (signal.aborted) return;
      const input = inputs[name];
      if (input === undefined) throw new InvalidOptionError(`options.inputs.${name}`, 'a table', input);
      this.#inputs.set(name, await this.#workshop.store.add(input, `options.inputs.${name}`));
    }
  }

  async run(node: StepNode, context: Context): Promise<StepReport> {
    const { refetch, signal, onStarted, plan } = this.#request;
    const workflow = plan.workflow.id;
    const { step } = node;
    const caller = {
      workflow,
      lane: this.#lane,
      signal,
      context,
      onStarted: onStarted.bind(undefined, node),
    };
    const inputs = () => {
      const others = Array.from(node.inputs, ([name, source]) => [name, this.#tableOf(source)] as const);
      return Promise.resolve({
        table: node.table && this.#tableOf(node.table),
        inputs: new Map(others),
        refetch: refetch === true || (Array.isArray(refetch) && refetch.includes(step.id)),
      });
    };
    const report = await runStep(this.#workshop, node, caller, inputs, (error) => {
      logFailure(this.#telemetry, workflow, step.id, error);
    });
    if (report.status === 'ok' && report.table instanceof HeldTable) this.#tables.set(node, report.table);
    return report;
  }

  #tableOf(source: Source): StoredTable {
    const table = 'input' in source ? this.#inputs.get(source.input) : this.#tables.get(source.node)?.stored;
    if (table === undefined) throw new Error('a table that a step needs is not there');
    return table;
  }

  end(): void {
    for (const table of this.#inputs.values()) table.release();
    this.#inputs.clear();
    this.#tables.clear();
  }
}
