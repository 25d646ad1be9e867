/** What `nodespawner run` takes. */
import type { Option } from '../arguments.js';
import { DELIMITER_OPTION } from '../tables/delimiter.js';
import { FORMATS } from '../tables/formats.js';
import { LIMIT_OPTIONS, PRELOAD_OPTIONS, SANDBOX_OPTIONS } from '../zygote-options.js';

export const DEFAULT_ROWS = 20;

export const TABLE_OPTIONS: readonly Option[] = [
  {
    name: 'table',
    value: 'NAME=FILE',
    isMultiple: true,
    about: 'A table, from a file or, with -, from stdin.',
  },
  {
    name: 'table-format',
    value: 'NAME=FORMAT',
    isMultiple: true,
    about: `The format of its file, if not what its name or content says: ${FORMATS.join(', ')}.`,
  },
];

export const PARAM_OPTIONS: readonly Option[] = [
  { name: 'param', value: 'NAME=VALUE', isMultiple: true, about: 'A param: JSON, or else text.' },
  { name: 'params', value: 'FILE', about: 'A JSON file with an object of params; --param goes before it.' },
];

export const OUTPUT_OPTIONS: readonly Option[] = [
  {
    name: 'output',
    short: 'o',
    value: '[NAME=]FILE',
    isMultiple: true,
    about: 'Where a table goes, - for stdout; without a name, the only one.',
  },
  {
    name: 'format',
    value: 'FORMAT',
    choices: FORMATS,
    about: 'The format of outputs, if not what their name says.',
  },
  DELIMITER_OPTION,
];

export const RUN_OPTIONS: readonly Option[] = [
  ...TABLE_OPTIONS,
  ...PARAM_OPTIONS,
  ...OUTPUT_OPTIONS,
  {
    name: 'rows',
    value: 'N',
    about: `How many rows of a table are printed without --output (${DEFAULT_ROWS}).`,
  },
  { name: 'timeout', value: 'TIME', about: 'How long the step may take: 500ms, 30s, 5m, none (60s).' },
  { name: 'max-table', value: 'SIZE', about: 'How large the tables may be that it gives (1G).' },
  { name: 'max-value', value: 'SIZE', about: 'How large the value may be that it gives (64M).' },
  ...LIMIT_OPTIONS,
  ...SANDBOX_OPTIONS,
  ...PRELOAD_OPTIONS,
  {
    name: 'env',
    value: 'NAME=VALUE',
    isMultiple: true,
    about: "A variable of the step's environment, which is empty otherwise.",
  },
  {
    name: 'filename',
    value: 'NAME',
    about: "The step's name in stack traces; .ts tells TypeScript (the name of its file).",
  },
];
