/** Hosts in the namespace of a test, whose children use its network. */
import type { Test } from 'tap';
import type { NetworkOptions, SandboxOptions } from '../../lib/index.js';
import { HostProgram } from './host-program.js';
import { PROBES, type TestNetwork } from './network.js';
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

/** The text of a program that starts a zygote of the profile `network`, as `zygote`. */
export function startZygoteText({ network = {}, sandbox = {}, preload = [] }: RunOptions): string {
  const options = { preload, pool: NO_POOL, sandbox: { ...sandbox, profile: 'network', network } };
  // Also as a global: a handle that nothing can reach is collected, and its zygote ends.
  return `const zygote = (globalThis.zygote = await Zygote.start(${JSON.stringify(options)}));\n`;
}

/** Runs the bodies of functions, each in a child of one zygote, side by side. They may use what PROBES has. */
export async function runInChildren(
  t: Test,
  network: TestNetwork,
  bodies: readonly string[],
  options: RunOptions = {},
): Promise<readonly ChildRun[]> {
  const codes = bodies.map((body) => `${PROBES}\nexport default async () => { ${body} };`);
  const spawnOptions = options.env === undefined ? {} : { env: options.env };
  const host = new HostProgram(
    t,
    `${startZygoteText(options)}
    const run = (code) => zygote.run(code, {}, ${JSON.stringify(spawnOptions)})
      .then(({ value }) => ({ value }), (error) => ({ failed: error.result ?? { status: String(error) } }));
    say(await Promise.all(${JSON.stringify(codes)}.map(run)));
    await zygote.close();`,
    { through: network.through },
  );
  const results = await host.next<readonly ChildRun[]>();
  await host.end();
  return results;
}

/** What the body returned. Fails if it did not. */
export async function runInChild<T>(
  t: Test,
  network: TestNetwork,
  body: string,
  options: RunOptions = {},
): Promise<T> {
  const [run] = await runInChildren(t, network, [body], options);
  if (run === undefined || run.failed !== undefined)
    throw new Error(`the child failed: ${JSON.stringify(run)}`);
  return run.value as T;
}
