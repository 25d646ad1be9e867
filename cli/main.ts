#!/usr/bin/env node
/** The command `nodespawner`: docs/cli.md. */
import { readFileSync } from 'node:fs';
import { nearest } from '../lib/did-you-mean.js';
import { COMMON, readArguments } from './arguments.js';
import { COMMANDS } from './commands/index.js';
import { EXIT, Failure, usageError } from './failure.js';
import { helpOf, overview } from './help.js';
import { dieOfSignal, interruption, watchSignals } from './interrupt.js';
import { print } from './output.js';
import { report } from './report-failure.js';

const args = process.argv.slice(2);
const isOn = (name: string): boolean => args.slice(0, [...args, '--'].indexOf('--')).includes(`--${name}`);

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

async function run([name, ...rest]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(overview(COMMANDS));
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  if (name === '--version' || name === '-v') {
    print(version());
    return EXIT.ok;
  }
  const command = COMMANDS.find((one) => one.name === name);
  if (command === undefined) {
    const names = COMMANDS.map((one) => one.name);
    const meant = nearest(name, names);
    throw usageError(
      meant === undefined
        ? `there is no command '${name}'; there are ${names.join(', ')}`
        : `there is no command '${name}'; did you mean '${meant}'?`,
    );
  }
  const given = readArguments(command, rest);
  if (given.has('help')) {
    print(helpOf(command, COMMON));
    return EXIT.ok;
  }
  return await command.run(given);
}

// Who reads has enough, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});
watchSignals();
try {
  process.exitCode = await run(args);
} catch (error) {
  process.exitCode = error instanceof Failure ? error.exitCode : EXIT.internal;
  if (!interruption.aborted) process.exitCode = report(error, isOn('json'), isOn('verbose'));
}
dieOfSignal();
