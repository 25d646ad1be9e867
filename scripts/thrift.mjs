// Makes protocol/gen/ from protocol/protocol.thrift: classes, their TypeScript declarations, and the definition as
// JSON. The files are checked in as the compiler gives them, so that building needs no Thrift compiler.
//
//   node scripts/thrift.mjs [folder]     into another folder, to compare; test/unit/protocol/generated.test.ts does
import fs from 'node:fs';
import { inRoot, run } from './lib/project.mjs';

const folder = process.argv[2] ?? inRoot('protocol/gen');
const definition = inRoot('protocol/protocol.thrift');

fs.rmSync(folder, { recursive: true, force: true });
fs.mkdirSync(folder, { recursive: true });
// Of the JavaScript outputs of compiler 0.17 this is the only one that works with promises on npm thrift 0.24.
run('thrift', ['-out', folder, '--gen', 'js:node,es6,ts', definition]);
run('thrift', ['-out', folder, '--gen', 'json', definition]);
