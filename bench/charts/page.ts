/** A page of all charts and tables of a run, which can be read without a network. */
import type { TopLevelSpec } from 'vega-lite';
import type { Measured, Run } from '../measured.js';
import { draw } from './draw.js';
import { latencyCdf, latencyHistogram } from './latency.js';
import { memoryChart } from './memory.js';
import { roundTrips, roundTripsChart } from './round-trips.js';
import { tablesChart } from './tables.js';
import { throughputChart } from './throughput.js';

const STYLE = `
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
pre { overflow-x: auto; font-size: 12px; }
svg { max-width: 100%; height: auto; }`;

export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}

function chartsOf(measured: Measured): [title: string, spec: TopLevelSpec][] {
  const { latency, throughput, memory, tables } = measured;
  const charts: [string, TopLevelSpec][] = [];
  if (roundTrips(measured).length > 0) charts.push(['Round trips', roundTripsChart(measured)]);
  if (latency !== undefined) {
    charts.push(['Latency: how many calls are done by when', latencyCdf(latency)]);
    charts.push(['Latency: histogram', latencyHistogram(latency)]);
  }
  if (throughput !== undefined) charts.push(['Throughput against concurrency', throughputChart(throughput)]);
  if (memory !== undefined) charts.push(['Memory against children', memoryChart(memory)]);
  if (tables !== undefined) charts.push(['Latency against the size of a table', tablesChart(tables)]);
  return charts;
}

async function section(measured: Measured): Promise<string> {
  const figures: string[] = [];
  for (const [title, spec] of chartsOf(measured))
    figures.push(`<h3>${escapeHtml(title)}</h3>\n<figure>${await draw(spec)}</figure>`);
  return `<h2>Node ${escapeHtml(measured.node)}</h2>\n${figures.join('\n')}`;
}

/** @param said the same in words, tables and figures */
export async function page(run: Run, said: readonly string[]): Promise<string> {
  const sections: string[] = [];
  for (const measured of run.measured) sections.push(await section(measured));
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>nodespawner: ${escapeHtml(run.commit)}, ${escapeHtml(run.date)}</title>
<style>${STYLE}</style>
<h1>How fast is nodespawner?</h1>
<pre>${escapeHtml(said[0] ?? '')}</pre>
${sections.join('\n')}
<h2>Figures</h2>
<pre>${escapeHtml(said.slice(1).join('\n\n'))}</pre>
</html>
`;
}
