/** Runs a function of a module of the benchmark on another Node, in a process of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const runner = fileURLToPath(new URL('./run-function.js', import.meta.url));

export async function onNode<T>(
  execPath: string,
  module: string,
  name: string,
  ...args: unknown[]
): Promise<T> {
  const child = fork(runner, [new URL(module, import.meta.url).href, name, JSON.stringify(args)], {
    execPath,
  });
  let answer: { value: T } | undefined;
  child.once('message', (message) => {
    answer = message as { value: T };
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  if (answer === undefined)
    throw new Error(`${name} on ${execPath} ended with exit code ${exitCode} and no answer`);
  return answer.value;
}
