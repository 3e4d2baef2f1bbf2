import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const kafkaClients = ['kafkajs', '@platformatic/kafka', 'node-rdkafka', '@confluentinc/kafka-javascript'];

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '.nx/**', '.throughline/**'] },
  {
    files: ['**/*.ts', '**/*.mjs'],
    extends: [tseslint.configs.recommended],
    plugins: { '@nx': nx },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-extraneous-class': 'off',
      'no-console': 'error',
      eqeqeq: 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['apps/**/*.ts', 'libs/**/*.ts'],
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          allow: [],
          depConstraints: [
            { sourceTag: 'type:pure', onlyDependOnLibsWithTags: ['type:pure'] },
            { sourceTag: 'type:contract', onlyDependOnLibsWithTags: ['type:pure', 'type:contract'] },
            { sourceTag: 'type:adapter', onlyDependOnLibsWithTags: ['type:pure', 'type:contract', 'type:adapter'] },
            { sourceTag: 'type:app', onlyDependOnLibsWithTags: ['type:pure', 'type:contract', 'type:adapter'] },
          ],
        },
      ],
    },
  },
  {
    files: ['apps/**/*.ts', 'libs/**/*.ts', 'tools/**/*.ts'],
    // The benchmark measures the bare client as the limit.
    ignores: ['libs/bus/**', 'tools/bench/**'],
    rules: { 'no-restricted-imports': ['error', { paths: kafkaClients.map((name) => ({ name, message: 'Only libs/bus talks to a Kafka client; use its port.' })) }] },
  },
  { files: ['apps/cli/**', 'apps/demo/**', 'apps/platform/**', 'tools/**'], rules: { 'no-console': 'off' } },
  {
    files: ['apps/*/src/handlers/**/*.ts', 'apps/*/src/**/http/**/*.ts', 'apps/*/src/**/*.module.ts'],
    // Nest reads constructor parameter types at run time; a type-only import would erase them.
    rules: { '@typescript-eslint/consistent-type-imports': 'off' },
  },
);
