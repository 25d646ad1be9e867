// The addon with AddressSanitizer (build-asan/) or UndefinedBehaviorSanitizer (build-ubsan/).
//
//   node scripts/native-sanitizers.mjs build [asan | ubsan]
//   node scripts/native-sanitizers.mjs run asan|ubsan <arguments of node...>
//
// `run` starts node with that build: lib/native-path.ts takes it from NODESPAWNER_BUILD_DIR.
import { execFileSync } from 'node:child_process';
import { buildNative } from './lib/native.mjs';
import { fail, run } from './lib/project.mjs';

/** @type {Record<string, { sanitizer: string, env: () => NodeJS.ProcessEnv }>} */
const variants = {
  asan: {
    sanitizer: 'address',
    // node itself isn't built with ASan, whose runtime must come first in the process. Node frees little at its end,
    // so leaks would all be node's.
    env: () => ({
      LD_PRELOAD: execFileSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim(),
      ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1',
    }),
  },
  ubsan: { sanitizer: 'undefined', env: () => ({ UBSAN_OPTIONS: 'print_stacktrace=1:abort_on_error=1' }) },
};

const [command, name, ...args] = process.argv.slice(2);
const chosen = name === undefined ? Object.keys(variants) : [name];
for (const variant of chosen) if (!(variant in variants)) fail(`no such sanitizer: ${variant}`);

for (const variant of chosen) {
  const { sanitizer, env } = /** @type {(typeof variants)[string]} */ (variants[variant]);
  const out = `build-${variant}`;
  if (command === 'build') buildNative({ out, defines: { NODESPAWNER_SANITIZER: sanitizer } });
  else if (command === 'run' && name !== undefined) {
    run(process.execPath, args, { env: { ...process.env, ...env(), NODESPAWNER_BUILD_DIR: out } });
  } else fail('usage: native-sanitizers.mjs build [asan | ubsan] | run asan|ubsan <arguments of node...>');
}
