// The steps of a Renderer whose fetch() has a network get data over it, from where they may and from nowhere else.
import t, { type Test } from 'tap';
import { HostProgram } from '../helpers/host-program.js';
import { ALLOWED, canHaveNetworks, OTHER, TestNetwork } from '../helpers/network.js';

const skip = canHaveNetworks();
t.setTimeout(120_000);

const RENDERER = new URL('../../renderer/index.js', import.meta.url).href;

const GET = `const { tableFromArrays } = require('apache-arrow');
exports.fetch = async ({ from }) => {
  const [header, ...lines] = (await (await fetch('http://' + from + '/table.csv')).text()).trim().split('\\n');
  const rows = lines.map((line) => line.split(','));
  return tableFromArrays({ city: rows.map(([city]) => city), people: rows.map(([, people]) => Number(people)) });
};`;
const USE = `const { tableFromArrays } = require('apache-arrow');
exports.render = (table) => {
  const sum = Array.from(table.getChild('people')).reduce((a, b) => a + b);
  return { table: tableFromArrays({ sum: [sum] }), value: [...table.getChild('city')] };
};`;
const TRY = `exports.render = async (table, { from }) => { await fetch('http://' + from + '/table.csv'); };`;

interface Told {
  readonly step: string;
  readonly status: string;
  readonly value?: unknown;
  readonly errors: readonly { readonly code: string; readonly text: string; readonly place?: unknown }[];
}

/** What becomes of workflows of one tab, whose `fetch` may connect to port 80 of ALLOWED. */
function renderIn(t: Test, network: TestNetwork, workflows: readonly object[]): Promise<readonly Told[][]> {
  const host = new HostProgram(
    t,
    `const { Renderer } = await import(${JSON.stringify(RENDERER)});
    const sandbox = { profile: 'network', network: { allow: [{ to: '${ALLOWED}', ports: 80 }] } };
    const renderer = await Renderer.start({ fetch: { sandbox }, maxChildren: 1 });
    const all = [];
    for (const steps of ${JSON.stringify(workflows)}) {
      const { steps: reports } = await renderer.render({ id: 'w', tabs: [{ id: 't', steps }] });
      all.push(reports.map(({ step, status, value, errors }) => ({ step, status, value, errors })));
    }
    say(all);
    await renderer.close();`,
    { through: network.through },
  );
  return host.next();
}

t.test('a step fetches a table, and the next one uses it', { skip }, async (t) => {
  const network = await TestNetwork.make(t);
  const steps = [
    { id: 'get', code: GET, params: { from: ALLOWED } },
    { id: 'use', code: USE },
  ];
  const [told] = await renderIn(t, network, [steps]);
  t.match(told, [
    { step: 'get', status: 'ok' },
    { step: 'use', status: 'ok', value: ['A', 'B', 'C'] },
  ]);
  t.equal(network.heard.filter((line) => line.startsWith(`http ${ALLOWED}:80`)).length, 1);
});

t.test('where it may not connect, its user is told so', { skip }, async (t) => {
  const network = await TestNetwork.make(t);
  const [[get], [render]] = (await renderIn(t, network, [
    [{ id: 'get', code: GET, params: { from: OTHER } }],
    [{ id: 'try', code: TRY, params: { from: ALLOWED } }],
  ])) as [[Told], [Told]];
  // Without a place: the stack of that error has the code's own frame on Node 20 only.
  t.match(get.errors, [{ code: 'threw', text: `TypeError: fetch failed: connect EHOSTUNREACH ${OTHER}:80` }]);
  t.match(
    get.errors[0]?.text,
    / \(fetch\(\) may connect only to what whoever runs this service has listed\)$/,
  );
  t.match(render.errors[0]?.text, / \(render\(\) has no network here\)$/, 'in render(), which has none');
  t.strictSame(network.heard, []);
});
