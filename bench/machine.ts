/** Where and of what the figures are. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Machine {
  readonly machine: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly system: string;
  /** Processes that ran or wanted to, on average over the last 1, 5 and 15 minutes, before the measurement. */
  readonly loadBefore: readonly number[];
  readonly commit: string;
  readonly date: string;
  readonly command: string;
}

const root = fileURLToPath(new URL('../../', import.meta.url));

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

function git(...args: string[]): string {
  try {
    return execFileSync('git', args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}

function describeCommit(): string {
  const commit = git('rev-parse', '--short=10', 'HEAD');
  if (commit === '') return 'unknown';
  return git('status', '--porcelain', '--untracked-files=no') === '' ? commit : `${commit}, with changes`;
}

function describeMachine(): string {
  const model = [read('/sys/class/dmi/id/sys_vendor'), read('/sys/class/dmi/id/product_name')]
    .join(' ')
    .trim();
  const isVirtual = /^flags\s*:.*\bhypervisor\b/m.test(read('/proc/cpuinfo'));
  return [model, isVirtual ? 'virtual machine' : ''].filter((part) => part !== '').join(', ') || 'unknown';
}

export function describe(): Machine {
  const script = path.relative(root, process.argv[1] ?? '');
  return {
    machine: describeMachine(),
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGb: Math.round(os.totalmem() / 2 ** 30),
    kernel: os.release(),
    system: /^PRETTY_NAME="?([^"\n]*)/m.exec(read('/etc/os-release'))?.[1] ?? 'Linux',
    loadBefore: os.loadavg(),
    commit: describeCommit(),
    date: new Date().toISOString().slice(0, 10),
    command: ['node', script, ...process.argv.slice(2)].join(' '),
  };
}
