/** Renderers, workflows and reports, for tests that use real children. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import type { Test } from 'tap';
import {
  Renderer,
  type RendererOptions,
  type Report,
  type Step,
  type StepReport,
  type Tab,
  type Workflow,
} from '../../renderer/index.js';

/** A Renderer that is closed when the test ends. */
export async function startRenderer(t: Test, options: RendererOptions = {}): Promise<Renderer> {
  const renderer = await Renderer.start(options);
  t.teardown(() => renderer.close());
  return renderer;
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'nodespawner-renderer-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A step whose `render` has this body. */
export function step(id: string, body: string, others: Partial<Step> = {}): Step {
  return {
    id,
    code: `const { tableFromArrays } = require('apache-arrow');
exports.render = async (table, params, context) => {
${body}
};`,
    ...others,
  };
}

/** A step with a table of one column `a`. */
export function source(id: string, numbers: readonly number[] = [1, 2, 3]): Step {
  return step(id, `return tableFromArrays({ a: ${JSON.stringify(numbers)} });`);
}

export function workflow(...tabs: Tab[]): Workflow {
  return { id: 'workflow', tabs };
}

/** One tab of these steps. */
export function linear(...steps: Step[]): Workflow {
  return workflow({ id: 'tab', steps });
}

/** What became of a step, known to have this status. */
export function stepOf<S extends StepReport['status']>(
  report: Report,
  id: string,
  status: S,
): Extract<StepReport, { status: S }> {
  const found = report.steps.find(({ step: name }) => name === id);
  if (found?.status !== status) throw new Error(`${id} should be ${status}: ${inspect(found, { depth: 6 })}`);
  return found as Extract<StepReport, { status: S }>;
}

/** The statuses of all steps, by their ids. */
export function statuses(report: Report): Record<string, string> {
  return Object.fromEntries(report.steps.map((each) => [each.step, each.status]));
}

/** The steps for which something was run. */
export function rendered(report: Report): string[] {
  return report.steps.filter(({ calls }) => calls.length > 0).map(({ step: id }) => id);
}
