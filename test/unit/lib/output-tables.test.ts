// Which of what can go wrong with a child's tables is the child's doing, and which the host's.
import { constants } from 'node:buffer';
import { fstatSync, ftruncateSync, readFileSync, writeSync } from 'node:fs';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import t, { type Test } from 'tap';
import { HostError, zygoteGone } from '../../../lib/errors.js';
import { F_SEAL_SEAL, F_SEAL_WRITE, native } from '../../../lib/native.js';
import { checkSpawnOptions } from '../../../lib/options.js';
import { toResult } from '../../../lib/outcome.js';
import { BadTableError, createOutput, readOutput } from '../../../lib/output-tables.js';
import type { SharedMemory } from '../../../lib/shared-memory.js';
import { encodeResult, type OutputTable } from '../../../protocol/messages.js';
import { eventually } from '../../helpers/eventually.js';
import { rejection, UNCONFINED } from '../../helpers/zygote.js';

const SIZE = 65_536;
const stream = tableToIPC(tableFromArrays({ n: Float64Array.of(1, 2, 3) }), 'stream');
const range: OutputTable = { name: 't', offset: 0, length: stream.byteLength };

function written(t: Test, bytes: Uint8Array = stream): SharedMemory {
  const output = createOutput(SIZE);
  t.teardown(() => {
    output.release();
  });
  writeSync(output.fd, bytes, 0, bytes.byteLength, 0);
  return output;
}

t.test('a table that is one is read, and nothing can write to it afterwards', async (t) => {
  const output = written(t);
  const { t: table } = await readOutput(output, SIZE, [range]);
  t.strictSame(table?.getChild('n')?.toArray(), Float64Array.of(1, 2, 3));
  t.throws(() => writeSync(output.fd, stream, 0, 8, 0), { code: 'EPERM' });
});

