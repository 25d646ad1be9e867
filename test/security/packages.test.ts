// What people preload works in a confined child, for what people use it for.
import { tableFromArrays } from 'apache-arrow';
import t from 'tap';
import { expectStatus, startZygote } from '../helpers/zygote.js';
import type { Inputs } from '../../lib/index.js';

const PACKAGES = [
  'apache-arrow',
  'arquero',
  'lodash',
  'date-fns',
  'zod',
  'papaparse',
  'cheerio',
  'mathjs',
  'xlsx',
];

const zygote = await startZygote(t, { preload: PACKAGES });

async function run(code: string, inputs?: Inputs): Promise<unknown> {
  const child = await zygote.spawn(code, inputs);
  return expectStatus(await child.result, 'ok').value;
}

t.test('all of it is confined', async (t) => {
  t.strictSame(zygote.sandbox.off, []);
  t.equal(zygote.sandbox.profile, 'compute');
  const code = `module.exports = () => /^Seccomp_filters:\\s+2$/m.test(require('node:fs').readFileSync('/proc/self/status', 'utf8'))`;
  t.equal(await run(code), true);
});

t.test('arquero joins, groups and sorts an Arrow table', async (t) => {
  const code = `import * as aq from 'arquero';
    import { tableToIPC } from 'apache-arrow';
    export default ({ tables }) => {
      const names = aq.table({ key: [1, 2, 3], name: ['one', 'two', 'three'] });
      return aq.fromArrow(tableToIPC(tables.sales)).groupby('key').rollup({ total: aq.op.sum('amount') }).join(names, 'key').orderby(aq.desc('total')).select('name', 'total').objects();
    };`;
  const sales = tableFromArrays({
    key: Int32Array.of(1, 2, 1, 3, 2),
    amount: Float64Array.of(1, 20, 2, 5, 30),
  });
  t.strictSame(await run(code, { tables: { sales } }), [
    { name: 'two', total: 50 },
    { name: 'three', total: 5 },
    { name: 'one', total: 3 },
  ]);
});

t.test('lodash groups, chunks and compiles a template', async (t) => {
  const code = `const _ = require('lodash');
    module.exports = ({ params }) => ({
      groups: _.mapValues(_.groupBy(params, 'kind'), (rows) => _.sumBy(rows, 'n')),
      chunks: _.chunk(_.range(5), 2),
      text: _.template('<% for (const row of rows) { %><%- row.kind %>;<% } %>')({ rows: params }),
      equal: _.isEqual(_.cloneDeep(params), params),
    });`;
  const params = [
    { kind: 'a', n: 1 },
    { kind: '<b>', n: 2 },
    { kind: 'a', n: 3 },
  ];
  t.strictSame(await run(code, { params }), {
    groups: { a: 4, '<b>': 2 },
    chunks: [[0, 1], [2, 3], [4]],
    text: 'a;&lt;b&gt;;a;',
    equal: true,
  });
});

t.test('date-fns parses, adds and formats, and Intl knows its zones', async (t) => {
  const code = `import { addMonths, differenceInCalendarDays, format, parse } from 'date-fns';
    export default () => {
      const start = parse('29.02.2024 13:45', 'dd.MM.yyyy HH:mm', new Date(0));
      return [format(addMonths(start, 12), "yyyy-MM-dd'T'HH:mm"), differenceInCalendarDays(addMonths(start, 1), start),
        new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'Asia/Kathmandu' }).format(new Date(Date.UTC(2024, 0, 1)))];
    };`;
  t.strictSame(await run(code), ['2025-02-28T13:45', 29, '1 January 2024 at 05:45']);
});

t.test('zod checks input and says what is wrong with it', async (t) => {
  const code = `const { z } = require('zod');
    module.exports = ({ params }) => {
      const Row = z.object({ id: z.number().int().positive(), mail: z.string().regex(/@/), tags: z.array(z.enum(['x', 'y'])).default([]) });
      return params.map((row) => { const { success, data, error } = Row.safeParse(row); return success ? data : error.issues.map(({ path }) => path.join('.')); });
    };`;
  t.strictSame(
    await run(code, {
      params: [
        { id: 1, mail: 'a@b' },
        { id: -1, mail: 'none', tags: ['z'] },
      ],
    }),
    [{ id: 1, mail: 'a@b', tags: [] }, ['id', 'mail', 'tags.0']],
  );
});

