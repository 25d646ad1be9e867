import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type * as describe from '../../zygote/describe-error.js';
import type * as entry from '../../zygote/entry.js';
import type * as fresh from '../../zygote/fresh.js';
import type * as internals from '../../zygote/internals.js';
import type * as modules from '../../zygote/modules.js';
import type * as preload from '../../zygote/preload.js';
import type * as random from '../../zygote/random.js';
import type * as typescript from '../../zygote/typescript.js';
import type * as sample from '../../zygote/typescript-sample.js';
import type * as userModule from '../../zygote/user-module.js';

const zygoteFolder = fileURLToPath(new URL('../../zygote/', import.meta.url));
const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url));
const rootManifest = fileURLToPath(new URL('../../../package.json', import.meta.url));

/** The flags that the zygote is started with. */
export const ZYGOTE_FLAGS = ['--expose-internals', '--experimental-vm-modules'];

/** The modules of zygote/, each loaded when it is first asked for. */
export interface ZygoteModules {
  readonly describe: typeof describe;
  readonly entry: typeof entry;
  readonly fresh: typeof fresh;
  readonly internals: typeof internals;
  readonly modules: typeof modules;
  readonly preload: typeof preload;
  readonly random: typeof random;
  readonly typescript: typeof typescript;
  readonly sample: typeof sample;
  readonly userModule: typeof userModule;
}

export interface Isolated {
  readonly zygote: ZygoteModules;
  /** Requires from the root of the package: builtins, and what is in node_modules. */
  readonly require: NodeJS.Require;
  /** Requires a module of test/fixtures. */
  readonly fixture: (name: string) => unknown;
}

export interface IsolatedOptions {
  readonly flags?: readonly string[];
  readonly env?: Record<string, string>;
}

export interface IsolatedResult<T> {
  readonly value: T;
  readonly stdout: string;
  readonly stderr: string;
}

const FILES = {
  describe: 'describe-error',
  entry: 'entry',
  fresh: 'fresh',
  internals: 'internals',
  modules: 'modules',
  preload: 'preload',
  random: 'random',
  typescript: 'typescript',
  sample: 'typescript-sample',
  userModule: 'user-module',
} satisfies Record<keyof ZygoteModules, string>;

function script(fn: string, input: unknown): string {
  return `
const { createRequire } = require('node:module');
const load = require;
const zygote = {};
for (const [name, file] of Object.entries(${JSON.stringify(FILES)})) {
  Object.defineProperty(zygote, name, { get: () => load(${JSON.stringify(zygoteFolder)} + file + '.js') });
}
const fixture = (name) => load(${JSON.stringify(fixtures)} + name + '.cjs');
const isolated = { zygote, fixture, require: createRequire(${JSON.stringify(rootManifest)}) };
const { writeSync } = require('node:fs');
const { stringify } = JSON;
(async () => (${fn})(isolated, ${input === undefined ? 'undefined' : JSON.stringify(input)}))().then((value) => {
  writeSync(3, stringify({ value }));
});
`;
}

/**
 * Runs a function in a node process of its own, started like the zygote: what it does to the process, no other test
 * sees. Only its text goes there, so it can use nothing but its arguments and what it requires.
 */
export async function isolated<T, I = undefined>(
  fn: (isolated: Isolated, input: I) => T | Promise<T>,
  input?: I,
  { flags = ZYGOTE_FLAGS, env = {} }: IsolatedOptions = {},
): Promise<IsolatedResult<T>> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'isolated-'));
  try {
    const file = path.join(folder, 'script.cjs');
    fs.writeFileSync(file, script(fn.toString(), input));
    const child = spawn(process.execPath, [...flags, file], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    const [stdout, stderr, result, status] = await Promise.all([
      text(child.stdout as Readable),
      text(child.stderr as Readable),
      text(child.stdio[3] as Readable),
      new Promise((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (code, signal) => {
          resolve(code ?? signal);
        });
      }),
    ]);
    if (status !== 0 || result === '') {
      throw new Error(`The isolated process ended with ${String(status)}:\n${stderr}${stdout}`);
    }
    const { value } = JSON.parse(result) as { value: T };
    return { value, stdout, stderr };
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}
