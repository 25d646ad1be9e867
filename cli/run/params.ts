/** The params of a step from the command line. */
import type { Arguments } from '../arguments.js';
import { fileError } from '../failure.js';
import { fromJson } from '../json.js';
import { readInput } from '../tables/read.js';

/** JSON where it is: `2024`, `true`, `["a"]`; text where it isn't: `AA`, `007`, `2024-01-31`. */
export function paramOf(text: string): unknown {
  try {
    return fromJson(text);
  } catch {
    return text;
  }
}

async function paramsOfFile(file: string): Promise<object> {
  const text = (await readInput(file)).toString();
  let value: unknown;
  try {
    value = fromJson(text);
  } catch (error) {
    throw fileError(`${file}: it is no JSON: ${(error as Error).message}`, error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw fileError(`${file}: an object of params is needed`);
  return value;
}

/** @throws {Failure} */
export async function paramsOf(given: Arguments): Promise<object> {
  const file = given.one('params');
  const base = file === undefined ? {} : await paramsOfFile(file);
  const pairs = given.pairs('param').map(([name, text]) => [name, paramOf(text)] as const);
  return { ...base, ...Object.fromEntries(pairs) };
}
