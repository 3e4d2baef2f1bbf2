import { toContractError } from '@throughline/contracts';
import { freezeProfile, referenceColumns } from '../domain/baseline.js';
import type { FreezeAnswer, FreezeQuestion } from './freeze-baseline.js';
import { readReference } from './reference/read.js';
import { tooMuch } from './reference/table.js';

// The process that `freezeBaseline` starts: one question, one answer.

/** A profile travels in every deployment event of its version; what is larger does not even reach who asked. */
const MAX_PROFILE_BYTES = 700 * 1024;

async function freeze({ path, signature }: FreezeQuestion): Promise<FreezeAnswer> {
  try {
    const profile = freezeProfile(await readReference(path, referenceColumns(signature)), signature);
    const sizeBytes = jsonBytes(profile);
    if (sizeBytes > MAX_PROFILE_BYTES) throw tooMuch(`its profile has ${sizeBytes} bytes, more than the ${MAX_PROFILE_BYTES} that a deployment event can carry`);
    return { profile };
  } catch (error) {
    const { code, message, cure } = toContractError(error);
    return { code, reason: message, cure };
  }
}

/** No text is so long as some profiles would be. */
function jsonBytes(profile: object): number {
  try {
    return Buffer.byteLength(JSON.stringify(profile));
  } catch {
    return Infinity;
  }
}

// Stays until it is killed: an exit could overtake the answer.
process.once('message', (question) => void freeze(question as FreezeQuestion).then((answer) => process.send!(answer)));
process.once('disconnect', () => process.exit());