t.test('papaparse reads a file from /tmp as a stream, and writes one', async (t) => {
  const code = `const Papa = require('papaparse'), fs = require('node:fs'), { pipeline } = require('node:stream/promises');
    module.exports = async ({ params }) => {
      await fs.promises.writeFile('/tmp/in.csv', params);
      const rows = [];
      await pipeline(fs.createReadStream('/tmp/in.csv'), Papa.parse(Papa.NODE_STREAM_INPUT, { header: true, dynamicTyping: true }), async (source) => { for await (const row of source) rows.push(row); });
      return { rows, csv: Papa.unparse(rows) };
    };`;
  const csv = 'a,b\n1,"x, ""y"""\n2,ä';
  t.strictSame(await run(code, { params: csv }), {
    rows: [
      { a: 1, b: 'x, "y"' },
      { a: 2, b: 'ä' },
    ],
    csv: csv.replaceAll('\n', '\r\n'),
  });
});

t.test('cheerio reads a page and changes it', async (t) => {
  const code = `const cheerio = require('cheerio');
    module.exports = ({ params }) => {
      const $ = cheerio.load(params);
      $('li').filter((_, item) => Number($(item).attr('data-n')) > 1).addClass('many');
      return { items: $('li').map((_, item) => $(item).text()).get(), html: $('ul').html() };
    };`;
  t.strictSame(await run(code, { params: '<ul><li data-n=1>one<li data-n=2>two</ul>' }), {
    items: ['one', 'two'],
    html: '<li data-n="1">one</li><li data-n="2" class="many">two</li>',
  });
});

t.test('mathjs solves, computes with units, and with numbers of any length', async (t) => {
  const code = `const math = require('mathjs');
    module.exports = () => {
      const big = math.create(math.all, { number: 'BigNumber', precision: 60 });
      return {
        solved: math.lusolve([[2, 1], [1, 3]], [3, 5]).map(([x]) => math.round(x, 10)),
        derivative: math.derivative('x^3 + 2 x', 'x').toString(),
        unit: math.evaluate('(5 km + 200 m) to mile').toNumber('mile').toFixed(4),
        big: big.evaluate('1 / 3').toString(),
        inverse: math.inv(math.matrix([[4, 7], [2, 6]])).toArray(),
      };
    };`;
  t.strictSame(await run(code), {
    solved: [0.8, 1.4],
    derivative: '3 * x ^ 2 + 2',
    unit: '3.2311',
    big: `0.${'3'.repeat(60)}`,
    inverse: [
      [0.6, -0.7],
      [-0.2, 0.4],
    ],
  });
});

t.test('xlsx writes a workbook to /tmp and reads it again, formulas and all', async (t) => {
  const code = `const XLSX = require('xlsx'), fs = require('node:fs');
    module.exports = ({ params }) => {
      const sheet = XLSX.utils.json_to_sheet(params);
      sheet.C1 = { t: 's', v: 'sum' };
      sheet.C2 = { t: 'n', f: 'SUM(A2:A3)', v: 3 };
      sheet['!ref'] = 'A1:C3';
      const book = XLSX.utils.book_new();
      XLSX.utils.book_append_sheet(book, sheet, 'Data');
      XLSX.writeFile(book, '/tmp/book.xlsx', { compression: true });
      const again = XLSX.read(fs.readFileSync('/tmp/book.xlsx'));
      return { rows: XLSX.utils.sheet_to_json(again.Sheets.Data), formula: again.Sheets.Data.C2.f, size: fs.statSync('/tmp/book.xlsx').size > 1000 };
    };`;
  const params = [
    { n: 1, text: 'ä' },
    { n: 2, text: '<&>' },
  ];
  t.strictSame(await run(code, { params }), {
    rows: [
      { n: 1, text: 'ä', sum: 3 },
      { n: 2, text: '<&>' },
    ],
    formula: 'SUM(A2:A3)',
    size: true,
  });
});

// ---- node's own

