/** Hostile code, and what becomes of it: zygotes whose children have machine code of their own at hand. */
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import { SANDBOX_LAYERS, type SandboxLayer } from '../../../lib/layers.js';
import {
  Zygote,
  type Child,
  type Inputs,
  type Result,
  type SandboxOptions,
  type SpawnOptions,
  type ZygoteOptions,
} from '../../../lib/index.js';
import { compile } from '../compile.js';
import { expectStatus, FIXTURES } from '../zygote.js';

/** Of the host's folders for files this is the one that a child doesn't have of its own. */
export const HOST_TMP = '/var/tmp';

/** All layers but these are off. What is always on is on. */
export function only(...layers: SandboxLayer[]): SandboxLayer[] {
  return SANDBOX_LAYERS.filter((layer) => !layers.includes(layer));
}

const architecture = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as 'x64' | 'arm64'];

/** The numbers of system calls, by name. */
export const SYSTEM_CALLS: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(
    JSON.parse(
      readFileSync(new URL(`../../../seccomp/names.${architecture}.json`, import.meta.url), 'utf8'),
    ) as Record<string, string>,
  ).map(([number, name]) => [name, Number(number)]),
);

/** The names of errors, by number; of two names for one, the one of errno(3) that strace(1) shows. */
const ERRORS = Object.fromEntries(
  Object.entries(os.constants.errno)
    .filter(([name]) => name !== 'EWOULDBLOCK' && name !== 'ENOTSUP')
    .map(([name, number]) => [number, name]),
);

/** What an attack may use, as source text. `sys()` returns the name of an error, or what the call returned. */
function prelude(addon: string): string {
  return `
const fs = require('node:fs'), os = require('node:os'), vm = require('node:vm');
const NUMBERS = ${JSON.stringify(SYSTEM_CALLS)}, ERRORS = ${JSON.stringify(ERRORS)};
const raw = ((module) => (process.dlopen(module, ${JSON.stringify(addon)}), module.exports))({ exports: {} });
const told = (result) => (typeof result === 'number' && result < 0 ? (ERRORS[-result] ?? result) : result);
const sys = (name, ...args) => told(raw.call(NUMBERS[name] ?? name, ...args));
const text = (string) => Buffer.from(string + '\\0');
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const attempt = (act) => { try { return act(); } catch (error) { return error.code ?? String(error); } };
const lines = (file) => fs.readFileSync(file, 'utf8').trim().split('\\n');
const openFds = () => fs.readdirSync('/proc/self/fd').map((fd) => [Number(fd), attempt(() => fs.readlinkSync('/proc/self/fd/' + fd))]);
const outputFd = () => openFds().find(([, target]) => target.startsWith('/memfd:'))[0];
// The runtime's own pipes have both ends here.
const resultFd = () => { const ends = openFds().filter(([fd, target]) => fd > 2 && target.startsWith('pipe:')); return ends.find(([fd, target]) => !ends.some((end) => end[0] !== fd && end[1] === target))[0]; };
// V8's workers are there when there is work for them.
const startWorkers = () => Promise.all(Array.from({ length: 20 }, () => WebAssembly.compile(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))));
const field = (name, file = '/proc/self/status') =>
  lines(file).find((line) => line.startsWith(name + ':'))?.slice(name.length + 1).trim();
`;
}

/** The addon of test/fixtures/security/raw.c, in a folder that can be listed in `sandbox.files`. */
export function buildRaw(t: Test): string {
  return compile(t, 'security/raw', 'addon', HOST_TMP);
}

/** A folder of the host's that children can be shown. */
export function hostFolder(t: Test): string {
  const folder = mkdtempSync(path.join(HOST_TMP, 'nodespawner-security-'));
  chmodSync(folder, 0o755);
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

export type AttackOptions = SpawnOptions & Pick<Inputs, 'tables'>;

/** Says that it is there, and waits until {@link goOn}. */
export const WAITS = `
  console.log(1);
  await new Promise((resolve) => process.stdin.once('data', resolve));`;

export function goOn(child: Child): Promise<Result> {
  child.stdin!.end('on');
  return child.result;
}

/** A zygote for attacks. */
export class Lab {
  readonly zygote: Zygote;
  readonly #prelude: string;

  private constructor(zygote: Zygote, source: string) {
    this.zygote = zygote;
    this.#prelude = source;
  }

  /** @param addon of {@link buildRaw} */
  static async start(
    t: Test,
    addon: string,
    sandbox: SandboxOptions = {},
    options: Omit<ZygoteOptions, 'sandbox'> = {},
  ): Promise<Lab> {
    const files = [path.dirname(addon), ...(sandbox.files ?? [])];
    const zygote = await Zygote.start({
      preload: [],
      from: FIXTURES,
      ...options,
      sandbox: { ...sandbox, files },
    });
    t.teardown(() => zygote.close());
    return new Lab(zygote, prelude(addon));
  }

  /** The body of an async function of `params` and `tables`, running in a child. */
  spawn(body: string, params?: unknown, { tables, ...options }: AttackOptions = {}): Promise<Child> {
    const code = `${this.#prelude} module.exports = async ({ params, tables }) => { ${body} };`;
    const inputs = { params, ...(tables && { tables }) };
    return this.zygote.spawn(code, inputs, {
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'ignore',
      ...options,
    });
  }

  async attack(body: string, params?: unknown, options?: AttackOptions): Promise<Result> {
    const child = await this.spawn(body, params, options);
    return child.result;
  }

  /** What an attack returns that ends well. */
  async value(body: string, params?: unknown, options?: AttackOptions): Promise<unknown> {
    return expectStatus(await this.attack(body, params, options), 'ok').value;
  }

  /** A child whose body has come to {@link WAITS}. */
  async waiting(body: string = WAITS, params?: unknown): Promise<Child> {
    const child = await this.spawn(body, params, { stdin: 'pipe', stdout: 'pipe' });
    await once(child.stdout!, 'data');
    return child;
  }

  /**
   * What the host sees of a child while it lives.
   *
   * @param begin what it does first
   */
  async seen<T>(see: (pid: number) => T, begin = ''): Promise<T> {
    const child = await this.waiting(begin + WAITS);
    const seen = see(child.pid);
    expectStatus(await goOn(child), 'ok');
    return seen;
  }

  /** Whether children can still be had, and work. */
  async works(): Promise<boolean> {
    return (await this.value('return params + 1', 41)) === 42;
  }
}

/** A line of /proc/PID/status, as the host sees it. */
export function statusOf(pid: number, name: string, thread: number | string = pid): string {
  const text = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}:`));
  if (line === undefined) throw new Error(`no ${name} in the status of ${pid}`);
  return line.slice(name.length + 1).trim();
}
