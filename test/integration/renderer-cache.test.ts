// Results on disk: for Renderers to come, and for those of other processes.
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { Renderer, type RendererOptions, type Workflow } from '../../renderer/index.js';
import { allProcesses } from '../helpers/processes.js';
import { HostProgram } from '../helpers/host-program.js';
import { eventually } from '../helpers/eventually.js';
import { markedProcesses } from '../helpers/processes.js';
import {
  linear,
  rendered,
  source,
  startRenderer,
  step,
  stepOf,
  temporaryFolder,
} from '../helpers/renderer.js';
import { MARK, newMark } from '../helpers/zygote.js';

const THREE = linear(
  source('one', [1, 2, 3]),
  step('two', "return tableFromArrays({ a: Array.from(table.getChild('a'), (a) => a + params.by) });", {
    params: { by: 1 },
  }),
  step(
    'three',
    'return { table, value: { when: new Date(0), bytes: new Uint8Array([1]) }, warnings: ["w"] };',
  ),
);

const filesOf = (dir: string): string[] => readdirSync(dir).map((name) => path.join(dir, name));
const bytesOf = (dir: string): number => filesOf(dir).reduce((sum, file) => sum + statSync(file).size, 0);

/** The steps that one Renderer, which is started for it, has to run. */
async function renderOnce(options: RendererOptions, workflow: Workflow = THREE): Promise<string[]> {
  const renderer = await Renderer.start(options);
  try {
    using report = await renderer.render(workflow);
    const three = stepOf(report, 'three', 'ok');
    t.strictSame(three.value, { when: new Date(0), bytes: new Uint8Array([1]) });
    t.match(three.warnings, [{ text: 'w' }]);
    t.strictSame([...(await three.table.read()).getChild('a')!], [2, 3, 4]);
    return rendered(report);
  } finally {
    await renderer.close();
  }
}

t.test('a later Renderer finds what an earlier one has rendered', async (t) => {
  const cache = { dir: path.join(temporaryFolder(t), 'made') };
  t.strictSame(await renderOnce({ cache }), ['one', 'two', 'three']);
  t.strictSame(await renderOnce({ cache }), []);
  t.notOk(filesOf(cache.dir).some((file) => path.basename(file).startsWith('.')));
});

t.test('what it is made of counts: sandbox, limits, environment', async (t) => {
  const cache = { dir: temporaryFolder(t) };
  await renderOnce({ cache });
  const all = ['one', 'two', 'three'];
  // Side by side: none of them has anything of the others'.
  const others: RendererOptions[] = [
    { limits: { memoryBytes: 2 ** 28 } },
    { env: { TZ: 'Asia/Tokyo' } },
    { sandbox: { profile: 'exec' } },
    { preload: ['apache-arrow', 'node:zlib'] },
  ];
  const found = await Promise.all(others.map((options) => renderOnce({ cache, ...options })));
  t.strictSame(
    found,
    others.map(() => all),
  );
  t.strictSame(await renderOnce({ cache, limits: { timeoutMs: 50_000 } }), [], 'a time limit does not');
});

t.test('two Renderers at once use one cache', async (t) => {
  const cache = { dir: temporaryFolder(t) };
  const [a, b] = await Promise.all([startRenderer(t, { cache }), startRenderer(t, { cache })]);
  for (let round = 0; round < 5; round++) {
    const version = linear(...Array.from({ length: 4 }, (_, at) => source(`s${at}`, [round, at])));
    const reports = await Promise.all([a.render(version), b.render(version)]);
    for (const report of reports) {
      t.equal(report.status, 'ok');
      report[Symbol.dispose]();
    }
  }
  await Promise.all([a.close(), b.close()]);
  t.equal(filesOf(cache.dir).filter((file) => file.endsWith('.arrow')).length, 20, 'each table once');
});

