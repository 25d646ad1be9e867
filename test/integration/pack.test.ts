// The packed package installs offline, without a compiler, into an empty project, and works there.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import { installOffline, pack } from '../helpers/packed.js';

// Outside of this checkout, whose node_modules would be found from a folder in it.
const folder = mkdtempSync(join(tmpdir(), 'nodespawner-pack-'));
t.teardown(() => {
  rmSync(folder, { recursive: true });
});
const tarball = pack(folder);
const project = installOffline(tarball, folder);
const installed = join(project, 'node_modules/nodespawner');
const prebuilt = join(installed, `prebuilds/${process.platform}-${process.arch}`);

function run(code: string): string {
  const args = ['--input-type=module', '-e', code];
  return execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8', env: {} });
}

t.test('the package has what it needs at run time and to build, and no more', (t) => {
  const files = readdirSync(installed, { recursive: true }).map(String);
  for (const file of [
    'LICENSE',
    'README.md',
    'binding.gyp',
    'docs/api.md',
    'dist/cli/main.js',
    'dist/lib/index.d.ts',
    'dist/renderer/index.d.ts',
    'native/addon.cc',
    'scripts/install.mjs',
  ]) {
    t.ok(files.includes(file), `has ${file}`);
  }
  // What `nodespawner bench` measures with, which is a part of the benchmark.
  const bench = files.filter((file) => /^dist\/bench\/.*[.]js$/.test(file));
  t.ok(bench.length > 0 && bench.length < 10, `${bench.length} files of the benchmark`);
  t.same(
    files.filter((file) =>
      /^dist\/(test|demo)|^(lib|renderer|test|zygote)\/|[.]map$|tsbuildinfo|tsconfig/.test(file),
    ),
    [],
  );
  t.end();
});

t.test('the prebuilt binaries were used: nothing was built', (t) => {
  t.notOk(existsSync(join(installed, 'build')));
  t.ok(existsSync(join(prebuilt, 'nodespawner.node')));
  t.end();
});

t.test('the launcher is still executable', (t) => {
  t.equal(statSync(join(prebuilt, 'nodespawner-launcher')).mode & 0o111, 0o111);
  t.end();
});

t.test('the addon loads', (t) => {
  const addon = JSON.stringify(join(prebuilt, 'nodespawner.node'));
  const code = `import { createRequire } from 'node:module';
    console.log(Object.keys(createRequire(import.meta.url)(${addon})).length > 0);`;
  t.equal(run(code), 'true\n');
  t.end();
});

t.test('the package is imported by its name', (t) => {
  t.match(run(`import * as all from 'nodespawner'; console.log(Object.keys(all).join(' '))`), /\bZygote\b/);
  t.end();
});

t.test('it spawns a child that gets a table and returns one', (t) => {
  const output = run(`
    import { Zygote } from 'nodespawner';
    import { tableFromArrays } from 'apache-arrow';
    const zygote = await Zygote.start({ preload: ['apache-arrow'] });
    const code = 'export default ({ params, tables }) => ({ value: params.a + 1, tables: { out: tables.in } })';
    const inputs = { params: { a: 41 }, tables: { in: tableFromArrays({ x: [1, 2, 3] }) } };
    const { value, tables } = await zygote.run(code, inputs);
    console.log(value, tables.out.numRows);
    await zygote.close();
  `);
  t.equal(output, '42 3\n');
  t.end();
});

t.test('the command is there and runs a step', (t) => {
  const command = join(project, 'node_modules/.bin/nodespawner');
  const options = { cwd: project, encoding: 'utf8', env: { PATH: dirname(process.execPath) } } as const;
  const step = 'export default ({ params, tables }) => params.a + tables.t.numRows';
  writeFileSync(join(project, 'step.mjs'), step);
  const run = ['run', 'step.mjs', '--table', 't=-', '--param', 'a=40'];
  t.equal(execFileSync(command, run, { ...options, input: 'x\n1\n2\n' }), '42\n');
  const bench = execFileSync(command, ['bench', '--spawns', '1', '--plain', '1', '--json'], options);
  t.match(JSON.parse(bench), { series: { firstLine: [Number], plainRoundTrip: [Number] } });
  t.end();
});

t.test('without the package for Parquet, the command says what to install', (t) => {
  writeFileSync(join(project, 'in.parquet'), 'PAR1');
  const command = join(project, 'node_modules/.bin/nodespawner');
  const { status, stderr } = spawnSync(command, ['run', 'step.mjs', '--table', 't=in.parquet'], {
    cwd: project,
    encoding: 'utf8',
    env: { PATH: dirname(process.execPath) },
  });
  t.equal(status, 2);
  t.match(stderr, /^nodespawner: in\.parquet: Parquet needs .*npm install parquet-wasm@[\d.]+\n$/);
  t.end();
});
