/** The arguments of a command, by a description from which its help and its completion are made too. */
import { parseArgs } from 'node:util';
import { nearest } from '../lib/did-you-mean.js';
import { usageError } from './failure.js';

export interface Option {
  readonly name: string;
  readonly short?: string;
  /** What it takes, such as `FILE`; nothing if it is a switch. */
  readonly value?: string;
  readonly isMultiple?: boolean;
  /** All that it can be. */
  readonly choices?: readonly string[];
  readonly about: string;
}

export interface Command {
  readonly name: string;
  readonly about: string;
  /** What goes behind the name, such as `STEP [-- ARGUMENT...]`. */
  readonly operands: string;
  /** What an operand can be, if it isn't a file. */
  readonly choices?: readonly string[];
  readonly options: readonly Option[];
  /** @returns the exit code */
  run(given: Arguments): Promise<number>;
}

/** Of every command. */
export const COMMON: readonly Option[] = [
  { name: 'json', about: 'Print JSON, errors too.' },
  { name: 'verbose', about: 'Say more where something is wrong.' },
  { name: 'help', short: 'h', about: 'Print what the command takes.' },
];

/** What their values are is not for errors, which end up in logs. */
const MAY_BE_SECRET: readonly string[] = ['env', 'param'];

type Values = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

export class Arguments {
  readonly operands: readonly string[];
  /** What goes behind `--`. */
  readonly rest: readonly string[];
  readonly #values: Values;

  constructor(values: Values, operands: readonly string[], rest: readonly string[]) {
    this.#values = values;
    this.operands = operands;
    this.rest = rest;
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  one(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  all(name: string): readonly string[] {
    const values = this.#values[name];
    return Array.isArray(values) ? values.map(String) : [];
  }

  /** `NAME=VALUE`, each name once. */
  pairs(name: string): readonly (readonly [name: string, value: string])[] {
    const pairs = this.all(name).map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw usageError(`--${name} ${text}: NAME=VALUE is needed`);
      return [text.slice(0, at), text.slice(at + 1)] as const;
    });
    const given = new Map<string, string>();
    for (const [key, value] of pairs) {
      const other = given.get(key);
      if (other !== undefined) {
        const both = MAY_BE_SECRET.includes(name) ? '' : `, as ${other} and as ${value}`;
        throw usageError(`--${name} ${key}: given twice${both}`);
      }
      given.set(key, value);
    }
    return pairs;
  }
}

/** @throws {Failure} */
export function readArguments({ name, options }: Command, args: readonly string[]): Arguments {
  const all = [...options, ...COMMON];
  try {
    const { values, tokens } = parseArgs({
      args: [...args],
      allowPositionals: true,
      tokens: true,
      options: Object.fromEntries(
        all.map((option) => [
          option.name,
          {
            type: option.value === undefined ? ('boolean' as const) : ('string' as const),
            multiple: option.isMultiple ?? false,
            ...(option.short === undefined ? {} : { short: option.short }),
          },
        ]),
      ),
    });
    for (const { name: option, choices } of all) {
      const wrong = [values[option]]
        .flat()
        .find((value) => choices && value && !choices.includes(String(value)));
      if (choices && wrong !== undefined)
        throw usageError(`--${option} ${String(wrong)}: there are ${choices.join(', ')}`);
    }
    const end = tokens.findIndex(({ kind }) => kind === 'option-terminator');
    const operandsIn = (part: typeof tokens): string[] =>
      part.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
    const [before, behind] = end < 0 ? [tokens, []] : [tokens.slice(0, end), tokens.slice(end)];
    return new Arguments(values, operandsIn(before), operandsIn(behind));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Node adds advice that is about file names with a dash.
    const [message = ''] = error.message.split(/[.\n]/);
    const [, unknown = ''] = /^Unknown option '--([^']+)'/.exec(message) ?? [];
    const meant = nearest(
      unknown,
      all.map((option) => option.name),
    );
    throw usageError(
      `${message}${meant === undefined ? '' : ` (did you mean '--${meant}'?)`}; see nodespawner ${name} --help`,
      { cause: error },
    );
  }
}
