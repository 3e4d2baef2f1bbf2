import { join } from 'node:path';
import { INTRA_OP_THREADS, SessionLoader } from '@throughline/onnx';
import type { Logger } from '@throughline/telemetry';
import type { WorkerConfig } from '../config.js';
import { ArtifactCache } from './artifact-cache.js';
import { ModelMemory } from './model-memory.js';
import { TrustedArtifacts, type ArtifactSource } from './trusted-artifacts.js';

/** What models live on. */
export interface ModelHost {
  readonly artifacts: ArtifactSource;
  readonly loader: Pick<SessionLoader, 'load' | 'close'>;
  readonly memory: ModelMemory;
  readonly logger: Logger;
  /** Told that a version of a model has come into memory or left it. */
  readonly onMoved?: (model: string) => void;
}

/** Loading is one core's work; a second one so that a large graph does not hold up small ones. */
const MAX_CONCURRENT_LOADS = 2;

export function createModelHost(config: WorkerConfig, logger: Logger): ModelHost {
  const cache = new ArtifactCache({
    folder: join(config.THROUGHLINE_HOME, 'artifact-cache'),
    registryUrl: config.REGISTRY_URL,
    serviceKey: config.AUTH_SERVICE_KEY,
    timeoutMs: config.ARTIFACT_TIMEOUT_MS,
    maxBytes: config.ARTIFACT_CACHE_MAX_BYTES,
    logger,
  });
  return {
    artifacts: new TrustedArtifacts(cache, config.WORKER_TRUSTED_KEYS_FILE),
    loader: new SessionLoader({
      intraOpNumThreads: INTRA_OP_THREADS,
      inlineMaxBatchMs: config.INLINE_MAX_BATCH_MS,
      inlineMaxLoadMs: config.INLINE_MAX_LOAD_MS,
      maxConcurrentLoads: MAX_CONCURRENT_LOADS,
    }),
    memory: new ModelMemory(config.MODEL_MEMORY_MAX_BYTES),
    logger,
  };
}
