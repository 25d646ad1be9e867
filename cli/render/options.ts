/** What `nodespawner render` takes. */
import type { Option } from '../arguments.js';
import { QUEUE_OPTIONS } from '../queue.js';
import { DELIMITER_OPTION } from '../tables/delimiter.js';
import { FORMATS } from '../tables/formats.js';
import { LIMIT_OPTIONS, PRELOAD_OPTIONS, SANDBOX_OPTIONS } from '../zygote-options.js';

export const DEFAULT_ROWS = 10;

/** How steps are run, by whoever runs them. */
export const STEP_OPTIONS: readonly Option[] = [
  { name: 'timeout', value: 'TIME', about: 'How long each child may take: 500ms, 30s, 5m, none (60s).' },
  { name: 'max-table', value: 'SIZE', about: 'How large the table may be that a step gives (1G).' },
  { name: 'max-value', value: 'SIZE', about: 'How large the value may be that a step gives besides (1M).' },
  ...LIMIT_OPTIONS,
  ...SANDBOX_OPTIONS,
  ...PRELOAD_OPTIONS,
];

export const RENDER_OPTIONS: readonly Option[] = [
  {
    name: 'input',
    value: 'NAME=FILE',
    isMultiple: true,
    about: 'A table for tabs and steps to take, from a file or, with -, from stdin.',
  },
  {
    name: 'input-format',
    value: 'NAME=FORMAT',
    isMultiple: true,
    about: `The format of its file, if not what its name or content says: ${FORMATS.join(', ')}.`,
  },
  {
    name: 'output',
    short: 'o',
    value: '[NAME=]FILE',
    isMultiple: true,
    about: 'Where the table of a tab goes, - for stdout; without a name, that of the only tab.',
  },
  {
    name: 'format',
    value: 'FORMAT',
    choices: FORMATS,
    about: 'The format of outputs, if not what their name says.',
  },
  DELIMITER_OPTION,
  {
    name: 'validate',
    about: 'Render nothing: look at the workflow, the code of each step and its params.',
  },
  { name: 'watch', short: 'w', about: 'Render again whenever a file of it is saved, until Ctrl-C.' },
  {
    name: 'rows',
    value: 'N',
    about: `How many rows of each tab are printed without --output (${DEFAULT_ROWS}).`,
  },
  { name: 'cache', value: 'FOLDER', about: 'Keep results there for the next time (in memory only).' },
  { name: 'refetch', about: 'Call fetch() again where its result is known; with --watch, the first time.' },
  ...QUEUE_OPTIONS,
  { name: 'tenant', value: 'NAME', about: 'With --redis: on whose behalf; tenants take turns (default).' },
  {
    name: 'priority',
    value: 'N',
    about: 'With --redis: 0 goes first of what its tenant wants, and larger numbers later (0).',
  },
  ...STEP_OPTIONS,
];
