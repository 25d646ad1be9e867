/** What it looks like in a user's error when the kernel has refused more than a limit allows. */
import type { SandboxLimits } from './types.js';

type Limit = Exclude<keyof SandboxLimits, 'cpuMs'>;

const ANY = /(?:)/;

/** Codes and messages are Node's; those of V8 have no code, or one of many. */
const REFUSALS: readonly (readonly [limit: Limit, code: RegExp, message: RegExp])[] = [
  ['memoryBytes', /^ENOMEM$/, ANY],
  ['memoryBytes', ANY, /^(Array buffer allocation failed|Failed to allocate memory)$/],
  ['memoryBytes', ANY, /^WebAssembly\.Memory\b.*(could not allocate|Unable to grow)/],
  // By itself this is also what a full pipe says.
  ['tasks', /^EAGAIN$/, /^spawn/],
  ['tasks', /^ERR_WORKER_INIT_FAILED$/, /\bEAGAIN$/],
  ['openFiles', /^ERR_WORKER_INIT_FAILED$/, /\bEMFILE$/],
  ['openFiles', /^EMFILE$/, ANY],
  ['fileBytes', /^EFBIG$/, ANY],
  ['tmpBytes', /^ENOSPC$/, ANY],
];

/** The limit that an error tells of, or one that caused it, as long as it is in force. */
export function limitBehindError(
  errors: readonly { readonly message: string; readonly code?: string }[],
  limits: Required<SandboxLimits>,
): Limit | undefined {
  for (const { code = '', message } of errors) {
    const refusal = REFUSALS.find(([, codes, messages]) => codes.test(code) && messages.test(message));
    if (refusal !== undefined && limits[refusal[0]] !== Infinity) return refusal[0];
  }
  return undefined;
}
