/** Where the steps of workflows are run: in this process, or on other machines. */
import type { Context } from '@opentelemetry/api';
import type { TableInput } from '../lib/index.js';
import type { Plan, StepNode } from './plan.js';
import type { Telemetry } from './telemetry.js';
import type { RendererStats, Step, StepCall, StepReport, Validation } from './types.js';

/** A workflow that is to be rendered. */
export interface EngineRequest {
  readonly plan: Plan;
  readonly inputs: Readonly<Record<string, TableInput>>;
  readonly refetch: boolean | readonly string[];
  /** The smaller, the sooner. */
  readonly priority: number;
  /** Aborted when it is canceled. */
  readonly signal: AbortSignal;
  /** Cancels it. */
  readonly cancel: (reason: unknown) => void;
  readonly onStarted: (node: StepNode, call: StepCall) => void;
}

export interface Engine {
  readonly telemetry: Telemetry;

  /** @throws {InvalidOptionError | ValueTooLargeError} for what can't be sent to where it would be run */
  begin(request: EngineRequest): EngineRun;

  /** @throws the reason of the signal; what is the host's fault */
  validate(step: Step, signal: AbortSignal): Promise<Validation>;

  /** @param renderings how many there are */
  statsOf(renderings: number): RendererStats;

  /** When nothing is run any more. */
  close(): Promise<void>;
}

/** One workflow. */
export interface EngineRun {
  /** Puts its inputs where steps can be given them, before any of them is run. @throws {InvalidOptionError} */
  start(context: Context): Promise<void>;

  /**
   * Resolves when a step is done whose predecessors are, and ok. A table in the report is the caller's to dispose of.
   *
   * Never rejects: what is not the step's fault is an error of the code `internal`.
   */
  run(node: StepNode, context: Context): Promise<StepReport>;

  /** No step is going to be run any more. */
  end(): void;
}
