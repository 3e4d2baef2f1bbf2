import swc from 'unplugin-swc';
import { defineConfig } from 'vitest/config';

const sourceConditions = ['throughline-source', 'node', 'import', 'module', 'default'];

export default defineConfig({
  plugins: [swc.vite({ module: { type: 'es6' }, jsc: { target: 'es2023', parser: { syntax: 'typescript', decorators: true }, transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false } } })],
  resolve: { conditions: sourceConditions },
  ssr: { resolve: { conditions: sourceConditions, externalConditions: ['node', 'import', 'default'] } },
  test: {
    include: ['{apps,libs,tools}/**/*.{unit,int,e2e}.spec.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    pool: 'forks',
    reporters: ['default'],
  },
});
