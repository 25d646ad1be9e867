/** The thread that fault-finder.ts starts. Its mapping is its own, and of the same pages: nothing is copied. */
import { parentPort } from 'node:worker_threads';
import { findFault } from './find-fault.js';
import type { FaultAnswer, FaultQuestion } from './fault-finder.js';
import { native } from './native.js';

function answer({ id, fd, end, tables }: FaultQuestion): FaultAnswer {
  try {
    const memory = native.mapPrivate(fd, end);
    try {
      return { id, findings: findFault(fd, memory, tables) };
    } finally {
      native.unmap(memory);
    }
  } catch (error) {
    return { id, error };
  }
}

parentPort?.on('message', (question: FaultQuestion) => {
  parentPort?.postMessage(answer(question));
});
