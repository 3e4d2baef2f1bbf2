import { availableParallelism } from 'node:os';
import swc from 'unplugin-swc';
import { defineConfig } from 'vitest/config';

// Workspace packages are tested from source. Nothing else is overridden: vitest hands these conditions to Node itself too.
const conditions = ['throughline-source'];

export default defineConfig({
  plugins: [swc.vite({ module: { type: 'es6' }, jsc: { target: 'es2023', parser: { syntax: 'typescript', decorators: true }, transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false } } })],
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: [] } },
  test: {
    include: ['**/*.{unit,int,e2e}.spec.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    pool: 'forks',
    // Half of a test is waiting for a broker, a database or a process: two at a time, on two cores as well.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Only so that what hangs ends: a busy machine is no failure.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    globalSetup: ['tools/test-services/global-setup.mjs'],
    reporters: ['default'],
  },
});
