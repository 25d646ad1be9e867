/** Checks of what the caller gives, each of which names the option, what it has to be, and what it is. */
import { nearest } from './did-you-mean.js';
import { InvalidOptionError } from './errors.js';

export type Check<T> = (value: unknown, name: string) => T;

export function fail(name: string, expected: string, value: unknown): never {
  throw new InvalidOptionError(name, expected, value);
}

export const text: Check<string> = (value, name) =>
  typeof value === 'string' && !value.includes('\0') ? value : fail(name, 'a string without NUL', value);

export function list<T>(check: Check<T>, of: string): Check<readonly T[]> {
  return (value, name) => {
    if (!Array.isArray(value)) fail(name, `an array of ${of}`, value);
    return value.map((item, index) => check(item, `${name}[${index}]`));
  };
}

export const count: Check<number> = (value, name) =>
  Number.isSafeInteger(value) && (value as number) > 0
    ? (value as number)
    : fail(name, 'a whole number above 0', value);

export function oneOf<T extends string>(...choices: readonly T[]): Check<T> {
  return (value, name) =>
    choices.includes(value as T) ? (value as T) : fail(name, `one of '${choices.join("', '")}'`, value);
}

/** Reads options by name, and refuses names that there are not: a typo must not be a default in silence. */
export class Reader {
  readonly #options: Readonly<Record<string, unknown>>;
  readonly #known: string[] = [];
  readonly #prefix: string;

  constructor(options: unknown, prefix: string) {
    this.#prefix = prefix;
    if (options !== undefined && (typeof options !== 'object' || options === null))
      fail(prefix, 'an object', options);
    this.#options = { ...options };
  }

  get<T>(name: string, check: Check<T>, fallback: T): T {
    this.#known.push(name);
    const value = this.#options[name];
    return value === undefined ? fallback : check(value, `${this.#prefix}.${name}`);
  }

  required<T>(name: string, check: Check<T>): T {
    this.#known.push(name);
    if (this.#options[name] === undefined) this.#assertNotMisspelt(name);
    return check(this.#options[name], `${this.#prefix}.${name}`);
  }

  end(): void {
    for (const name of this.#unread()) {
      const meant = nearest(name, this.#known);
      const expected = `absent${meant === undefined ? '' : ` (did you mean '${meant}'?)`}, since the options are ${this.#known.join(', ')}`;
      fail(`${this.#prefix}.${name}`, expected, this.#options[name]);
    }
  }

  /** Of the two that are wrong, the name that there is not says more. */
  #assertNotMisspelt(name: string): void {
    const written = nearest(name, this.#unread());
    if (written !== undefined && !Object.hasOwn(this.#options, name))
      fail(`${this.#prefix}.${written}`, `absent (did you mean '${name}'?)`, this.#options[written]);
  }

  #unread(): string[] {
    return Object.keys(this.#options).filter((name) => !this.#known.includes(name));
  }
}
