import type { Command } from '../arguments.js';
import { RENDER_OPTIONS } from '../render/options.js';

export const render: Command = {
  name: 'render',
  about: 'Render a workflow: steps in tabs, each given the table of the one before it.',
  operands: 'WORKFLOW [OPTION...]',
  options: RENDER_OPTIONS,
  run: async (given) => (await import('../render/render.js')).render(given),
};
