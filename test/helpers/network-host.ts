/** Hosts in the namespace of a test, whose children use its network. */
import type { Test } from 'tap';
import type { NetworkOptions, SandboxOptions, ZygoteOptions } from '../../lib/index.js';
import { HostProgram } from './host-program.js';
import { PROBES, TestNetwork } from './network.js';
import { NO_POOL } from './zygote.js';

export interface ChildRun {
  readonly value?: unknown;
  /** The result, if it is not ok. */
  readonly failed?: { readonly status: string; readonly syscall?: string; readonly error?: unknown };
}

export interface RunOptions {
  readonly network?: NetworkOptions;
  readonly sandbox?: Omit<SandboxOptions, 'profile' | 'network'>;
  readonly preload?: readonly string[];
  /** The environment of the child. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ChildJob {
  /** Of an async function, which may use what PROBES has. */
  readonly body: string;
  readonly options?: RunOptions;
}

function zygoteOptions({ network = {}, sandbox = {}, preload = [] }: RunOptions): ZygoteOptions {
  return { preload, pool: NO_POOL, sandbox: { ...sandbox, profile: 'network', network } };
}

/** All that is public. */
export const EVERYTHING_PUBLIC = [
  { to: '0.0.0.0/0', ports: '1-65535' },
  { to: '0.0.0.0/0', ports: '1-65535', protocol: 'udp' },
] as const satisfies NetworkOptions['allow'];

/** The text of a program that starts a zygote of the profile `network`, as `zygote`. */
export function startZygoteText(options: RunOptions): string {
  // Also as a global: a handle that nothing can reach is collected, and its zygote ends.
  return `const zygote = (globalThis.zygote = await Zygote.start(${JSON.stringify(zygoteOptions(options))}));\n`;
}

/** Runs what it reads, a line for all that is to run side by side. One zygote is for all that want the same one. */
const PROGRAM = `
import { createInterface } from 'node:readline';
const zygotes = (globalThis.zygotes = new Map());
const zygoteOf = (options) => {
  const key = JSON.stringify(options);
  if (!zygotes.has(key)) zygotes.set(key, Zygote.start(options));
  return zygotes.get(key);
};
const run = async ({ zygote, code, options }) => {
  try {
    return { value: (await (await zygoteOf(zygote)).run(code, {}, options)).value };
  } catch (error) {
    return { failed: error.result ?? { status: String(error) } };
  }
};
for await (const line of createInterface({ input: process.stdin })) say(await Promise.all(JSON.parse(line).map(run)));
`;

/**
 * A host, and zygotes for all tests that leave its network as they found it. These run one after the other: what servers
 * hear is of the one that runs.
 */
export class NetworkHost {
  readonly network: TestNetwork;
  readonly #program: HostProgram;

  private constructor(network: TestNetwork, program: HostProgram) {
    this.network = network;
    this.#program = program;
  }

  /** Is gone, with the network, when the test ends. */
  static async start(t: Test): Promise<NetworkHost> {
    const network = await TestNetwork.make(t);
    return new NetworkHost(network, new HostProgram(t, PROGRAM, { through: network.through, stdin: 'pipe' }));
  }

  /** Runs each in a child, all of them side by side. */
  run(jobs: readonly ChildJob[]): Promise<readonly ChildRun[]> {
    const asked = jobs.map(({ body, options = {} }) => ({
      zygote: zygoteOptions(options),
      code: `${PROBES}\nexport default async () => { ${body} };`,
      options: options.env === undefined ? {} : { env: options.env },
    }));
    this.#program.process.stdin?.write(`${JSON.stringify(asked)}\n`);
    return this.#program.next();
  }

  /** What the bodies returned. Fails if one did not. */
  async values<T>(jobs: readonly ChildJob[]): Promise<readonly T[]> {
    const runs = await this.run(jobs);
    const failed = runs.filter((run) => run.failed !== undefined);
    if (failed.length > 0) throw new Error(`children failed: ${JSON.stringify(failed)}`);
    return runs.map(({ value }) => value as T);
  }

  /** What the body returned. Fails if it did not. */
  async value<T>(body: string, options: RunOptions = {}): Promise<T> {
    const [value] = await this.values<T>([{ body, options }]);
    return value as T;
  }
}

type NetworkTest = (t: Test, host: NetworkHost, network: TestNetwork) => Promise<void>;

/**
 * A function that defines tests on one host and its network: of each, the servers have heard nothing yet.
 *
 * @param skip why there can be no network
 */
export async function testsOnOneHost(
  t: Test,
  skip: string | false,
): Promise<(name: string, run: NetworkTest) => void> {
  const host = skip === false ? await NetworkHost.start(t) : undefined;
  return (name, run) => {
    t.test(name, { skip }, async (t) => {
      if (host === undefined) throw new Error('there is no network');
      await host.network.forget();
      await run(t, host, host.network);
    });
  };
}
