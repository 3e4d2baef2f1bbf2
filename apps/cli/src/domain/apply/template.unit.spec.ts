import { expect, it } from 'vitest';
import { parseModelFile } from './parse.js';
import { modelFileSchema } from './schema.js';
import { modelTemplate, withEveryField } from './template.js';

const template = modelTemplate('docs/model.schema.json');

it('the template is a valid file, as it is and with every field in it', () => {
  expect(parseModelFile(template)).toMatchObject({ file: { name: 'my-model', promotion: { mode: 'immediate' } } });
  expect(parseModelFile(withEveryField(template))).toMatchObject({ file: { retraining: { schedule: { timeZone: 'Europe/Berlin' } }, promotion: { rollout: { guards: expect.any(Array) } }, featureViews: [{ name: 'airport' }] } });
});

it('the template explains every field that the file may have', () => {
  const fields = new Set<string>();
  const collect = (schema: unknown): void => {
    if (Array.isArray(schema)) return schema.forEach(collect);
    if (typeof schema !== 'object' || schema === null) return;
    for (const [key, value] of Object.entries(schema)) {
      if (key === 'properties') for (const name of Object.keys(value as object)) fields.add(name);
      if (key !== 'const') collect(value);
    }
  };
  collect(modelFileSchema());
  // Words of guards, steps and golden rows that stand for the same in another form.
  const told = new Set(['values', 'max', 'maxMs', 'minSamples']);
  expect([...fields].filter((field) => !told.has(field) && !new RegExp(`\\b${field}\\b`).test(template))).toEqual([]);
});

