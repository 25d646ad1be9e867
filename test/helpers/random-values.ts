/** Draws random numbers in many children, of every source that code in a child has. */
import { Zygote } from '../../lib/index.js';
import { FIXTURES } from './zygote.js';

const CODE = `
const crypto = require('node:crypto');
const vm = require('node:vm');
const { promisify } = require('node:util');
const { Worker } = require('node:worker_threads');
const { v4 } = require('uuid');
const { nanoid } = require('nanoid');
const { draw } = require('./random-preload.cjs');
const { subtle } = globalThis.crypto;

const inWorker = () => new Promise((resolve, reject) => {
  const code = 'const { randomUUID, randomBytes } = require("node:crypto");'
    + 'require("node:worker_threads").parentPort.postMessage([Math.random() + "", randomUUID(), randomBytes(16).toString("hex")])';
  new Worker(code, { eval: true }).once('message', resolve).once('error', reject);
});

module.exports = async ({ params: { withWorker } }) => {
  const values = [...draw(), ...draw()];
  const hex = (bytes) => Buffer.from(bytes).toString('hex');
  for (let i = 0; i < 2; i++) {
    values.push(
      String(Math.random()), crypto.randomUUID(), crypto.randomUUID({ disableEntropyCache: true }),
      'int ' + crypto.randomInt(2 ** 48 - 1), 'low ' + crypto.randomInt(1, 2 ** 47), hex(crypto.randomBytes(16)),
      hex(crypto.randomFillSync(Buffer.alloc(16))), globalThis.crypto.randomUUID(),
      hex(globalThis.crypto.getRandomValues(new Uint8Array(16))), v4(), nanoid(),
      hex(crypto.generateKeySync('aes', { length: 128 }).export()),
      crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }).d,
      'vm ' + vm.runInNewContext('Math.random()'),
    );
  }
  // At once, so that each thread of the pool has to do with it.
  const later = await Promise.all([
    ...Array.from({ length: 4 }, () => promisify(crypto.randomBytes)(16).then(hex)),
    ...Array.from({ length: 4 }, () => promisify(crypto.generateKey)('aes', { length: 128 }).then((key) => hex(key.export()))),
    subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt']).then((key) => subtle.exportKey('raw', key)).then(hex),
    withWorker ? inWorker() : [],
  ]);
  return [...values, ...later.flat()];
};`;

export interface Drawn {
  readonly children: number;
  readonly values: number;
  /** Those that came more than once. */
  readonly repeated: readonly string[];
  readonly uid: number | undefined;
  readonly pid: number;
}

/** @param count how many children; every tenth of them has a worker thread too */
export async function drawInChildren(count: number): Promise<Drawn> {
  const preload = ['uuid', 'nanoid', './random-preload.cjs'];
  // Where there are no control groups, what V8 sets aside for the code of a worker thread counts as memory in use.
  const sandbox = { limits: { memoryBytes: 8 * 2 ** 30 } };
  await using zygote = await Zygote.start({ preload, from: FIXTURES, sandbox });
  const seen = new Set<string>();
  const repeated: string[] = [];
  let values = 0;
  let started = 0;
  const draw = async (): Promise<void> => {
    while (started < count) {
      const withWorker = started++ % 10 === 0;
      const { value } = await zygote.run(CODE, { params: { withWorker } });
      for (const text of value as string[]) {
        values++;
        if (seen.has(text)) repeated.push(text);
        seen.add(text);
      }
    }
  };
  await Promise.all(Array.from({ length: 4 }, draw));
  return { children: count, values, repeated, uid: process.getuid?.(), pid: process.pid };
}
