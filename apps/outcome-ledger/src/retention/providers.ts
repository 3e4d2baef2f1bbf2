import type { Provider } from '@nestjs/common';
import type { LedgerConfig } from '../config.js';
import { Retention } from './retention.js';
import { RETENTION, retentionOf } from './settings.js';

export const retentionProviders = (config: LedgerConfig): Provider[] => [{ provide: RETENTION, useValue: retentionOf(config) }, Retention];
