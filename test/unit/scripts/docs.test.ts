// docs/api.md says what the code says.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import * as api from '../../../lib/index.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const page = readFileSync(join(root, 'docs/api.md'), 'utf8');

/** Codes by which Node itself says why it can't load a module, or ask the system; they are not ours. */
const NODES_OWN =
  /^ERR_(SYSTEM_ERROR|REQUIRE_ESM|REQUIRE_ASYNC_MODULE|PACKAGE_PATH_NOT_EXPORTED|INVALID_ARG_TYPE)$/;
/** Never leave the package: their text becomes the reason of a result that is badOutput. */
const INTERNAL = /^ERR_(BAD_MESSAGE|INVALID_ARROW)$/;

function codesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true })
    .map(String)
    .filter((file) => /\.(ts|cc)$/.test(file) && !file.startsWith('gen/'))
    .flatMap((file) => [...readFileSync(join(root, folder, file), 'utf8').matchAll(/['"`](ERR_\w+)['"`]/g)])
    .map(([, code]) => code!);
}

t.test('the generated parts are what the types and their comments say', (t) => {
  execFileSync(process.execPath, [join(root, 'scripts/docs.mjs'), '--check']);
  t.end();
});

t.test('every code that an error can have is explained', (t) => {
  const codes = new Set(['lib', 'zygote', 'protocol', 'native'].flatMap(codesIn));
  for (const code of codes) {
    if (!NODES_OWN.test(code) && !INTERNAL.test(code)) t.ok(page.includes(`\`${code}\``), code);
  }
  t.ok(codes.size > 20);
  t.end();
});

t.test('every type and class that is exported is described', (t) => {
  const index = readFileSync(join(root, 'lib/index.ts'), 'utf8');
  const types = [...index.matchAll(/export type \{([^}]*)\}/g)].flatMap(
    ([, names]) => names!.match(/\w+/g) ?? [],
  );
  const classes = Object.keys(api).filter((name) => /^[A-Z][a-z]/.test(name));
  for (const name of [...types, ...classes]) t.ok(new RegExp(`\\b${name}\\b`).test(page), name);
  t.ok(types.length > 10 && classes.length > 5);
  t.end();
});

t.test('the pages of the Renderer have every type, and every code', (t) => {
  const rendererPage = ['docs/renderer.md', 'docs/workers.md']
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n');
  const index = readFileSync(join(root, 'renderer/index.ts'), 'utf8');
  const types = [...index.matchAll(/export type \{([^}]*)\}/g)].flatMap(
    ([, names]) => names!.match(/\w+/g) ?? [],
  );
  for (const name of types) t.ok(new RegExp(`\\b${name}\\b`).test(rendererPage), name);
  t.ok(types.length > 10);
  const codes = new Set(codesIn('renderer'));
  for (const code of codes) t.ok(rendererPage.includes(`\`${code}\``) || page.includes(`\`${code}\``), code);
  t.ok(codes.size > 2);
  t.end();
});

/** As GitHub makes them of headings. */
function anchorsIn(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What npm packs without being told. */
const ALWAYS_PACKED = ['README.md', 'LICENSE', 'package.json'];

t.test('every link from a page leads somewhere, also in the packed package', (t) => {
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] };
  const isPacked = (target: string): boolean =>
    [...ALWAYS_PACKED, ...files].some((packed) => `${relative(root, target)}/`.startsWith(`${packed}/`));
  const pages = [
    'README.md',
    'CHANGELOG.md',
    ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
  ];
  let links = 0;
  for (const from of pages) {
    for (const [, to] of readFileSync(join(root, from), 'utf8').matchAll(/\]\((?!\w+:)([^)\s]+)\)/g)) {
      links++;
      const [file, anchor] = to!.split('#');
      const target = file === '' ? join(root, from) : join(root, from, '..', file!);
      t.ok(existsSync(target), `${from}: ${to!}`);
      t.ok(isPacked(target), `${from}: ${to!} is packed`);
      if (anchor !== undefined && existsSync(target)) {
        t.ok(anchorsIn(readFileSync(target, 'utf8')).includes(anchor), `${from}: ${to!}`);
      }
    }
  }
  t.ok(links > 20);
  t.end();
});
