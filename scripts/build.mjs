// Builds everything: TypeScript into dist/, native code into build/Release/.
//
//   node scripts/build.mjs [--ts | --native]
import fs from 'node:fs';
import path from 'node:path';
import { buildNative } from './lib/native.mjs';
import { buildSeccomp } from './lib/seccomp.mjs';
import { inRoot, runBin } from './lib/project.mjs';
import { BUNDLE, bundleZygote } from './lib/zygote-bundle.mjs';

const parts = ['lib', 'renderer', 'cli', 'zygote', 'protocol', 'test', 'bench', 'demo', 'examples'];
const sources = /\.[cm]?ts$/;

/** The files below a folder of the project, as paths from the root. @returns {string[]} */
function filesIn(/** @type {string} */ folder) {
  if (!fs.existsSync(inRoot(folder))) return [];
  return fs
    .readdirSync(inRoot(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('/node_modules'))
    .map((entry) => path.join(path.relative(inRoot(), entry.parentPath), entry.name));
}

// What tsc leaves out: package.json files that make a folder CommonJS, generated code with its .d.ts, fixtures.
function copyOtherFiles() {
  for (const file of parts.flatMap(filesIn)) {
    if (sources.test(file) && !file.endsWith('.d.ts')) continue;
    if (file.startsWith('test/nodes/') || file.startsWith('test/servers/')) continue;
    const target = inRoot('dist', file);
    if (fs.existsSync(target) && fs.readFileSync(target).equals(fs.readFileSync(inRoot(file)))) continue;
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.copyFileSync(inRoot(file), target);
  }
}

// Output whose source is gone would still be imported, run as a test, and packed.
function removeStaleOutput() {
  for (const output of parts.map((part) => path.join('dist', part)).flatMap(filesIn)) {
    const file = path.relative('dist', output);
    if (file === BUNDLE) continue;
    const source = file.replace(/(\.d)?\.([cm]?)[jt]s(\.map)?$/, '.$2ts');
    if (!fs.existsSync(inRoot(file)) && !fs.existsSync(inRoot(source))) fs.rmSync(inRoot(output));
  }
}

const only = process.argv[2];
if (only !== '--ts') buildNative();
if (only !== '--native') {
  buildSeccomp();
  removeStaleOutput();
  copyOtherFiles();
  runBin('typescript/bin/tsc', ['-p', inRoot('tsconfig.json')]);
  bundleZygote();
}
