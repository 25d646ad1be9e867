// Compiles and links all native code for aarch64, with warnings as errors. It isn't run: this only shows that
// nothing but what is marked as x86-64 depends on it.
import { inRoot, run } from './lib/project.mjs';
import { BINARIES, buildNative } from './lib/native.mjs';

const prefix = 'aarch64-linux-gnu-';
buildNative({
  out: 'build-aarch64',
  defines: {
    CMAKE_SYSTEM_NAME: 'Linux',
    CMAKE_SYSTEM_PROCESSOR: 'aarch64',
    CMAKE_C_COMPILER: `${prefix}gcc`,
    CMAKE_CXX_COMPILER: `${prefix}g++`,
    CMAKE_ASM_COMPILER: `${prefix}gcc`,
  },
});
for (const name of BINARIES) {
  run(`${prefix}readelf`, ['-h', inRoot('build-aarch64/Release', name)]);
}
