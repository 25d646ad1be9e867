// Workflows as graphs.
import t from 'tap';
import { makePlan, predecessorsOf, type Plan } from '../../../renderer/plan.js';

interface TabSketch {
  readonly from?: string;
  /** By the ids of steps, the tables that they take. */
  readonly steps: Readonly<Record<string, readonly string[]>>;
}

function plan(tabs: Readonly<Record<string, TabSketch>>, inputs: readonly string[] = []): Plan {
  const all = Object.entries(tabs).map(([id, { from, steps }]) => ({
    id,
    ...(from !== undefined && { from }),
    steps: Object.entries(steps).map(([step, references]) => ({
      id: step,
      code: '',
      inputs: Object.fromEntries(references.map((reference) => [reference, reference])),
    })),
  }));
  return makePlan({ id: 'w', tabs: all }, inputs);
}

const needs = ({ nodes }: Plan): Record<string, string[]> =>
  Object.fromEntries(nodes.map((node) => [node.step.id, predecessorsOf(node).map(({ step }) => step.id)]));

const codes = ({ nodes }: Plan): Record<string, string[]> =>
  Object.fromEntries(
    nodes.flatMap(({ step, errors }) =>
      errors.length === 0 ? [] : [[step.id, errors.map(({ code }) => code)]],
    ),
  );

t.test('each step needs the one before it, and the last ones of the tabs that it takes', (t) => {
  const sketch = plan(
    {
      a: { from: 'b', steps: { a1: [], a2: ['c', 'input'] } },
      b: { steps: { b1: [], b2: [] } },
      c: { from: 'input', steps: { c1: ['b'] } },
    },
    ['input'],
  );
  t.strictSame(needs(sketch), { a1: ['b2'], a2: ['a1', 'c1'], b1: [], b2: ['b1'], c1: ['b2'] });
  t.strictSame(codes(sketch), {});
  t.strictSame([...sketch.results.keys()], ['a', 'b', 'c']);
  t.end();
});

t.test('a tab that is taken twice is needed once', (t) => {
  t.strictSame(needs(plan({ a: { from: 'b', steps: { a1: ['b'] } }, b: { steps: { b1: [] } } })), {
    a1: ['b1'],
    b1: [],
  });
  t.end();
});

t.test('a cycle is an error of each step whose table closes it, and of no other', (t) => {
  const sketch = plan({
    a: { from: 'b', steps: { a1: [], a2: [] } },
    b: { from: 'c', steps: { b1: [] } },
    c: { steps: { c1: [], c2: ['a'] } },
    outside: { from: 'a', steps: { o1: [] } },
  });
  t.strictSame(codes(sketch), { a1: ['cycle'], b1: ['cycle'], c2: ['cycle'] });
  t.strictSame(needs(sketch).o1, ['a2']);
  t.end();
});

t.test('a long chain of tabs is no cycle', (t) => {
  const tabs = Object.fromEntries(
    Array.from({ length: 300 }, (_, n) => [
      `t${n}`,
      { ...(n > 0 && { from: `t${n - 1}` }), steps: { [`s${n}`]: [] } },
    ]),
  );
  t.strictSame(codes(plan(tabs)), {});
  t.end();
});

t.test('what is missing is an error of the step that takes it', (t) => {
  const sketch = plan({
    a: { from: 'no', steps: { a1: ['neither', 'empty'], a2: [] } },
    empty: { steps: {} },
  });
  t.strictSame(codes(sketch), { a1: ['missingInput', 'missingInput', 'missingInput'] });
  t.end();
});

t.test('of a table whose name is misspelt the right one is said', (t) => {
  const textOf = (from: string): string | undefined =>
    plan({ late: { steps: { l1: [] } }, a: { from, steps: { a1: [] } } }, ['flights']).nodes[1]?.errors[0]
      ?.text;
  t.match(textOf('flihgts'), /'flihgts', and there is neither .* name\. Did you mean 'flights'\?$/);
  t.match(textOf('lat'), / Did you mean 'late'\?$/);
  t.match(textOf('elsewhere'), /of that name\.$/);
  t.end();
});

