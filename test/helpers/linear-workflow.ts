// What is the same wherever the steps of a workflow are run.
import { tableFromArrays } from 'apache-arrow';
import type { Test } from 'tap';
import type { Renderer, RenderEvent } from '../../renderer/index.js';
import { step, stepOf } from './renderer.js';

/** A workflow of two steps over an input: its events, its report and its tables. */
export function testLinearWorkflow(t: Test, renderer: Renderer): void {
  const flights = tableFromArrays({ a: Int32Array.from([1, 2, 3, 4]) });

  void t.test('a linear workflow is rendered, and its tables can be read', async (t) => {
    const rendering = renderer.render(
      {
        id: 'w',
        tabs: [
          {
            id: 'tab',
            from: 'flights',
            steps: [
              step('double', "return tableFromArrays({ a: Array.from(table.getChild('a'), (a) => 2 * a) });"),
              {
                id: 'limit',
                code: `export function render(table, { rows }) {
                  console.log('printed');
                  return { table: table.slice(0, rows), value: { of: table.numRows }, warnings: 'cut' };
                }`,
                params: { rows: 2 },
              },
            ],
          },
        ],
      },
      { inputs: { flights } },
    );
    const events: RenderEvent[] = [];
    for await (const event of rendering) events.push(event);
    using report = await rendering;
    t.match(report, { workflow: 'w', status: 'ok' });
    const last = stepOf(report, 'limit', 'ok');
    t.match(last, {
      tab: 'tab',
      value: { of: 4 },
      stdout: 'printed\n',
      stderr: '',
      cached: false,
      errors: [],
    });
    t.strictSame(last.warnings, [{ code: 'reported', text: 'cut' }]);
    t.strictSame(last.table.columns, [{ name: 'a', type: 'Float64' }]);
    t.equal(last.table.numRows, 2);
    t.strictSame([...(await last.table.read()).getChild('a')!], [2, 4]);
    t.equal(report.tables.tab, last.table);
    t.strictSame(
      events.map((event) =>
        event.type === 'ended'
          ? event.status
          : `${event.step} ${event.type}${event.type === 'started' ? ` ${event.call}` : ''}`,
      ),
      [
        'double queued',
        'double started validate',
        'double started render',
        'double done',
        'limit queued',
        'limit started validate',
        'limit started render',
        'limit done',
        'ok',
      ],
    );
  });
}
