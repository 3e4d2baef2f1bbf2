import { BUS, KafkaBatchStrategy, type Bus } from '@throughline/bus';
import { query } from '@throughline/db';
import { httpSettings, type ServiceOptions } from '@throughline/http';
import { DataSource } from 'typeorm';
import type { LedgerConfig } from './config.js';
import { OutcomeLedgerModule, SERVICE } from './outcome-ledger.module.js';

/** 5,000 ids of the books are 200 kB of JSON. */
const BODY_LIMIT_BYTES = 1024 * 1024;

export const serviceOptions = (config: LedgerConfig): ServiceOptions => ({
  name: SERVICE,
  settings: httpSettings(config, BODY_LIMIT_BYTES),
  module: OutcomeLedgerModule.forRoot(config),
  openApi: { title: 'Throughline outcome ledger', description: 'Every prediction with the features as used, every outcome, and what the one says of the other.', pathParameters: { rebuildId: { description: 'the answer that started it has it', example: 'c0a8f2ce-3e5a-4b53-8e8e-0e5a3e1f7c2d', schema: { format: 'uuid' } }, backtestId: { description: 'the answer that started it has it', example: '0b0e5a3e-6c65-4a8e-9a39-0d7f1a3a5c11', schema: { format: 'uuid' } }, predictionId: { description: 'docs/identity.md says how it is computed', example: '7b76029e-19dc-5779-9358-6c2488af76f8', schema: { format: 'uuid' } }, erasureId: { description: 'as the answer to the request for it says', example: '6f1c1f3e-6f0c-4e7a-9d3b-0f2a5f0f6c11', schema: { format: 'uuid' } }, queryName: { description: 'small letters, digits, dots, underscores and dashes', example: 'wrong-today' } } },
  strategy: (app) => app.get(KafkaBatchStrategy),
  checks: (app) => ({ database: () => query(app.get(DataSource), 'SELECT 1'), kafka: () => app.get<Bus>(BUS).admin.ping() }),
  dead: (app) => app.get<Bus>(BUS).dead,
});
