import { spawnService, type SpawnedService } from '@throughline/testing';

/** The ledger as a process of its own; it may listen before it has caught up. */
export const spawnLedger = (env: NodeJS.ProcessEnv): Promise<SpawnedService> => spawnService('outcome-ledger', env, { until: 'listening' });
