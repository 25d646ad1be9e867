/** The options of a zygote, its sandbox and its limits, as every command takes them that starts one. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { NetworkRule, SandboxLimits, SandboxOptions, ZygoteOptions } from '../lib/index.js';
import { SANDBOX_LAYERS, type SandboxLayer } from '../lib/layers.js';
import type { Arguments, Option } from './arguments.js';
import { usageError } from './failure.js';
import { duration, size, wholeNumber } from './units.js';

const PROFILES = ['compute', 'exec', 'network'] as const;

export const LIMIT_OPTIONS: readonly Option[] = [
  { name: 'memory', value: 'SIZE', about: 'Memory of the child, such as 512M (512M).' },
  { name: 'tasks', value: 'N', about: 'Processes and threads (64).' },
  { name: 'open-files', value: 'N', about: 'Open files (256).' },
  { name: 'file-size', value: 'SIZE', about: 'The size of a file (1G).' },
  { name: 'tmp-size', value: 'SIZE', about: 'All files in /tmp (64M).' },
  { name: 'cpu-time', value: 'TIME', about: 'CPU time, such as 10s (none).' },
];

export const SANDBOX_OPTIONS: readonly Option[] = [
  { name: 'profile', value: 'PROFILE', choices: PROFILES, about: 'What the child may do (compute).' },
  {
    name: 'off',
    value: 'LAYER',
    choices: SANDBOX_LAYERS,
    isMultiple: true,
    about: 'A layer of the sandbox to go without.',
  },
  {
    name: 'file',
    value: 'PATH',
    isMultiple: true,
    about: 'A file or folder that the child sees, read-only.',
  },
  {
    name: 'allow',
    value: 'ADDRESS:PORTS',
    isMultiple: true,
    about:
      'With --profile network: where it may connect to, such as 93.184.215.0/24:443 or 192.0.2.1:53/udp.',
  },
  {
    name: 'allow-private',
    value: 'ADDRESS:PORTS',
    isMultiple: true,
    about: 'The same in private ranges, such as 10.0.0.7:5432.',
  },
  { name: 'dns', value: 'ADDRESS', isMultiple: true, about: 'A name server that it may ask.' },
  { name: 'host', value: 'NAME=ADDRESS', isMultiple: true, about: 'An address by name, for its /etc/hosts.' },
];

export const PRELOAD_OPTIONS: readonly Option[] = [
  {
    name: 'preload',
    value: 'MODULE',
    isMultiple: true,
    about: 'A module that the code finds, besides apache-arrow; resolved from the folder of the code.',
  },
  { name: 'node-option', value: 'OPTION', isMultiple: true, about: 'An option for the node of the child.' },
];

function defined<T extends object>(values: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

export function limitsOf(given: Arguments): SandboxLimits {
  const read = <T>(name: string, as: (option: string, text: string) => T): T | undefined => {
    const text = given.one(name);
    return text === undefined ? undefined : as(name, text);
  };
  return defined<SandboxLimits>({
    memoryBytes: read('memory', size),
    tasks: read('tasks', wholeNumber),
    openFiles: read('open-files', wholeNumber),
    fileBytes: read('file-size', size),
    tmpBytes: read('tmp-size', size),
    outputBytes: undefined,
    cpuMs: read('cpu-time', duration),
  });
}

function ruleOf(option: string, text: string): NetworkRule {
  const [, to = '', ports = '', protocol] = /^([\d./]+):([\d,-]+)(?:\/(tcp|udp))?$/.exec(text) ?? [];
  if (to === '')
    throw usageError(`--${option} ${text}: an IPv4 address or range and ports are needed, as 192.0.2.1:443`);
  const list = ports.split(',').map((port) => (port.includes('-') ? port : Number(port)));
  return { to, ports: list, ...(protocol === 'udp' ? { protocol } : {}) };
}

export function sandboxOf(given: Arguments): SandboxOptions {
  const network = {
    allow: given.all('allow').map((text) => ruleOf('allow', text)),
    allowPrivate: given.all('allow-private').map((text) => ruleOf('allow-private', text)),
    dns: given.all('dns'),
    hosts: Object.fromEntries(given.pairs('host')),
  };
  const isNetworkGiven = ['allow', 'allow-private', 'dns', 'host'].some((name) => given.has(name));
  const profile = given.one('profile') as SandboxOptions['profile'];
  if (isNetworkGiven && profile !== 'network')
    throw usageError('--allow, --allow-private, --dns and --host are for --profile network');
  return {
    ...(profile === undefined ? {} : { profile }),
    off: given.all('off') as readonly SandboxLayer[],
    files: given.all('file').map((file) => path.resolve(file)),
    ...(isNetworkGiven ? { network } : {}),
  };
}

const ARROW = 'apache-arrow';
const own = createRequire(import.meta.url);

/** The folder in which this package finds its own apache-arrow. */
function ownModules(): string {
  const file = own.resolve(ARROW);
  return file.slice(0, file.lastIndexOf(`${path.sep}${ARROW}${path.sep}`));
}

/**
 * What is preloaded is resolved from the folder of the code. Where there is no apache-arrow, as with a command that is
 * installed for the whole machine, the zygote finds this package's.
 */
export function preloadOf(
  given: Arguments,
  folder: string,
): Pick<ZygoteOptions, 'preload' | 'from' | 'env' | 'execArgv'> {
  const preload = [ARROW, ...given.all('preload').filter((name) => name !== ARROW)];
  const execArgv = given.all('node-option');
  const from = path.join(folder, 'preload.js');
  try {
    createRequire(pathToFileURL(from)).resolve(ARROW);
    return { preload, from, execArgv };
  } catch {
    return preload.length === 1
      ? { preload, from: fileURLToPath(import.meta.url), execArgv }
      : { preload, from, execArgv, env: { NODE_PATH: ownModules() } };
  }
}