t.test(
  'what Node itself brings works: files, streams, compression, hashes, timers, workers, WebAssembly',
  async (t) => {
    const code = `
    const fs = require('node:fs'), os = require('node:os'), zlib = require('node:zlib'), crypto = require('node:crypto'), { promisify } = require('node:util');
    const { Worker } = require('node:worker_threads'), { setTimeout: sleep } = require('node:timers/promises'), { pipeline } = require('node:stream/promises');
    module.exports = async () => {
      const text = 'x'.repeat(1e6), bytes = Buffer.from(text);
      await fs.promises.mkdir('/tmp/a/b', { recursive: true });
      await fs.promises.writeFile('/tmp/a/b/file', bytes);
      await fs.promises.cp('/tmp/a', '/tmp/c', { recursive: true });
      await fs.promises.rename('/tmp/c/b/file', '/tmp/moved');
      await fs.promises.symlink('/tmp/moved', '/tmp/link');
      const found = [];
      for await (const entry of await fs.promises.opendir('/tmp', { recursive: true })) found.push(entry.name);
      await pipeline(fs.createReadStream('/tmp/link'), zlib.createGzip(), fs.createWriteStream('/tmp/gz'));
      const [gunzipped, brotli, scrypt, pair] = await Promise.all([
        promisify(zlib.gunzip)(fs.readFileSync('/tmp/gz')), promisify(zlib.brotliCompress)(bytes), promisify(crypto.scrypt)('secret', 'salt', 32),
        promisify(crypto.generateKeyPair)('ec', { namedCurve: 'P-256' }),
      ]);
      const signature = crypto.sign('sha256', bytes, pair.privateKey);
      const worker = new Worker('require("node:worker_threads").parentPort.postMessage([1, 2, 3].reduce((a, b) => a + b))', { eval: true });
      const sum = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      const { instance } = await WebAssembly.instantiate(Uint8Array.of(0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,0,0,10,9,1,7,0,32,0,32,1,106,11));
      const before = performance.now();
      await sleep(5);
      // Machine code, made while it runs.
      let hot = 0; for (let i = 0; i < 3e6; i++) hot = (hot + i * i) | 0;
      return {
        found: found.sort(), same: gunzipped.equals(bytes), brotli: brotli.length < 100, scrypt: scrypt.length, verified: crypto.verify('sha256', bytes, pair.publicKey, signature),
        sum, add: instance.exports.add(40, 2), slept: performance.now() > before, random: crypto.randomUUID().length, url: new URL('http://ä.example/ö').href,
        hash: crypto.createHash('sha256').update('x').digest('hex').slice(0, 8), hot: hot !== 0, cloned: structuredClone(new Map([[1, new Date(0)]])).get(1).getTime(),
        collator: ['z', 'ä', 'a'].sort(new Intl.Collator('de').compare).join(''), blob: await new Blob(['x', 'y']).text(), decoded: new TextDecoder('utf-16le').decode(Buffer.from('ä', 'utf16le')),
        host: os.hostname(), user: os.userInfo !== undefined, heap: process.memoryUsage().heapUsed > 0, cpu: process.cpuUsage().user > 0,
      };
    };`;
    t.strictSame(await run(code), {
    found: ['a', 'b', 'b', 'c', 'file', 'link', 'moved'],
    same: true, brotli: true, scrypt: 32, verified: true, sum: 6, add: 42, slept: true, random: 36, url: 'http://xn--4ca.example/%C3%B6',
    hash: '2d711642', hot: true, cloned: 0, collator: 'aäz', blob: 'xy', decoded: 'ä', host: 'child', user: true, heap: true, cpu: true,
  }); // prettier-ignore
  },
);

t.test('and fails where a child has no business, in the way that programs expect', async (t) => {
  const code = `
    const fs = require('node:fs'), { execFileSync } = require('node:child_process'), dns = require('node:dns').promises, net = require('node:net');
    const code = async (act) => { try { await act(); return 'worked'; } catch (error) { return error.code; } };
    module.exports = async () => Promise.all([
      () => fs.writeFileSync('/x', ''), () => fs.readFileSync('/etc/shadow'), () => fs.watch('/tmp'), () => execFileSync('/bin/true'), () => process.setuid(0),
      () => process.chdir('/root'), () => dns.lookup('example.com'), () => new Promise((_, reject) => net.connect(80, '127.0.0.1').on('error', reject)),
    ].map(code));`;
  t.strictSame(await run(code), [
    'EROFS',
    'ENOENT',
    'EPERM',
    'EPERM',
    'EPERM',
    'ENOENT',
    'EAI_AGAIN',
    'EPERM',
  ]);
});
