/** The workflows of soaks, a tenth of whose steps are hostile, and what has to become of them. */
import { setTimeout as pause } from 'node:timers/promises';
import type { StepReport, Tab, Workflow } from '../renderer/index.js';
import { firstStep, goodStep, hostileStep, type KnownStep } from './renderer-soak-steps.js';

const HOSTILE_SHARE = 0.1;
/** How long processes and descriptors may take to be gone, in milliseconds. */
const SETTLE_MS = 10_000;

/** A workflow, and its steps tab by tab. */
export interface Known {
  readonly workflow: Workflow;
  readonly tabs: readonly (readonly KnownStep[])[];
}

export function makeWorkflow(index: number, random: () => number): Known {
  const tabs: KnownStep[][] = [];
  const count = 1 + Math.floor(random() * 3);
  for (let tab = 0; tab < count; tab++) {
    // Few kinds of them, so that some are found in the cache.
    const steps = [
      firstStep(`${tab}-0`, Math.floor(random() * 20), 1_000 + Math.floor(random() * 3) * 1_000),
    ];
    const length = 2 + Math.floor(random() * 3);
    for (let n = 1; n < length; n++) {
      const id = `${tab}-${n}`;
      const isHostile = random() < HOSTILE_SHARE;
      const kind = Math.floor(random() * 1000);
      steps.push(isHostile ? hostileStep(id, kind) : goodStep(id, kind % 10));
    }
    tabs.push(steps);
  }
  const workflow = {
    id: `workflow-${index}`,
    tabs: tabs.map((steps, tab): Tab => ({ id: `tab-${tab}`, steps: steps.map(({ step }) => step) })),
  };
  return { workflow, tabs };
}

/** What was not as it should be with the steps of one tab. */
export function check(steps: readonly KnownStep[], reports: ReadonlyMap<string, StepReport>): string[] {
  const problems: string[] = [];
  let sum: number | undefined;
  let rows = 0;
  let isBroken = false;
  for (const { step, error } of steps) {
    const report = reports.get(step.id);
    const wanted = isBroken ? 'unreachable' : (error ?? 'ok');
    const found = report === undefined ? 'missing' : outcomeOf(report);
    if (found !== wanted) problems.push(`${step.id} is ${found} instead of ${wanted}`);
    const params = step.params as { seed?: number; rows?: number; by?: number } | undefined;
    if (params?.rows !== undefined && params.seed !== undefined) {
      rows = params.rows;
      sum = (rows * (rows - 1)) / 2 + rows * params.seed;
    } else if (params?.by !== undefined && sum !== undefined) {
      sum += rows * params.by;
      if (report?.status === 'ok' && report.value !== sum)
        problems.push(`${step.id} gave ${JSON.stringify(report.value)} instead of ${sum}`);
    }
    isBroken ||= error !== undefined;
  }
  return problems;
}

export function outcomeOf(report: StepReport): string {
  return report.status === 'error' ? (report.errors[0]?.code ?? 'error') : report.status;
}

/** @returns what is said, if it isn't so in time */
export async function settled(what: string, look: () => boolean): Promise<string[]> {
  for (const deadline = performance.now() + SETTLE_MS; performance.now() < deadline;) {
    if (look()) return [];
    await pause(20);
  }
  return [what];
}
