import eslint from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Forbids imports of a part from another: ['lib', 'test'] says that lib/ may not import from test/. */
const mayNotImport = (part, ...others) => ({
  files: [`${part}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^(\\.\\./)+(${others.join('|')})/`,
            message: `${part}/ stands without ${others.join('/, ')}/.`,
          },
        ],
      },
    ],
  },
});

export default defineConfig(
  globalIgnores([
    'dist/',
    'build/',
    'build-*/',
    'prebuilds/',
    'protocol/gen/',
    'test/nodes/',
    'coverage/',
    '.tap/',
  ]),
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      eqeqeq: 'error',
      'no-eval': 'error',
      'no-implied-eval': 'off', // in favour of the typed rule
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Contradicts no-non-null-assertion.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // It is how process.env and require.cache are meant to be used.
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
    },
  },
  // tsc checks that names exist.
  { files: ['**/*.ts', '**/*.mjs'], rules: { 'no-undef': 'off' } },
  {
    files: ['test/**/*.ts'],
    rules: {
      // Where something unexpectedly isn't there, the test fails all the same.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // t.test() returns a promise that tap itself waits for.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [{ from: 'package', name: ['test'], package: '@tapjs/test' }],
        },
      ],
    },
  },
  // Loops over all bytes of a table, whose index is in range by the loop's own condition.
  {
    files: ['lib/arrow/validate/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  // Fixtures, and the demo's steps, are untrusted code's stand-ins and do what they like.
  { files: ['test/fixtures/**', 'demo/steps/**'], ...tseslint.configs.disableTypeChecked },
  {
    files: ['test/fixtures/**', 'demo/steps/**'],
    rules: { '@typescript-eslint/no-require-imports': 'off', 'no-undef': 'off' },
  },
  { files: ['eslint.config.js', 'examples/*/page/*.js'], ...tseslint.configs.disableTypeChecked },
  // What a browser has is no concern of Node's.
  { files: ['examples/*/page/*.js'], rules: { 'no-undef': 'off' } },
  { files: ['protocol/**/*.ts', 'zygote/**/*.ts'], languageOptions: { sourceType: 'commonjs' } },
  mayNotImport('protocol', 'lib', 'renderer', 'cli', 'zygote', 'test', 'bench', 'demo', 'examples'),
  mayNotImport('zygote', 'lib', 'renderer', 'cli', 'test', 'bench', 'demo', 'examples'),
  mayNotImport('lib', 'renderer', 'cli', 'zygote', 'test', 'bench', 'demo', 'examples'),
  mayNotImport('renderer', 'cli', 'zygote', 'test', 'bench', 'demo', 'examples'),
  mayNotImport('cli', 'zygote', 'test', 'demo', 'examples'),
);
