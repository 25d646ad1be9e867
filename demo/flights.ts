/** A real table: 200,000 flights, with their delay, distance and time. */
import { createRequire } from 'node:module';
import path from 'node:path';

/** The Arrow file. Its package exports its code only, which is in build/, beside data/. */
export const FLIGHTS = path.resolve(
  path.dirname(createRequire(import.meta.url).resolve('vega-datasets')),
  '../data/flights-200k.arrow',
);
