// What is shown of a step that says where something is.
import t from 'tap';
import { stepLines } from '../../../cli/render/show.js';
import type { StepReport, Workflow } from '../../../renderer/index.js';

const plain = (_style: unknown, text: string): string => text;

function shown(code: string, column: number): string[] {
  const workflow: Workflow = { id: 'w', tabs: [{ id: 'tab', name: 'tab', steps: [{ id: 'a', code }] }] };
  const report = {
    step: 'a',
    tab: 'tab',
    status: 'error',
    warnings: [{ code: 'reported', text: 'w', place: { file: 'a.js', line: 1, column } }],
    errors: [],
    stdout: '',
    stderr: '',
    ms: 1,
    cached: false,
  } as unknown as StepReport;
  return stepLines(report, workflow, plain, false);
}

t.test('a place has its line, and a caret below it', (t) => {
  t.strictSame(shown('one', 3).slice(2), ['        1 | one', '          |   ^']);
  t.strictSame(shown('one', 4).slice(3), ['          |    ^'], 'behind its end, too');
  t.end();
});

t.test('no column makes it longer than what is shown of the line', (t) => {
  for (const code of ['one', 'x'.repeat(1_000_000)]) {
    for (const column of [0, 1, 5, 501, 502, 5e8, Number.MAX_SAFE_INTEGER]) {
      t.ok(Math.max(...shown(code, column).map(({ length }) => length)) < 600, `${column}`);
    }
  }
  t.end();
});
