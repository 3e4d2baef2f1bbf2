import type { Band } from '../domain/model-queue.js';
import type { RequestTopic } from '../domain/scoring-request.js';

interface LaneIntake {
  readonly maxBatchSize: number;
  /** Several batches at once keep the processor busy while the brokers acknowledge. */
  readonly maxInFlightBatches: number;
  readonly undecodable: 'handle';
}

/** How the lanes of the request topics, and of those that extend them, take messages in, and where their rows wait. */
export const LANES: Readonly<Record<RequestTopic, { readonly band: Band; readonly intake: LaneIntake }>> = {
  'prediction.requested.v1': { band: 'prompt', intake: { maxBatchSize: 256, maxInFlightBatches: 6, undecodable: 'handle' } },
  // The lane that yields: smaller batches and fewer of them, so that the others never wait long.
  'prediction.requested.batch.v1': { band: 'batch', intake: { maxBatchSize: 128, maxInFlightBatches: 2, undecodable: 'handle' } },
};
