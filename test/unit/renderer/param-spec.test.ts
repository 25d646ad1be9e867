// Params that are declared as plain data.
import t from 'tap';
import { applySpec, checkParamSpec } from '../../../renderer/param-spec.js';
import type { ParamSpec } from '../../../renderer/index.js';

const spec: ParamSpec = {
  name: { type: 'string', maxLength: 5 },
  kind: { type: 'string', oneOf: ['a', 'b'], default: 'a' },
  share: { type: 'number', min: 0, max: 1, optional: true },
  rows: { type: 'integer', default: 3 },
  on: { type: 'boolean', default: false },
  columns: { type: 'list', of: { type: 'string' }, default: [] },
  filter: { type: 'object', fields: { column: { type: 'string' } }, optional: true },
  more: { type: 'any', optional: true },
};

/** Places and beginnings of what is wrong. */
const issuesOf = (params: unknown): string[] =>
  applySpec(spec, params).issues.map(({ path, text }) => `${path} ${text}`);

t.test('what is right goes through, with defaults', (t) => {
  t.strictSame(applySpec(spec, { name: 'n' }), {
    value: { name: 'n', kind: 'a', rows: 3, on: false, columns: [] },
    issues: [],
  });
  const all = {
    name: 'n',
    kind: 'b',
    share: 0.5,
    rows: 1,
    on: true,
    columns: ['x'],
    filter: { column: 'c' },
    more: [1],
  };
  t.strictSame(applySpec(spec, all), { value: all, issues: [] });
  t.end();
});

for (const [params, issue] of [
  [{ name: 1 }, 'name must be text, but is 1'],
  [{ name: 'longer' }, "name must be at most 5 characters long, but is 'longer'"],
  [{ name: 'n', kind: 'c' }, "kind must be one of 'a', 'b', but is 'c'"],
  [{ name: 'n', share: 2 }, 'share must be at most 1, but is 2'],
  [{ name: 'n', share: -1 }, 'share must be at least 0, but is -1'],
  [{ name: 'n', share: NaN }, 'share must be a number, but is NaN'],
  [{ name: 'n', rows: 0.5 }, 'rows must be a whole number, but is 0.5'],
  [{ name: 'n', on: 'yes' }, "on must be true or false, but is 'yes'"],
  [{ name: 'n', columns: ['a', 2] }, 'columns.1 must be text, but is 2'],
  [{ name: 'n', columns: {} }, 'columns must be a list, but is an object'],
  [{ name: 'n', filter: {} }, 'filter.column is missing'],
  [{ name: 'n', filter: { column: 'c', x: 1 } }, 'filter.x is no param of this step'],
  [{}, 'name is missing'],
  [[], ' must be an object, but is a list'],
  [null, ' must be an object, but is null'],
] as const) {
  t.test(`what is wrong is told with its place: ${issue}`, (t) => {
    t.strictSame(issuesOf(params), [issue]);
    t.end();
  });
}

t.test('a param can have any name', (t) => {
  const odd = checkParamSpec(JSON.parse('{"__proto__": {"type": "string"}}'), 'schema');
  const params: unknown = JSON.parse('{"__proto__": "x"}');
  t.strictSame(applySpec(odd, params).issues, []);
  t.strictSame(Object.entries(applySpec(odd, params).value as object), [['__proto__', 'x']]);
  t.strictSame(applySpec(spec, JSON.parse('{"name": "n", "toString": 1}')).issues, [
    { path: 'toString', text: 'is no param of this step' },
  ]);
  t.end();
});

t.test('a declaration that is wrong is refused by its place', (t) => {
  for (const [wrong, option] of [
    [5, 'schema'],
    [{ a: {} }, 'schema.a.type'],
    [{ a: { type: 'text' } }, 'schema.a.type'],
    [{ a: { type: 'string', min: 1 } }, 'schema.a.min'],
    [{ a: { type: 'integer', default: 0.5 } }, 'schema.a.default'],
    [{ a: { type: 'list' } }, 'schema.a.of'],
    [{ a: { type: 'list', of: { type: 'x' } } }, 'schema.a.of.type'],
    [{ a: { type: 'object', fields: { b: 1 } } }, 'schema.a.fields.b'],
  ] as const) {
    t.throws(() => checkParamSpec(wrong, 'schema'), { code: 'ERR_INVALID_OPTION', option });
  }
  const endless: Record<string, unknown> = { type: 'list' };
  endless.of = endless;
  t.throws(() => checkParamSpec({ endless }, 'schema'), { code: 'ERR_INVALID_OPTION' });
  t.end();
});