t.test('what is wrong with a table, its place or its memory is the child’s doing', async (t) => {
  const corrupt = stream.slice();
  corrupt[8] = 255;
  t.match(await rejection(readOutput(written(t, corrupt), SIZE, [range])), {
    constructor: BadTableError,
    path: 'tables.t',
    message: /byte/,
  });
  for (const place of [
    { offset: -64, length: 64 },
    { offset: 8, length: 64 },
    { offset: 64, length: SIZE },
    { offset: 64, length: 64 },
    { offset: 0, length: -1 },
    { offset: 2 ** 52, length: 2 ** 52 },
    { offset: Number.MAX_SAFE_INTEGER - 63, length: 1 },
  ]) {
    const error = await rejection(readOutput(written(t), SIZE, [{ name: 't', ...place }]));
    t.match(error, { constructor: BadTableError, path: 'tables.t' }, `${place.offset}, ${place.length}`);
  }
  const sealed = written(t);
  native.addSeals(sealed.fd, F_SEAL_SEAL);
  const error = await rejection(readOutput(sealed, SIZE, [range]));
  t.match(error, { constructor: BadTableError, path: 'tables', message: /can't be sealed: EPERM/ });
});

t.test('an empty table, at the end of memory that is empty, is none', async (t) => {
  t.match(await rejection(readOutput(written(t), SIZE, [{ ...range, length: 0 }])), {
    constructor: BadTableError,
    path: 'tables.t',
  });
});

t.test('a child that made the memory read-only by itself has a table all the same', async (t) => {
  const output = written(t);
  native.addSeals(output.fd, F_SEAL_WRITE);
  t.equal((await readOutput(output, SIZE, [range])).t?.numRows, 3);
});

t.test(
  'nothing but the table stays in its memory: a range of bytes before it is refused, and behind it dropped',
  async (t) => {
    const output = written(t, new Uint8Array(SIZE).fill(7));
    writeSync(output.fd, stream, 0, stream.byteLength, 0);
    t.equal((await readOutput(output, SIZE, [range])).t?.numRows, 3);
    const { size, blocks } = fstatSync(output.fd);
    t.strictSame([size, blocks * 512], [range.length, 4096], 'no more than the page that it is in');
    const rest = (fd: number): Uint8Array => new Uint8Array(native.mapPrivate(fd, 4096), range.length);
    t.notOk(rest(output.fd).some(Boolean), 'the rest of the page is zero');

    const page = written(t, new Uint8Array(4096).fill(7));
    writeSync(page.fd, stream, 0, stream.byteLength, 0);
    await readOutput(page, SIZE, [range]);
    t.notOk(rest(page.fd).some(Boolean), 'where there are no further pages, too');

    const behind = written(t, Buffer.concat([new Uint8Array(4096).fill(7), stream]));
    t.match(await rejection(readOutput(behind, SIZE, [{ ...range, offset: 4096 }])), {
      constructor: BadTableError,
      path: 'tables.t',
      message: /bytes 4096 to .* where a table from 0 /,
    });
  },
);

t.test('between tables there is what it takes to align the next one, and it is zero', async (t) => {
  const start = Math.ceil(stream.byteLength / 64) * 64;
  const two = new Uint8Array(start + 64 + stream.byteLength);
  two.set(stream);
  two.set(stream, start);
  // Otherwise there is no padding to look at.
  t.ok(start > stream.byteLength);
  const second = { ...range, name: 'u', offset: start };
  t.strictSame(Object.keys(await readOutput(written(t, two), SIZE, [range, second])), ['t', 'u']);
  two[start - 1] = 1;
  t.match(await rejection(readOutput(written(t, two), SIZE, [range, second])), {
    constructor: BadTableError,
    path: 'tables.u',
    message: /padding .* is not zero/,
  });
  two[start - 1] = 0;
  two.set(stream, start + 64);
  const further = { ...second, offset: start + 64 };
  t.match(await rejection(readOutput(written(t, two), SIZE, [range, further])), {
    constructor: BadTableError,
    path: 'tables.u',
  });
});

t.test('a long name of a table is cut where a result says that something is wrong with it', async (t) => {
  const name = 'n'.repeat(100_000);
  const error = await rejection(readOutput(written(t), SIZE, [{ name, offset: 8, length: 64 }]));
  t.match(error, { constructor: BadTableError, path: `tables.${'n'.repeat(64)}…` });
  const corrupt = await rejection(readOutput(written(t), SIZE, [{ name, offset: 0, length: 64 }]));
  t.match(corrupt, { constructor: BadTableError, path: `tables.${'n'.repeat(64)}…` });
});

/** Makes a function of the host's fail while something is done. */
async function failing<T extends object, R>(
  object: T,
  name: keyof T,
  error: Error,
  act: () => Promise<R>,
): Promise<R> {
  const original = object[name];
  object[name] = (() => {
    throw error;
  }) as T[keyof T];
  try {
    return await act();
  } finally {
    object[name] = original;
  }
}

t.test('what the host lacks, and a bug of the host’s, is a HostError', async (t) => {
  const errors: [object, string, Error][] = [
    [native, 'mapPrivate', Object.assign(new Error('ENOMEM: mmap'), { code: 'ENOMEM', syscall: 'mmap' })],
    [native, 'addSeals', Object.assign(new Error('EBADF: fcntl'), { code: 'EBADF', syscall: 'fcntl' })],
    [DataView.prototype, 'getInt32', new TypeError('a bug in the validator')],
  ];
  for (const [object, name, cause] of errors) {
    const output = written(t);
    const error = await failing(object as Record<string, unknown>, name, cause, () =>
      rejection(readOutput(output, SIZE, [range])),
    );
    t.match(error, { constructor: HostError, code: 'ERR_HOST_FAILED', cause }, name);
    t.equal(error.message, `the host failed to read the tables of a result: ${cause.message}`);
  }
});

t.test(
  'where the zygote ends before the memory of a child is gone that has mapped it, that is said',
  async (t) => {
    const gone = zygoteGone('closed');
    const over = Promise.reject(gone);
    const busy = Object.assign(new Error('EBUSY: fcntl'), { code: 'EBUSY' });
    const output = written(t);
    const read = () => rejection(readOutput(output, SIZE, [range], over));
    t.equal(await failing(native, 'addSeals', busy, read), gone);
  },
);

t.test('an error while the result itself is read or decoded is a HostError, and no result', async (t) => {
  const output = written(t);
  const ended = {
    exitCode: 0,
    signal: null,
    killed: null,
    usage: { wallMs: 1, userMs: 1, systemMs: 1, peakMemoryBytes: 1 },
    sandbox: UNCONFINED,
    forbidden: null,
    oomKills: 0,
    taskFails: 0,
  };
  const over = Promise.resolve(ended);
  const bytes = Buffer.concat(encodeResult({ kind: 'returned', value: 1, tables: [] }));
  const collected = { bytes, truncated: false, stopped: false, errno: 0 };
  type Parameters4 = Parameters<typeof toResult>[4];
  const options = { maxResultBytes: 1000, maxTableBytes: SIZE, schema: undefined } as Parameters4;
  const confinement = { limits: { cpuMs: Infinity }, memory: 'none' } as Parameters<typeof toResult>[5];
  t.match(await toResult(ended, over, collected, output, options, confinement), { status: 'ok', value: 1 });
  const unread = toResult(ended, over, { ...collected, errno: 5 }, output, options, confinement);
  t.match(await rejection(unread), {
    code: 'ERR_HOST_FAILED',
    message: 'the host failed to read a result: EIO',
  });
  const bug = new TypeError('a bug in the reader');
  const undecoded = failing(Buffer.prototype as unknown as Record<string, unknown>, 'readInt32BE', bug, () =>
    failing(DataView.prototype as unknown as Record<string, unknown>, 'getInt32', bug, () =>
      rejection(toResult(ended, over, collected, output, options, confinement)),
    ),
  );
  t.match(await undecoded, { code: 'ERR_HOST_FAILED', cause: bug });
});

t.test('what the kernel has counted is not hidden by a result that is too large', async (t) => {
  const ended = {
    exitCode: null,
    signal: 'SIGKILL' as const,
    killed: { kind: 'limitExceeded' as const, limit: 'maxResultBytes' as const },
    usage: { wallMs: 1, userMs: 1, systemMs: 1, peakMemoryBytes: 1 },
    sandbox: UNCONFINED,
    forbidden: null,
    oomKills: 0,
    taskFails: 0,
  };
  const collected = { bytes: Buffer.alloc(1000), truncated: true, stopped: true, errno: 0 };
  const options = { maxResultBytes: 1000, timeoutMs: 5, schema: undefined } as Parameters<typeof toResult>[4];
  const confinement = { limits: { cpuMs: Infinity }, memory: 'none' } as Parameters<typeof toResult>[5];
  const output = written(t);
  const fate = (over: Partial<typeof ended>): ReturnType<typeof toResult> =>
    toResult(ended, Promise.resolve({ ...ended, ...over }), collected, output, options, confinement);
  t.match(await fate({}), { status: 'limitExceeded', limit: 'maxResultBytes', max: 1000 });
  t.match(await fate({ forbidden: 'ptrace' } as object), { status: 'forbidden', syscall: 'ptrace' });
  t.match(await fate({ oomKills: 1 }), { status: 'outOfMemory' });
});

t.test('memory that is larger than this Node can map is an error, and not the end of the process', (t) => {
  const fd = native.createMemfd('test');
  t.teardown(() => {
    native.close(fd);
  });
  const length = 8 * 2 ** 30;
  ftruncateSync(fd, length);
  if (length <= constants.MAX_LENGTH) {
    t.equal(native.mapPrivate(fd, length).byteLength, length);
  } else {
    for (let i = 0; i < 3; i++)
      t.throws(() => native.mapPrivate(fd, length), { code: 'ERR_BUFFER_TOO_LARGE' });
  }
  t.throws(() => checkSpawnOptions({ maxTableBytes: constants.MAX_LENGTH + 1 }, 'ignore', []), {
    code: 'ERR_INVALID_OPTION',
    option: 'options.maxTableBytes',
  });
  t.end();
});

t.test('a mapping that is not needed any more goes without being collected', async (t) => {
  const fd = native.createMemfd('test-unmap');
  t.teardown(() => {
    native.close(fd);
  });
  writeSync(fd, stream);
  const isMapped = (): boolean => readFileSync('/proc/self/maps', 'utf8').includes('test-unmap');
  const mapping = native.mapPrivate(fd, stream.byteLength);
  t.equal(new Uint8Array(mapping)[0], stream[0]);
  t.equal(isMapped(), true);
  native.unmap(mapping);
  t.equal(mapping.byteLength, 0);
  await eventually('it is unmapped', () => !isMapped());
});
