import type { Provider } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { LedgerConfig } from '../config.js';
import { HashKeys } from './hash-keys.js';
import { PrivacyPolicies } from './policies.js';

export const privacyProviders = ({ LEDGER_HASH_KEY: secrets = [] }: LedgerConfig): Provider[] => [
  { provide: HashKeys, useFactory: (dataSource: DataSource) => new HashKeys(dataSource, secrets), inject: [DataSource] },
  PrivacyPolicies,
];
