import { createRequire } from 'node:module';
import { encodeBatchesInOneBuffer } from './record-batch.js';
import { groupInLinearTime } from './grouping.js';
import { stopIdleTimers } from './timers.js';
import { waitBeforeJoining } from './waiting-join.js';

groupInLinearTime();

/** kafkajs as it is used here: with its defects mended, before anything of it runs. */
export const kafkajs = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs');

stopIdleTimers();
waitBeforeJoining();
encodeBatchesInOneBuffer();
