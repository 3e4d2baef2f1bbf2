import { describe, expect, it } from 'vitest';
import { defaultSpec } from '../guards/defaults.js';
import { assignmentOfStep, promotedAssignment, restoredAssignment } from './assignments.js';
import type { RolloutSpec } from './spec.js';

const base = { champion: 1, challengers: [], shadows: [2, 3], maxBatchSize: 16 };
const subject = (strategy: RolloutSpec['strategy']) => ({ id: 'r1', base, champion: 1, spec: defaultSpec(strategy, 2) });

describe('what serves in a rollout', () => {
  it('warming: the candidate is warm and has no other role', () =>
    expect(assignmentOfStep(subject('canary'), 0)).toMatchObject({ champion: 1, challengers: [], shadows: [3], standbys: [2], maxBatchSize: 16, rollout: { id: 'r1', strategy: 'canary', candidate: '2', step: 0 } }));

  it('canary: the share of the step, dealt by the rollout’s own salt', () => {
    const { steps } = defaultSpec('canary', 2);
    steps.forEach(({ share }, index) => expect(assignmentOfStep(subject('canary'), index + 1)).toMatchObject({ champion: 1, challengers: [{ version: 2, share }], splitSalt: 'r1' }));
    expect(steps.at(-1)?.share).toBe(1);
  });

  it('shadow: beside the shadows there are', () => expect(assignmentOfStep(subject('shadow'), 1)).toMatchObject({ champion: 1, challengers: [], shadows: [3, 2] }));
  it('blue-green: one switch, with the old champion warm for the one back', () => expect(assignmentOfStep(subject('blue_green'), 1)).toMatchObject({ champion: 2, challengers: [], shadows: [3], standbys: [1] }));
  it('after a promotion: the candidate alone, served as before', () => expect(promotedAssignment(subject('canary'))).toMatchObject({ champion: 2, challengers: [], shadows: [3], maxBatchSize: 16 }));
  it('after a rollback: exactly what was before', () => expect(restoredAssignment(subject('ab'))).toEqual(base));
});
