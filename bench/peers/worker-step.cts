/** The code of a fresh worker thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { tableFromIPC } from 'apache-arrow';
import { sumOf } from './sum.cjs';

const reached = process.hrtime.bigint();
parentPort?.postMessage([reached, sumOf(tableFromIPC(workerData as Uint8Array))]);
