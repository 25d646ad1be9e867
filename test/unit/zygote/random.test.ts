import type Crypto from 'node:crypto';
import type * as nano from 'nanoid';
import t from 'tap';
import type * as uuid from 'uuid';
import type * as fixed from '../../fixtures/fixed-random.cjs';
import { isolated, ZYGOTE_FLAGS } from '../../helpers/isolated.js';

// No process is cloned here. Instead, random bytes are all of one value before sealing and all of another after: so
// what is left of the time before shows.

t.test('Math.random of the context is not used up while preloading', async (t) => {
  const flags = [...ZYGOTE_FLAGS, '--random-seed=42'];
  const first = await isolated(() => [Math.random(), Math.random()], undefined, { flags });
  const { value } = await isolated(
    ({ zygote }) => {
      zygote.random.installPreloadRandom();
      const { random } = Math;
      const before = Array.from({ length: 1000 }, () => random());
      zygote.random.sealRandom();
      return { before, after: [Math.random(), random()] };
    },
    undefined,
    { flags },
  );
  t.same(value.after, first.value);
  t.ok(value.before.every((number) => number >= 0 && number < 1));
  t.equal(new Set(value.before).size, 1000);
});

t.test('Math.random is the real one after sealing, unless it was replaced on purpose', async (t) => {
  const { value } = await isolated(({ zygote }) => {
    const real = Math.random;
    zygote.random.installPreloadRandom();
    const standIn = Math.random;
    zygote.random.sealRandom();
    return { replaced: standIn !== real, restored: Math.random === real, name: standIn.name };
  });
  t.same(value, { replaced: true, restored: true, name: 'random' });

  const seeded = await isolated(({ zygote }) => {
    zygote.random.installPreloadRandom();
    Math.random = () => 0.25;
    zygote.random.sealRandom();
    return Math.random();
  });
  t.equal(seeded.value, 0.25);
});

t.test('what Node keeps for randomUUID and randomInt is filled anew', async (t) => {
  const { value } = await isolated(({ zygote, fixture, require }) => {
    const { fixRandom } = fixture('fixed-random') as typeof fixed;
    fixRandom(zygote, 0x11);
    zygote.random.installPreloadRandom();
    const crypto = require('node:crypto') as typeof Crypto;
    const use = () => [crypto.randomUUID(), globalThis.crypto.randomUUID(), crypto.randomInt(2 ** 40)];
    const before = use();
    zygote.random.sealRandom();
    fixRandom(zygote, 0xee);
    zygote.random.freshRandom();
    return { before, after: use() };
  });
  t.same(value.before, [
    '11111111-1111-4111-9111-111111111111',
    '11111111-1111-4111-9111-111111111111',
    0x1111111111,
  ]);
  t.same(value.after, [
    'eeeeeeee-eeee-4eee-aeee-eeeeeeeeeeee',
    'eeeeeeee-eeee-4eee-aeee-eeeeeeeeeeee',
    0xeeeeeeeeee,
  ]);
});

