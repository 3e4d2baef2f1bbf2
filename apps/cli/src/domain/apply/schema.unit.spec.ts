import { join } from 'node:path';
import { repositoryRoot } from '@throughline/local-stack';
import { expect, it } from 'vitest';
import { modelFileSchema } from './schema.js';

it('docs/model.schema.json says what the code says (else run this spec with --update)', async () => {
  await expect(`${JSON.stringify(modelFileSchema(), null, 1)}\n`).toMatchFileSnapshot(join(repositoryRoot, 'docs/model.schema.json'));
});
