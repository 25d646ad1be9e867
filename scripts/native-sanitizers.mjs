// The addon with AddressSanitizer (build-asan/) or UndefinedBehaviorSanitizer (build-ubsan/).
//
//   node scripts/native-sanitizers.mjs build [asan | ubsan]
//   node scripts/native-sanitizers.mjs run asan|ubsan <arguments of node...>
//   node scripts/native-sanitizers.mjs check             builds both, and runs tests with each
//
// `run` starts node with that build: lib/native-path.ts takes it from an environment variable. With ASan it is the host
// alone that has it: its runtime has threads, signal handlers and shadow memory of its own, which no clone carries.
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
      NODESPAWNER_HOST_BUILD_DIR: 'build-asan',
      LD_PRELOAD: execFileSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim(),
      // What was freed is kept for a while, 256 MB by default; a test looks whether memory grows.
      ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1:quarantine_size_mb=8',
    }),
  },
  ubsan: {
    sanitizer: 'undefined',
    env: () => ({
      NODESPAWNER_BUILD_DIR: 'build-ubsan',
      UBSAN_OPTIONS: 'print_stacktrace=1:abort_on_error=1',
    }),
  },
};

/** Tests that go through all of the native code: spawning, handing over, reading back, ending. */
const checked = ['outcomes', 'lifetime', 'descriptors', 'shared-tables', 'pool'];

const [command, name, ...args] = process.argv.slice(2);
const chosen = name === undefined ? Object.keys(variants) : [name];
for (const variant of chosen) if (!(variant in variants)) fail(`no such sanitizer: ${variant}`);

function build(/** @type {string} */ variant, /** @type {string} */ sanitizer) {
  buildNative({ out: `build-${variant}`, defines: { NODESPAWNER_SANITIZER: sanitizer } });
}

for (const variant of chosen) {
  const { sanitizer, env } = /** @type {(typeof variants)[string]} */ (variants[variant]);
  const runNode = (/** @type {readonly string[]} */ nodeArgs) => {
    run(process.execPath, nodeArgs, { env: { ...process.env, ...env() } });
  };
  if (command === 'build') build(variant, sanitizer);
  else if (command === 'run' && name !== undefined) runNode(args);
  else if (command === 'check') {
    build(variant, sanitizer);
    runNode(['scripts/test.mjs', ...checked.map((test) => `integration/${test}`)]);
  } else
    fail('usage: native-sanitizers.mjs build|check [asan | ubsan] | run asan|ubsan <arguments of node...>');
}
