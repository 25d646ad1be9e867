import t from 'tap';
import type { TypeScriptProblem } from '../../../zygote/typescript.js';
import { isolated } from '../../helpers/isolated.js';

t.test('types become blanks, so that every position stays', async (t) => {
  const { value } = await isolated(({ zygote }) => {
    const code = 'interface A {\n  b: number;\n}\nconst é: string = "😀" as string; f<A>(é!);\n';
    return { code, stripped: zygote.typescript.stripTypes(code) };
  });
  t.equal(value.stripped.length, value.code.length);
  for (const text of ['const é', '= "😀"', ';', 'f', '(é', ');']) {
    t.equal(value.stripped.lastIndexOf(text), value.code.lastIndexOf(text), text);
  }
  t.notMatch(value.stripped, /interface|string|as|<A>|!/);
});

t.test('what is wrong is told with its position', async (t) => {
  const { value } = await isolated(({ zygote }) =>
    ['let a: number = 1;\nlet b: = 2;', 'type A = 1;\n\n  enum E { A }'].map((code) => {
      try {
        return zygote.typescript.stripTypes(code);
      } catch (error) {
        return (error as TypeScriptProblem).problem;
      }
    }),
  );
  t.match(value, [
    { code: 'ERR_INVALID_TYPESCRIPT_SYNTAX', line: 2, column: 8 },
    { code: 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX', line: 3, column: 3, message: /enum/ },
  ]);
});

t.test('the sample that prepares the stripper is right', async (t) => {
  const { value } = await isolated(({ zygote }) => zygote.typescript.stripTypes(zygote.sample.SAMPLE));
  t.match(value, 'export default async function step');
});

t.test('the stripper is loaded in the zygote only if asked for', async (t) => {
  for (const typescript of [false, true]) {
    const { value } = await isolated(async ({ zygote }, typescript) => {
      await zygote.userModule.prepareUserModules({ typescript });
      const { moduleLoadList } = process as unknown as { moduleLoadList: string[] };
      return [...moduleLoadList, ...Object.keys(require.cache)].some((name) => name.includes('amaro/dist'));
    }, typescript);
    t.equal(value, typescript);
  }
});
