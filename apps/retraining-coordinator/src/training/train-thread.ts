import { parentPort, workerData } from 'node:worker_threads';
import { toContractError } from '@throughline/contracts';
import { trainCandidate, type TrainingJob } from './train-candidate.js';
import type { ThreadMessage } from './trainer.js';

const tell = (message: ThreadMessage): void => parentPort!.postMessage(message);

try {
  const candidate = await trainCandidate(workerData as TrainingJob, (stage, fraction, message) => tell({ type: 'progress', stage, fraction, message }));
  tell({ type: 'candidate', candidate });
} catch (thrown) {
  // Classes do not survive the way between threads; their parts do.
  const { code, message, cure } = toContractError(thrown);
  tell({ type: 'error', code, message, cure });
}
