import { expect, it } from 'vitest';
import { isComputable, planRecomputation, type AnswerOnRecord } from './plan.js';

const answer: AnswerOnRecord = { state: 'scored', fallbackKind: null, isWithheld: false, erasedAt: null, features: [1, 'SFO'], outputs: { y: [1] }, artifactSha256: 'a'.repeat(64), signature: undefined };

it.each<[string, Partial<AnswerOnRecord>]>([
  ['rejected', { state: 'rejected' }],
  ['not_computed', { state: 'fallback', fallbackKind: 'constant' }],
  ['not_computed', { state: 'fallback', fallbackKind: 'last_known_good' }],
  ['not_computed', { artifactSha256: '../../etc/passwd' }],
  ['not_computed', { artifactSha256: undefined }],
  ['erased', { erasedAt: new Date(0), features: null, outputs: null, isWithheld: true }],
  ['expired', { features: null }],
  ['expired', { outputs: null }],
  ['withheld', { features: [1, null] }],
  ['withheld', { outputs: {}, isWithheld: true }],
])('is %s of %o', (status, over) => expect(planRecomputation({ ...answer, ...over })).toMatchObject({ status }));

it.each<Partial<AnswerOnRecord>>([{}, { state: 'fallback', fallbackKind: 'rules' }, { state: 'fallback', fallbackKind: 'previous_version' }, { isWithheld: true }])('can be computed: %o', (over) => {
  const plan = planRecomputation({ ...answer, ...over });
  expect(isComputable(plan)).toBe(true);
  expect(plan).toMatchObject({ values: [1, 'SFO'], outputs: { y: [1] } });
});
