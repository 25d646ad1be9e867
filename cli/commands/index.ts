import type { Command } from '../arguments.js';
import { bench } from './bench.js';
import { completion } from './completion.js';
import { doctor } from './doctor.js';
import { render } from './render.js';
import { run } from './run.js';
import { worker } from './worker.js';

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [run, render, worker, doctor, bench, completion];
