// Puts the zygote's own modules into one file, dist/zygote/bundle.js: to find, read and compile 55 files one by one
// takes each zygote 13 ms of CPU time.
import fs from 'node:fs';
import path from 'node:path';
import { inRoot } from './project.mjs';

const ENTRY = 'zygote/main.js';
/** Below dist/, too. */
export const BUNDLE = 'zygote/bundle.js';

/** Its modules are in `require.cache` under their own names, as if they had been loaded from their files. */
const LOADER = `
const path = require('path');
const Module = module.constructor;
const root = path.resolve(__dirname, '..');
const loaded = new Map();
function load(id) {
  let found = loaded.get(id);
  if (found !== undefined) return found.exports;
  const filename = root + '/' + id;
  found = new Module(filename, module);
  found.filename = filename;
  loaded.set(id, found);
  require.cache[filename] = found;
  const [run, names] = modules[id];
  const own = (request) => (names[request] === undefined ? require(request) : load(names[request]));
  own.cache = require.cache;
  run.call(found.exports, found.exports, own, found, filename, path.dirname(filename));
  found.loaded = true;
  return found.exports;
}`;

/** With a single character beyond them, V8 keeps all of a text in two bytes each: 200 KB more in each zygote. */
const asLatin1 = (/** @type {string} */ code) =>
  code.replace(/[^\0-\xff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/**
 * The modules that an output of tsc requires from beside it, and theirs, by their paths below dist/: the code, and what
 * each calls the others.
 * @param {string} id
 * @param {Map<string, { code: string, names: Record<string, string> }>} found
 */
function collect(id, found) {
  if (found.has(id)) return;
  const code = asLatin1(
    fs.readFileSync(inRoot('dist', id), 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, ''),
  );
  /** @type {Record<string, string>} */
  const names = {};
  found.set(id, { code, names });
  for (const [, request = ''] of code.matchAll(/\brequire\("(\.[^"]+)"\)/g)) {
    const target = path.posix.join(path.posix.dirname(id), request);
    names[request] = target;
    collect(target, found);
  }
}

export function bundleZygote() {
  /** @type {Map<string, { code: string, names: Record<string, string> }>} */
  const found = new Map();
  collect(ENTRY, found);
  const modules = [...found].map(
    // In parentheses, V8 compiles a function at once, and doesn't read over it first.
    ([id, { code, names }]) =>
      `${JSON.stringify(id)}: [(function (exports, require, module, __filename, __dirname) {\n${code}\n}), ${JSON.stringify(names)}],\n`,
  );
  const text = `"use strict";\n// Made by scripts/lib/zygote-bundle.mjs.${LOADER}\nconst modules = {\n${modules.join('')}};\nload(${JSON.stringify(ENTRY)});\n`;
  fs.writeFileSync(inRoot('dist', BUNDLE), text);
}
