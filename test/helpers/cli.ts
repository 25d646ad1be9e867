/** The command, as it is built, in a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

export interface CliOptions {
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A program and its arguments by which node is started. */
  readonly through?: readonly string[];
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
}

export function startCli(
  args: readonly string[],
  { stdin, env, cwd, through = [] }: CliOptions = {},
): Started {
  const [command = '', ...rest] = [...through, process.execPath, MAIN, ...args];
  const child = spawn(command, rest, {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own, to which signals can be sent as a terminal does.
    detached: true,
  });
  // One that refuses its arguments doesn't read.
  child.stdin.on('error', () => undefined).end(stdin);
  const printed = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  const ended = printed.then(([stdout, stderr, [code, signal]]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout,
    stderr,
  }));
  return { process: child, ended };
}

export function cli(args: readonly string[], options?: CliOptions): Promise<Ended> {
  return startCli(args, options).ended;
}

/** So many at once: each is mostly the start of a node. */
const SIDE_BY_SIDE = 4;

/** The command with each of these arguments, some side by side. */
export async function cliOfEach(
  all: readonly (readonly string[])[],
  options?: CliOptions,
): Promise<readonly Ended[]> {
  const ends: Ended[] = [];
  // One iterator, of which each takes the next.
  const left = all.entries();
  const work = async (): Promise<void> => {
    for (const [index, args] of left) ends[index] = await cli(args, options);
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  return ends;
}

/** A folder for a test, with files in it. */
export function folderOf(t: Test, files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'nodespawner-cli-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(folder, name), content);
  return folder;
}