t.test('params are those of when it was made', (t) => {
  const params = { a: [1, new Date(0)] };
  const sketch = makePlan({ id: 'w', tabs: [{ id: 't', steps: [{ id: 's', code: '', params }] }] }, []);
  params.a[0] = 2;
  t.strictSame(sketch.nodes[0]?.step.params, { a: [1, new Date(0)] });
  t.end();
});

t.test("names and what is the caller's own may be in all of it, and nothing reads it", (t) => {
  const own = { name: 'A name', meta: { x: 1, f: () => 1 } };
  const step = { id: 's', code: '', ...own };
  const { workflow } = makePlan({ id: 'w', ...own, tabs: [{ id: 't', ...own, steps: [step] }] }, []);
  t.notMatch(JSON.stringify(workflow), /meta/);
  t.end();
});

t.test('a workflow has so many tabs and steps, and no more', (t) => {
  const given = { id: 'w', tabs: ['a', 'b'].map((id) => ({ id, steps: [{ id, code: '' }] })) };
  t.equal(makePlan(given, [], { maxTabs: 2, maxSteps: 2 }).nodes.length, 2);
  t.throws(() => makePlan(given, [], { maxTabs: 1, maxSteps: 2 }), {
    code: 'ERR_INVALID_OPTION',
    option: 'workflow',
    message: 'workflow must be of at most 1 tabs (the option maxTabs), but is 2',
  });
  t.throws(() => makePlan(given, [], { maxTabs: 2, maxSteps: 1 }), { message: /maxSteps/ });
  t.end();
});

t.test('of a name that is misspelt the right one is said', (t) => {
  const option = 'workflow.tabs[0].stepz';
  const message = /must be absent \(did you mean 'steps'\?\)/;
  t.throws(() => makePlan({ id: 'w', tabs: [{ id: 't', stepz: [] }] }, []), { option, message });
  t.throws(() => makePlan({ id: 'w', tabs: [{ id: 't', steps: [], stepz: [] }] }, []), { option, message });
  t.throws(() => makePlan({ id: 'w', tabs: [{ id: 't', steps: [], colour: 1 }] }, []), {
    message: /must be absent, since/,
  });
  t.end();
});

t.test('of two things of one id both places are said', (t) => {
  const step = (id: string) => ({ id, code: '' });
  const refusals: [tabs: object[], option: string, message: string][] = [
    [
      [
        { id: 'a', steps: [step('s')] },
        { id: 'b', steps: [step('t'), step('s')] },
      ],
      'workflow.tabs[1].steps[1].id',
      "one that nothing else has (workflow.tabs[0].steps[0].id is the same), but is 's'",
    ],
    [
      [
        { id: 'a', steps: [] },
        { id: 'a', steps: [] },
      ],
      'workflow.tabs[1].id',
      "one that nothing else has (workflow.tabs[0].id is the same), but is 'a'",
    ],
    [
      [{ id: 'given', steps: [] }],
      'workflow.tabs[0].id',
      "one that nothing else has (there is an input of that name), but is 'given'",
    ],
  ];
  for (const [tabs, option, message] of refusals)
    t.throws(() => makePlan({ id: 'w', tabs }, ['given']), {
      code: 'ERR_INVALID_OPTION',
      option,
      message: `${option} must be ${message}`,
    });
  // What users call them may be the same, and a step may be called as a tab is.
  const named = [
    {
      id: 'a',
      name: 'n',
      steps: [
        { ...step('a'), name: 'n' },
        { ...step('b'), name: 'n' },
      ],
    },
  ];
  t.equal(makePlan({ id: 'w', tabs: named }, []).nodes.length, 2);
  t.end();
});
