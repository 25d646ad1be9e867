/** The files that a run leaves besides its raw figures. */
import { writeFileSync } from 'node:fs';
import type { Run } from '../measured.js';
import { draw, standalone } from './draw.js';
import { page } from './page.js';
import { roundTripsChart } from './round-trips.js';

export interface Charts {
  /** The page. */
  readonly html: string | undefined;
  /** The README's chart, of the first version of Node that was measured. */
  readonly svg: string | undefined;
}

export async function writeCharts(run: Run, said: readonly string[], { html, svg }: Charts): Promise<void> {
  if (html !== undefined) writeFileSync(html, await page(run, said));
  const [first] = run.measured;
  if (svg === undefined || first === undefined) return;
  const { cores, cpu, kernel, commit, date, loadBefore } = run;
  const load = loadBefore[0]?.toFixed(1) ?? '';
  const title = [
    `Sum of a column of a table of 1,000 rows, Node ${first.node}`,
    `${cores} cores of ${cpu}, kernel ${kernel}`,
    `load ${load} before, commit ${commit}, ${date}`,
  ];
  writeFileSync(svg, standalone(await draw(roundTripsChart(first, title))));
}
