import { parentPort, workerData } from 'node:worker_threads';
import { toContractError, type ModelSignature } from '@throughline/contracts';
import { freezeProfile, referenceColumns } from '../domain/baseline.js';
import type { FreezeAnswer } from './freeze-baseline.js';
import { readReference } from './reference/read.js';

const { path, signature } = workerData as { path: string; signature: ModelSignature };

async function freeze(): Promise<FreezeAnswer> {
  try {
    return { profile: freezeProfile(await readReference(path, referenceColumns(signature)), signature) };
  } catch (error) {
    const { code, message, cure } = toContractError(error);
    return { code, reason: message, cure };
  }
}

parentPort?.postMessage(await freeze());
