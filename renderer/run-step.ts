/** Runs one step in this process, and says what became of it. */
import type { Caller } from './children.js';
import { internalMessage } from './messages.js';
import type { StepNode } from './plan.js';
import { Lane } from './queue.js';
import { canceledReport, errorReport, toReport, type Details } from './reports.js';
import { StepRun, type StepInputs, type Workshop } from './step.js';
import { activeContext, type Telemetry } from './telemetry.js';
import type { Step, StepReport, Validation } from './types.js';

/**
 * @param inputs are asked for once; what that throws is the host's fault
 * @param onFailed is told what was not the step's fault; what it throws is thrown, in the place of a report
 */
export async function runStep(
  workshop: Workshop,
  node: StepNode,
  caller: Caller,
  inputs: () => Promise<StepInputs>,
  onFailed: (error: unknown) => void,
): Promise<StepReport> {
  const run = new StepRun(workshop, node.step, caller);
  const startedAt = performance.now();
  const details = (): Details => ({
    cached: run.calls.length === 0,
    ms: performance.now() - startedAt,
    calls: run.calls,
    stdout: run.stdout,
    stderr: run.stderr,
  });
  try {
    return toReport(node, await run.run(await inputs()), details());
  } catch (error) {
    if (caller.signal.aborted) return canceledReport(node, details());
    onFailed(error);
    return errorReport(node, [internalMessage(error)], details());
  }
}

/**
 * What its module exports, and what is wrong with it.
 *
 * @throws the reason of the signal; what is the host's fault
 */
export function validateStep(workshop: Workshop, step: Step, signal: AbortSignal): Promise<Validation> {
  const caller = {
    workflow: '',
    lane: new Lane(),
    signal,
    context: activeContext(),
    onStarted: () => undefined,
  };
  return new StepRun(workshop, step, caller).validate();
}

/** Says it to the operator. */
export function logFailure(telemetry: Telemetry, workflow: string, step: string, error: unknown): void {
  telemetry.log.error({ event: 'step.failed', workflow, step, err: error }, 'a step could not be run');
}
