import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  addonPath,
  binaryFolders,
  findBinary,
  launcherPath,
  preloadedLibraryPath,
} from '../../../lib/native-path.js';

const prebuilt = join('prebuilds', `${process.platform}-${process.arch}`);

t.test('a local build goes before a prebuilt one', (t) => {
  const root = t.testdir({
    build: { Release: {} },
    prebuilds: { [`${process.platform}-${process.arch}`]: {} },
  });
  const folders = binaryFolders(root, {});
  writeFileSync(join(root, prebuilt, 'x'), '');
  t.equal(findBinary('x', folders), join(root, prebuilt, 'x'));
  writeFileSync(join(root, 'build/Release/x'), '');
  t.equal(findBinary('x', folders), join(root, 'build/Release/x'));
  t.end();
});

t.test('a binary that is nowhere is an error with a code, naming what was looked for', (t) => {
  const root = t.testdir();
  t.throws(() => findBinary('x', binaryFolders(root, {})), {
    code: 'ERR_NO_NATIVE_BINARY',
    message: /^x is in none of/,
  });
  t.end();
});

t.test('NODESPAWNER_BUILD_DIR replaces the folders in a checkout', (t) => {
  const root = t.testdir({ 'tsconfig.json': '{}' });
  t.same(binaryFolders(root, { NODESPAWNER_BUILD_DIR: 'build-asan' }), [join(root, 'build-asan/Release')]);
  t.end();
});

t.test('NODESPAWNER_BUILD_DIR is ignored in an installed package', (t) => {
  const root = t.testdir();
  t.same(binaryFolders(root, { NODESPAWNER_BUILD_DIR: '/tmp/evil' }), binaryFolders(root, {}));
  t.end();
});

t.test('this build has all binaries', (t) => {
  t.match(addonPath(), /nodespawner\.node$/);
  t.match(preloadedLibraryPath(), /nodespawner-preload\.so$/);
  t.match(launcherPath(), /nodespawner-launcher$/);
  t.end();
});
