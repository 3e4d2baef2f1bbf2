import { join } from 'node:path';
import type { Provider } from '@nestjs/common';
import type { LedgerConfig } from '../config.js';
import { RegistryReader } from '../story/registry-reader.js';
import { ArchivedVersions } from './archived-versions.js';
import { Artifacts } from './artifacts.js';
import { ModelChild } from './model-child.js';
import { Recomputations } from './recomputations.js';
import { Samples } from './samples.js';

const MAX_WAITING = 100;
const DOWNLOAD_TIMEOUT_MS = 60_000;

export const recomputeProviders = (config: LedgerConfig): Provider[] => [
  {
    provide: Artifacts,
    useValue: new Artifacts({
      folder: join(config.THROUGHLINE_HOME, 'ledger', 'artifacts'), registryUrl: config.REGISTRY_URL, serviceKey: config.AUTH_SERVICE_KEY, timeoutMs: DOWNLOAD_TIMEOUT_MS, maxBytes: config.RECOMPUTE_CACHE_MAX_BYTES,
    }),
  },
  { provide: ModelChild, useValue: new ModelChild({ timeoutMs: config.RECOMPUTE_TIMEOUT_MS, maxMemoryBytes: config.RECOMPUTE_MEMORY_MAX_BYTES, maxWaiting: MAX_WAITING }) },
  { provide: ArchivedVersions, useFactory: (registry: RegistryReader) => new ArchivedVersions(registry), inject: [RegistryReader] },
  Recomputations,
  Samples,
];
