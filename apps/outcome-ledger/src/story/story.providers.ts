import type { Provider } from '@nestjs/common';
import type { LedgerConfig } from '../config.js';
import { RegistryReader } from './registry-reader.js';

const REGISTRY_TIMEOUT_MS = 5_000;

export const storyProviders = (config: LedgerConfig): Provider[] => [
  { provide: RegistryReader, useValue: new RegistryReader({ url: config.REGISTRY_URL, serviceKey: config.AUTH_SERVICE_KEY, timeoutMs: REGISTRY_TIMEOUT_MS }) },
];