t.test('files that are damaged, cut or gone are rendered again, and no others', async (t) => {
  const cache = { dir: temporaryFolder(t) };
  const damages: readonly ((file: string) => void)[] = [
    (file) => {
      rmSync(file);
    },
    (file) => {
      truncateSync(file, statSync(file).size - 1);
    },
    (file) => {
      const bytes = readFileSync(file);
      // In a result that of its digest, with which all that is left can be read.
      bytes[file.endsWith('.arrow') ? Math.floor(bytes.length / 2) : 0]! ^= 1;
      writeFileSync(file, bytes);
    },
    (file) => {
      truncateSync(file, 0);
    },
  ];
  // Of each kind of damage one to a table, one to the result of which it is a part, and one that stays whole.
  const steps = damages.flatMap((_, n) => ['table', 'result', 'whole'].map((what) => `${what}${n}`));
  const tabs = steps.map((id, n) => ({ id: `tab-${id}`, steps: [source(id, [n, n + 0.5])] }));
  /** Which were run for each step, by a Renderer that is started for it. */
  const callsOf = async (): Promise<Record<string, string[]>> => {
    const renderer = await Renderer.start({ cache });
    try {
      using report = await renderer.render({ id: 'many', tabs });
      const calls: Record<string, string[]> = {};
      for (const [n, id] of steps.entries()) {
        const { table, calls: own } = stepOf(report, id, 'ok');
        t.strictSame([...(await table.read()).getChild('a')!], [n, n + 0.5]);
        calls[id] = own.map(({ call }) => call);
        hashes.set(id, table.hash);
      }
      return calls;
    } finally {
      await renderer.close();
    }
  };
  const hashes = new Map<string, string>();
  await callsOf();
  const results = filesOf(cache.dir).filter((file) => file.endsWith('.result1'));
  const tablesOf = results.map((file) => {
    const bytes = readFileSync(file);
    return [file, steps.find((id) => bytes.includes(hashes.get(id) ?? ''))] as const;
  });
  // What is known of the code of steps has no table.
  const looks = tablesOf.filter(([, id]) => id === undefined).map(([file]) => file);
  t.equal(looks.length, steps.length);
  for (const [n, act] of damages.entries()) {
    act(path.join(cache.dir, `${hashes.get(`table${n}`) ?? ''}.arrow`));
    act(tablesOf.find(([, id]) => id === `result${n}`)![0]);
    act(looks[n]!);
  }
  const again = await callsOf();
  const renderedAgain = steps.filter((id) => again[id]?.includes('render'));
  t.strictSame(
    renderedAgain,
    steps.filter((id) => !id.startsWith('whole')),
  );
  t.equal(
    Object.values(again)
      .flat()
      .filter((call) => call === 'validate').length,
    damages.length,
  );
  t.strictSame(Object.values(await callsOf()).flat(), [], 'and all is whole then');
});

t.test('it stays within its limit of bytes, and the oldest go first', async (t) => {
  const dir = temporaryFolder(t);
  const maxBytes = 200_000;
  const renderer = await startRenderer(t, { cache: { dir, maxBytes }, maxMemoryBytes: 0 });
  const large = (n: number): Workflow =>
    linear(step('large', `return tableFromArrays({ a: new Float64Array(5_000).fill(${n}) });`));
  for (let n = 0; n < 12; n++) {
    using report = await renderer.render(large(n));
    t.equal(report.status, 'ok');
  }
  await renderer.close();
  t.ok(bytesOf(dir) <= maxBytes, `${bytesOf(dir)} bytes`);
  t.ok(bytesOf(dir) > 0);
  const next = await startRenderer(t, { cache: { dir, maxBytes } });
  using last = await next.render(large(11));
  t.strictSame(rendered(last), [], 'the last one is there');
  using first = await next.render(large(0));
  t.strictSame(rendered(first), ['large'], 'the first one is not');
});

t.test('what is larger than the whole cache is not written', async (t) => {
  const dir = temporaryFolder(t);
  const renderer = await startRenderer(t, { cache: { dir, maxBytes: 1_000 } });
  using report = await renderer.render(
    linear(
      source(
        'large',
        Array.from({ length: 1_000 }, () => 1),
      ),
    ),
  );
  t.equal(report.status, 'ok');
  await renderer.close();
  t.ok(bytesOf(dir) <= 1_000);
});

t.test(
  'a table that is only on disk goes into a child, and stays readable when its file is removed',
  async (t) => {
    const cache = { dir: temporaryFolder(t) };
    await renderOnce({ cache });
    const renderer = await startRenderer(t, { cache });
    using report = await renderer.render(THREE);
    t.equal(renderer.stats.tables.copiedBytes, 0, 'nothing was read that nobody needs');
    for (const file of filesOf(cache.dir)) rmSync(file);
    t.strictSame([...(await stepOf(report, 'two', 'ok').table.read()).getChild('a')!], [2, 3, 4]);
    const more = THREE.tabs[0]!.steps.concat(
      step('four', "return { table, value: table.getChild('a').get(0) };"),
    );
    using extended = await renderer.render(linear(...more));
    t.strictSame(rendered(extended), ['four']);
    t.equal(stepOf(extended, 'four', 'ok').value, 2);
  },
);