t.test(
  'every function that hands out random bytes is covered, in exactly the range that it filled',
  async (t) => {
    const { value } = await isolated(async ({ zygote, fixture, require }) => {
      const { fixRandom } = fixture('fixed-random') as typeof fixed;
      fixRandom(zygote, 0x11);
      zygote.random.installPreloadRandom();
      const crypto = require('node:crypto') as typeof Crypto;
      const filled = {
        randomBytes: crypto.randomBytes(2),
        randomFillSync: crypto.randomFillSync(Buffer.alloc(4), 1, 2),
        words: crypto.randomFillSync(new Uint16Array(3), 1, 1),
        arrayBuffer: crypto.randomFillSync(new ArrayBuffer(2) as unknown as Buffer),
        getRandomValues: globalThis.crypto.getRandomValues(new Uint8Array(2)),
        webcrypto: crypto.webcrypto.getRandomValues(new Uint8Array(8)).subarray(6),
        randomFill: await new Promise<Buffer>((resolve, reject) => {
          crypto.randomFill(Buffer.alloc(3), 1, 1, (error, buffer) => {
            if (error) reject(error);
            else resolve(buffer);
          });
        }),
        randomBytesAsync: await new Promise<Buffer>((resolve, reject) => {
          crypto.randomBytes(2, (error, buffer) => {
            if (error) reject(error);
            else resolve(buffer);
          });
        }),
      };
      const hex = () =>
        Object.entries(filled).map(([name, data]) => {
          const bytes = ArrayBuffer.isView(data)
            ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
            : Buffer.from(data);
          return `${name} ${bytes.toString('hex')}`;
        });
      zygote.random.sealRandom();
      const before = hex();
      fixRandom(zygote, 0xee);
      zygote.random.freshRandom();
      return { before, after: hex() };
    });
    t.same(value.before, [
      'randomBytes 1111',
      'randomFillSync 00111100',
      'words 000011110000',
      'arrayBuffer 1111',
      'getRandomValues 1111',
      'webcrypto 1111',
      'randomFill 001100',
      'randomBytesAsync 1111',
    ]);
    t.same(
      value.after,
      value.before.map((line) => line.replace(/[^ ]+$/, (hex) => hex.replaceAll('1', 'e'))),
    );
  },
);

t.test('what was overwritten since it was filled is left alone', async (t) => {
  const { value } = await isolated(({ zygote, fixture, require }) => {
    const { fixRandom } = fixture('fixed-random') as typeof fixed;
    fixRandom(zygote, 0x11);
    zygote.random.installPreloadRandom();
    const crypto = require('node:crypto') as typeof Crypto;
    const all = crypto.randomBytes(24).fill('x');
    const some = crypto.randomBytes(24);
    some.write('user data', 12); // leaves 12 bytes before it, and 3 after
    const transferred = new Uint8Array(crypto.randomBytes(24).buffer);
    structuredClone(transferred, { transfer: [transferred.buffer] });
    // As large as a WebAssembly memory, in which nobody knows what became of the bytes.
    const wasm = crypto.getRandomValues(new Uint8Array(new ArrayBuffer(2 * 65536), 8, 16));
    zygote.random.sealRandom();
    fixRandom(zygote, 0xee);
    zygote.random.freshRandom();
    return [all.toString('latin1'), some.toString('hex'), Buffer.from(wasm).toString('hex')];
  });
  t.same(value, [
    'x'.repeat(24),
    'ee'.repeat(12) + Buffer.from('user data').toString('hex') + '111111',
    '11'.repeat(16),
  ]);
});

t.test(
  'what is filled between two sealings is filled anew too, besides what was left at the first',
  async (t) => {
    const { value } = await isolated(({ zygote, fixture, require }) => {
      const { fixRandom } = fixture('fixed-random') as typeof fixed;
      fixRandom(zygote, 0x11);
      zygote.random.installPreloadRandom();
      const crypto = require('node:crypto') as typeof Crypto;
      const standIn = Math.random;
      const filled = [crypto.randomBytes(8), crypto.getRandomValues(new Uint8Array(8))];
      const transferred = crypto.randomFillSync(new Uint8Array(8));
      zygote.random.sealRandom();
      const real = Math.random;
      zygote.random.unsealRandom();
      const isUnused = Math.random === standIn && Number.isFinite(Math.random());
      filled.push(crypto.randomBytes(8));
      structuredClone(transferred, { transfer: [transferred.buffer] });
      zygote.random.sealRandom();
      fixRandom(zygote, 0xee);
      zygote.random.freshRandom();
      const hex = filled.map((bytes) => Buffer.from(bytes).toString('hex'));
      return { hex, isUnused, isRestored: real !== standIn && Math.random === real };
    });
    t.same(value, {
      hex: ['ee', 'ee', 'ee'].map((byte) => byte.repeat(8)),
      isUnused: true,
      isRestored: true,
    });
  },
);

