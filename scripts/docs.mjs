// Fills in the generated parts of docs/api.md, docs/renderer.md and docs/workers.md from the types and their comments.
//
//   node scripts/docs.mjs [--check]      --check: writes nothing, and fails if something would change
import fs from 'node:fs';
import { describe } from './lib/api-docs.mjs';
import { fail, inRoot } from './lib/project.mjs';

for (const page of ['docs/api.md', 'docs/renderer.md', 'docs/workers.md']) {
  const file = inRoot(page);
  const before = fs.readFileSync(file, 'utf8');
  const after = before.replace(
    /(<!-- (?:interface|type|class) (\w+) -->\n)[^]*?(<!-- end -->)/g,
    (_, /** @type {string} */ start, /** @type {string} */ name, /** @type {string} */ end) =>
      `${start}${describe(name)}\n${end}`,
  );
  if (after === before) continue;
  if (process.argv.includes('--check')) fail(`${page} is not what the types say: run npm run docs`);
  fs.writeFileSync(file, after);
}
