import { expect, it } from 'vitest';
import type { Assignment } from './assignment.js';
import { whyThisVersion, type Answering } from './why.js';

const rollout = { id: 'r-1', strategy: 'canary' as const, candidate: '3', step: 2 };
const assignment: Assignment = { revision: 7, decidedAtMs: 0, author: 'ada', reason: 'better AUC', champion: '2', challengers: [], shadows: [], standbys: [], fallbacks: [], policy: {} };
const shared: Assignment = { ...assignment, challengers: [{ version: '3', share: 0.1 }], rollout };
const answering: Answering = { version: '2', role: 'champion', revision: 7, propensity: undefined, fallback: undefined };

it.each<[string, Partial<Answering>, Assignment | undefined, object]>([
  ['version 2 was the champion and had all of the traffic', {}, assignment, { arm: 'champion', share: 1, propensity: 1, decidedBy: 'ada', reason: 'better AUC', decidedAt: '1970-01-01T00:00:00.000Z', arms: [{ version: '2', role: 'champion', share: 1 }] }],
  ['version 2 was the champion with 90 % of the traffic, beside version 3 with 10 %, in step 2 of the canary of version 3 (rollout r-1)', { propensity: 0.9 }, shared, { arm: 'champion', share: 0.9, propensity: 0.9, rollout, arms: [{ version: '2', role: 'champion', share: 0.9 }, { version: '3', role: 'challenger', share: 0.1 }] }],
  ['version 3 had 10 % of the traffic as challenger of version 2, in step 2 of the canary of version 3 (rollout r-1); the routing key fell into its share', { version: '3', role: 'challenger', propensity: 0.1 }, shared, { arm: 'challenger', share: 0.1, propensity: 0.1 }],
  ['the request asked for version 1 itself; the champion was version 2', { version: '1', role: 'pinned' }, assignment, { arm: 'pinned', propensity: 1 }],
  ['version 2 stands for the answer of the fallback constant, because of model_failed; version 2 was the champion', { fallback: { kind: 'constant', reason: 'model_failed' } }, assignment, { arm: 'fallback' }],
  ['version 2 was asked as champion; revision 7 of the deployment is not known here', {}, undefined, { arm: 'champion', propensity: 1 }],
])('%s', (explanation, over, known, more) => expect(whyThisVersion({ ...answering, ...over }, known)).toMatchObject({ explanation, ...more }));

it('says nothing of a share where the version had none', () => {
  expect(whyThisVersion({ ...answering, version: '1', role: 'pinned' }, assignment)).not.toHaveProperty('share');
  expect(whyThisVersion({ ...answering, version: '9', role: 'challenger' }, assignment)).not.toHaveProperty('share');
});
