import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LOGISTIC_REGRESSION_TRAINER } from './trainer.js';

it('the trainer names the release it is part of', () => {
  const { name, version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { name: string; version: string };
  expect(LOGISTIC_REGRESSION_TRAINER).toMatchObject({ trainerVersion: version, codeCommit: `${name}@${version}` });
});
