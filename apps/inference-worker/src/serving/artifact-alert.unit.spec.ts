import { ContractError, type ErrorCode } from '@throughline/contracts';
import { expect, it } from 'vitest';
import { isArtifactFault } from './artifact-alert.js';

it.each<[ErrorCode, boolean]>([
  ['artifact_hash_mismatch', true],
  ['artifact_load_failed', true],
  ['rules_invalid', true],
  ['unavailable', false],
  ['internal', false],
])('a load that fails as %s is the artifact’s fault: %s', (code, isFault) => {
  expect(isArtifactFault(new ContractError(code, 'for a reason'))).toBe(isFault);
});
