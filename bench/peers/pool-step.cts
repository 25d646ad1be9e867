/** The task of a pool of worker threads. */
import { tableFromIPC } from 'apache-arrow';
import { sumOf } from './sum.cjs';

const reached = process.hrtime.bigint();

module.exports = (bytes: Uint8Array): [bigint, string] => [reached, sumOf(tableFromIPC(bytes))];