t.test('the child fills only what is still in use, and nothing if nothing was filled', async (t) => {
  const { value } = await isolated(
    async ({ zygote, require }) => {
      const binding = zygote.internals.internalBinding('crypto') as {
        RandomBytesJob: new (...args: unknown[]) => object;
      };
      const filled: unknown[] = [];
      binding.RandomBytesJob = class extends binding.RandomBytesJob {
        constructor(...args: unknown[]) {
          super(...args);
          filled.push(args[3]);
        }
      };
      zygote.random.installPreloadRandom();
      const { randomFillSync } = require('node:crypto') as typeof Crypto;
      const kept = ((globalThis as { kept?: Buffer }).kept = Buffer.alloc(100));
      // Over and over: the same pool counts once.
      for (let i = 0; i < 5000; i++) randomFillSync(kept);
      for (let i = 0; i < 5000; i++) randomFillSync(new Uint8Array(100));
      await new Promise(setImmediate);
      (globalThis as { gc?: () => void }).gc?.();
      zygote.random.sealRandom();
      filled.length = 0;
      zygote.random.freshRandom();
      zygote.random.freshRandom();
      return filled;
    },
    undefined,
    { flags: [...ZYGOTE_FLAGS, '--expose-gc'] },
  );
  // Of the 5000 that are garbage, a few may be held by what is left on the stack.
  t.equal(value.length, 1);
  t.ok(Number(value[0]) >= 100 && Number(value[0]) < 1000);
});

t.test('the pools of uuid are fresh', async (t) => {
  for (const version of ['uuid', 'uuid-11'] as const) {
    const { value } = await isolated(({ zygote, fixture, require }, version) => {
      const { fixRandom } = fixture('fixed-random') as typeof fixed;
      fixRandom(zygote, 0x11);
      zygote.random.installPreloadRandom();
      const { v4, v7 } = require(version) as typeof uuid;
      const use = () => [v4(), v4({}), v7().slice(-10)];
      const before = use();
      zygote.random.sealRandom();
      fixRandom(zygote, 0xee);
      zygote.random.freshRandom();
      return { before, after: use() };
    }, version);
    const ones = '11111111-1111-4111-9111-111111111111';
    const es = 'eeeeeeee-eeee-4eee-aeee-eeeeeeeeeeee';
    t.same(value, { before: [ones, ones, '1111111111'], after: [es, es, 'eeeeeeeeee'] }, version);
  }
});

/** nanoid 6 doesn't support Node 20. */
const nanoids = process.version.startsWith('v20.')
  ? (['nanoid'] as const)
  : (['nanoid', 'nanoid-6'] as const);

t.test('the pools of nanoid are fresh', async (t) => {
  for (const version of nanoids) {
    const { value } = await isolated(({ zygote, fixture, require }, version) => {
      const { fixRandom } = fixture('fixed-random') as typeof fixed;
      fixRandom(zygote, 0x11);
      zygote.random.installPreloadRandom();
      zygote.fresh.beginPreload();
      const { nanoid, urlAlphabet } = require(version) as typeof nano;
      const before = [nanoid(4), nanoid(4)];
      zygote.fresh.prepareFresh({ ownDirectories: [] });
      zygote.random.sealRandom();
      fixRandom(zygote, 0xee);
      zygote.random.freshRandom();
      const characters = [urlAlphabet[0x11 % 64], urlAlphabet[0xee % 64]];
      return { before, after: [nanoid(4), nanoid(4)], characters };
    }, version);
    const [before, after] = value.characters.map((character) => character!.repeat(4));
    t.same(value.before, [before, before], version);
    t.same(value.after, [after, after], version);
  }
});

t.test('random bytes that were used too early are refused', async (t) => {
  const { value } = await isolated(({ zygote, require }) => {
    (require('node:crypto') as typeof Crypto).randomUUID();
    try {
      zygote.random.installPreloadRandom();
      return 'installed';
    } catch (error) {
      return (error as { code?: string }).code;
    }
  });
  t.equal(value, 'ERR_RANDOM_ALREADY_USED');
});
