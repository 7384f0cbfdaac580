import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      'node_modules/**',
      'test-results/**',
      'playwright-report/**',
      'app/shell/schema.d.ts',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js', '.size-limit.js', 'e2e/*.mjs'] },
      },
    },
    rules: {
      // Numbers in a template are meant: they are pixels, milliseconds and counts.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // Text from outside reaches the page by textContent alone (trusted types are on).
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'Build elements with el() of @freshet/player/dom.' },
        { property: 'outerHTML', message: 'Build elements with el() of @freshet/player/dom.' },
        { property: 'insertAdjacentHTML', message: 'Build elements with el() of @freshet/player/dom.' },
      ],
    },
  },
  { files: ['app/**/*.tsx', 'app/**/*.ts'], ...reactHooks.configs.flat['recommended-latest'] },
  { files: ['eslint.config.js', '.size-limit.js', 'e2e/*.mjs'], ...tseslint.configs.disableTypeChecked },
);
