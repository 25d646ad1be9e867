/** The compiled seccomp policies, which the build makes of seccomp/*.policy. */
import { readFileSync } from 'node:fs';
import type { SandboxProfile } from './types.js';

/** Node's names of architectures, and the kernel's. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** nfsservctl(2), which no kernel has any more: see the end of seccomp/common.policy. */
const PROBES: Readonly<Record<string, number>> = { x64: 180, arm64: 42 };

export interface Filter {
  /** struct sock_filter[], as it is. */
  readonly program: Buffer;
  readonly probe: number;
}

function read(name: string): Buffer {
  return readFileSync(new URL(`../seccomp/${name}`, import.meta.url));
}

export function readFilter(profile: SandboxProfile): Filter {
  const architecture = ARCHITECTURES[process.arch] ?? process.arch;
  return { program: read(`${profile}.${architecture}.bpf`), probe: PROBES[process.arch] ?? -1 };
}

let names: Record<string, string> | undefined;

/** The name of a system call of this architecture. */
export function systemCallName(number: number): string {
  names ??= JSON.parse(
    read(`names.${ARCHITECTURES[process.arch] ?? process.arch}.json`).toString(),
  ) as Record<string, string>;
  return names[number] ?? `system call ${number}`;
}
