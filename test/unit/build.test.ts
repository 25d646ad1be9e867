// CMakeLists.txt and binding.gyp build the same sources with the same definitions and flags, and the zygote is in one file.
//
// What CMake does is read from what it wrote for the last build: compile_commands.json and, for the linker, the
// targets' own files, so that a flag counts wherever in CMakeLists.txt it comes from.
import { execFileSync, execSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { addonPath } from '../../lib/native-path.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

interface GypTarget {
  target_name: string;
  sources: string[];
  defines: string[];
  cflags: string[];
  cflags_c?: string[];
  cflags_cc?: string[];
  ldflags: string[];
}

interface Build {
  sources: string[];
  defines: string[];
  /** Of one language: with the standard's flag, without those of other languages. */
  flags: { c: string[]; cc: string[]; S: string[] };
  ldflags: string[];
}

const unique = (list: readonly string[]) => [...new Set(list)].sort();

/** gyp's `<!@(command)` is the words that the command prints. */
function expand(sources: readonly string[]): string[] {
  return sources.flatMap((source) => {
    const command = /^<!@\((.*)\)$/.exec(source)?.[1];
    return command === undefined
      ? source
      : execSync(command, { cwd: root, encoding: 'utf8' }).trim().split(/\s+/);
  });
}

function readGyp(name: string): Build {
  const text = readFileSync(join(root, 'binding.gyp'), 'utf8').replace(/^\s*#.*$/gm, '');
  const { targets } = JSON.parse(text) as { targets: GypTarget[] };
  const target = targets.find(({ target_name }) => target_name === name);
  if (target === undefined) throw new Error(`binding.gyp has no target ${name}`);
  const { sources, defines, cflags, cflags_c = [], cflags_cc = [], ldflags } = target;
  return {
    sources: unique(expand(sources)),
    defines: unique(defines),
    flags: { c: unique([...cflags, ...cflags_c]), cc: unique([...cflags, ...cflags_cc]), S: unique(cflags) },
    ldflags: unique(ldflags),
  };
}

/** Comes from cmake-js and CMake itself, or is meant for this project's own builds only. */
const cmakeOnly = /^-(Werror|DBUILDING_NODE_EXTENSION|Dnodespawner(_preload)?_EXPORTS)$/;

function readCmake(name: string): Build {
  const commands = JSON.parse(readFileSync(join(root, 'build/compile_commands.json'), 'utf8')) as {
    command: string;
    file: string;
  }[];
  const own = commands.filter(({ command }) => command.includes(`CMakeFiles/${name}.dir/`));
  const defines = new Set<string>();
  const flags: Build['flags'] = { c: [], cc: [], S: [] };
  for (const { command, file } of own) {
    const words = command.split(/\s+/).filter((word) => word.startsWith('-') && !cmakeOnly.test(word));
    for (const word of words) if (word.startsWith('-D')) defines.add(word.slice(2));
    const language = file.split('.').pop() as keyof Build['flags'];
    const others = /^-(D|I|isystem|o$|c$)/;
    flags[language] = unique(words.filter((word) => !others.test(word)));
  }
  return {
    sources: unique(own.map(({ file }) => relative(root, file))),
    defines: unique([...defines]),
    flags,
    ldflags: unique(linkFlags(name)),
  };
}

/** What Make runs to link a target. */
function linkFlags(name: string): string[] {
  const line = readFileSync(join(root, `build/CMakeFiles/${name}.dir/link.txt`), 'utf8');
  return line.split(/\s+/).filter((word) => /^-(static|Wl,(?!-soname))/.test(word));
}

for (const name of ['nodespawner', 'nodespawner-preload', 'nodespawner-launcher']) {
  t.test(`${name} is the same in CMakeLists.txt and binding.gyp`, (t) => {
    const cmake = readCmake(name);
    const gyp = readGyp(name);
    t.ok(cmake.sources.length > 0, 'has sources');
    t.same(gyp.sources, cmake.sources, 'sources');
    t.same(gyp.defines, cmake.defines, 'definitions');
    for (const language of ['c', 'cc', 'S'] as const) {
      if (cmake.flags[language].length > 0)
        t.same(gyp.flags[language], cmake.flags[language], `flags of .${language}`);
    }
    t.same(gyp.ldflags, cmake.ldflags, 'linker flags');
    t.end();
  });
}

t.test(
  'a prebuilt addon runs on glibc 2.34 and libstdc++ of GCC 11 (RHEL 9, Ubuntu 22.04, Debian 12)',
  (t) => {
    const needs = execFileSync('readelf', ['-V', '--wide', addonPath()], { encoding: 'utf8' });
    const newest = (name: string) => {
      const found = [...needs.matchAll(new RegExp(`Name: ${name}_([0-9.]+)`, 'g'))].map(
        (match) => match[1] ?? '',
      );
      t.ok(found.length > 0, `needs some ${name}`);
      return found.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).pop() ?? '';
    };
    const isAtMost = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true }) <= 0;
    const glibc = newest('GLIBC');
    t.ok(isAtMost(glibc, '2.34'), `needs GLIBC_${glibc}`);
    const libstdcxx = newest('GLIBCXX');
    t.ok(isAtMost(libstdcxx, '3.4.29'), `needs GLIBCXX_${libstdcxx}`);
    t.end();
  },
);

t.test('the zygote is started with the modules that were built, all in one file', (t) => {
  const dist = join(root, 'dist');
  const bundle = readFileSync(join(dist, 'zygote/bundle.js'), 'utf8');
  const ids = [...bundle.matchAll(/^"([^"]+\.js)": \[\(function/gm)].map(([, id]) => id ?? '');
  t.ok(ids.includes('zygote/main.js') && ids.includes('protocol/job.js'));
  t.notMatch(bundle, /[\u0100-\uffff]/, 'V8 keeps it in one byte for each character');
  for (const id of ids) {
    const code = readFileSync(join(dist, id), 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, '');
    t.ok(bundle.includes(code.replaceAll('…', '\\u2026')), id);
    for (const [, request = ''] of code.matchAll(/\brequire\("(\.[^"]+)"\)/g)) {
      t.ok(ids.includes(join(dirname(id), request)), `${id} requires ${request}`);
    }
  }
  t.end();
});
