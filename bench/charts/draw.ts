/** Draws a chart as SVG, without a browser and without a DOM. */
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

/** Can be told apart, on white and on black, by those who don't see all colours, too (Okabe and Ito's, without black and yellow). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8c8c8c'];
/** That of the text around it. */
const TEXT = 'currentColor';

/** How all of them look. Lines and text are as light or dark as the page's text. */
const CONFIG: NonNullable<TopLevelSpec['config']> = {
  background: 'transparent',
  font: 'system-ui, sans-serif',
  view: { stroke: null },
  range: { category: COLOURS },
  axis: {
    labelColor: TEXT,
    titleColor: TEXT,
    domainColor: TEXT,
    tickColor: TEXT,
    gridColor: TEXT,
    gridOpacity: 0.15,
  },
  legend: { labelColor: TEXT, titleColor: TEXT, labelLimit: 300 },
  text: { color: TEXT },
};

export async function draw(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile({ ...spec, config: CONFIG }).spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}

/** For a file of its own, which has no page around it. */
export function standalone(svg: string): string {
  const style =
    '<style>:root { color: #1f2328 } @media (prefers-color-scheme: dark) { :root { color: #e6edf3 } }</style>';
  return `${svg.replace(/^<svg[^>]*>/, (start) => `${start}\n${style}`)}\n`;
}
