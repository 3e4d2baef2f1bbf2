import type { Provider } from '@nestjs/common';
import { LOGGER } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import type { LedgerConfig } from '../config.js';
import { AssignmentHistory } from './assignment-history.js';
import { Assignments } from './assignments.js';
import { RegistryReader } from './registry-reader.js';
import { Stories } from './stories.js';

const REGISTRY_TIMEOUT_MS = 5_000;

export const storyProviders = (config: LedgerConfig): Provider[] => [
  { provide: RegistryReader, useValue: new RegistryReader({ url: config.REGISTRY_URL, serviceKey: config.AUTH_SERVICE_KEY, timeoutMs: REGISTRY_TIMEOUT_MS }) },
  Assignments,
  { provide: AssignmentHistory, useFactory: (assignments: Assignments, registry: RegistryReader, logger: Logger) => new AssignmentHistory(assignments, registry, logger), inject: [Assignments, RegistryReader, LOGGER] },
  Stories,
];
