import type { Provider } from '@nestjs/common';
import type { LedgerConfig } from '../config.js';
import { Auditor } from './auditor.js';
import { BookKeeper } from './book-keeper.js';
import { BOOKS_EVERY_MS, ContinuousBooks } from './continuous.js';
import { CoverageStore } from './coverage-store.js';
import { KafkaReader } from './kafka-reader.js';
import { PartitionEpochs } from './partition-epochs.js';
import { RowsStore } from './rows-store.js';

export const bookProviders = (config: Pick<LedgerConfig, 'BOOKS_EVERY_SECONDS'>): Provider[] => [
  CoverageStore, RowsStore, KafkaReader, PartitionEpochs, Auditor, ContinuousBooks, BookKeeper, { provide: BOOKS_EVERY_MS, useValue: config.BOOKS_EVERY_SECONDS * 1000 },
];