t.test('three processes at once use one cache, and each comes to what it should', async (t) => {
  const dir = temporaryFolder(t);
  const index = new URL('../../renderer/index.js', import.meta.url).href;
  // Small enough that each removes what the others have written.
  const program = `import { Renderer } from ${JSON.stringify(index)};
    const renderer = await Renderer.start({ cache: { dir: ${JSON.stringify(dir)}, maxBytes: 200_000 }, maxMemoryBytes: 0 });
    say('ready');
    const wrong = [];
    for (let n = 0; n < 10; n++) {
      const code = "const { tableFromArrays } = require('apache-arrow');" +
        'exports.render = () => tableFromArrays({ a: new Float64Array(5_000).fill(' + (n % 4) + ') });';
      const report = await renderer.render({ id: 'w', tabs: [{ id: 't', steps: [{ id: 's', code }] }] });
      const column = report.status === 'ok' ? (await report.tables.t.read()).getChild('a') : [];
      if (column.length !== 5_000 || column.get(0) !== n % 4) wrong.push(report.steps);
      report[Symbol.dispose]();
    }
    say({ wrong, hits: renderer.stats.cache.hits > 0 });
    await renderer.close();
    say('closed');`;
  const hosts = [0, 1, 2].map(() => new HostProgram(t, program, { env: { HOME: process.env.HOME ?? '/' } }));
  for (const host of hosts) t.equal(await host.next(), 'ready');
  for (const host of hosts) t.strictSame(await host.next(), { wrong: [], hits: true });
  for (const host of hosts) t.equal(await host.next(), 'closed');
});

t.test(
  'a Renderer that is killed at any moment leaves a cache that can be used, and nothing running',
  async (t) => {
    const dir = temporaryFolder(t);
    const index = new URL('../../renderer/index.js', import.meta.url).href;
    const killedInRound = async (round: number): Promise<void> => {
      const mark = newMark();
      const host = new HostProgram(
        t,
        `import { Renderer } from ${JSON.stringify(index)};
       const renderer = await Renderer.start({
         cache: { dir: ${JSON.stringify(dir)} },
         env: { ${MARK}: ${JSON.stringify(mark)} },
       });
       for (let n = 0; ; n++) {
         const code = "const { tableFromArrays } = require('apache-arrow');" +
           'exports.render = () => tableFromArrays({ a: new Float64Array(50_000).fill(' + n + ') });';
         const report = await renderer.render({ id: 'w', tabs: [{ id: 't', steps: [{ id: 's', code }] }] });
         report[Symbol.dispose]();
         say(report.status);
       }`,
        { env: { HOME: process.env.HOME ?? '/' } },
      );
      // At another moment of what it does each time.
      for (let n = 0; n <= round; n++) t.equal(await host.next(), 'ok');
      await new Promise((resolve) => setTimeout(resolve, round * 3));
      process.kill(host.pid, 'SIGKILL');
      await host.end();
      await eventually('no process is left', () => markedProcesses(mark).length === 0);
      t.notOk(allProcesses().some(({ parent }) => parent === host.pid));
    };
    // Two at once, which use one folder while they are killed.
    for (const rounds of [
      [0, 3],
      [1, 4],
      [2, 5],
    ])
      await Promise.all(rounds.map(killedInRound));
    const renderer = await startRenderer(t, { cache: { dir } });
    using report = await renderer.render(THREE);
    t.equal(report.status, 'ok');
    await renderer.close();
    const again = await startRenderer(t, { cache: { dir } });
    using found = await again.render(THREE);
    t.strictSame(rendered(found), []);
  },
);

t.test('code is looked at once, also for steps that begin at the same time', async (t) => {
  const renderer = await startRenderer(t);
  const tabs = Array.from({ length: 8 }, (_, n) => ({
    id: `tab${n}`,
    steps: [
      step(`step${n}`, 'return tableFromArrays({ n: [params.n] });', { filename: 'same.js', params: { n } }),
    ],
  }));
  using report = await renderer.render({ id: 'same', tabs });
  t.equal(report.status, 'ok');
  t.equal(renderer.stats.children.spawned, 1 + tabs.length);
});
