import { Auditor } from './auditor.js';
import { BookKeeper } from './book-keeper.js';
import { ContinuousBooks } from './continuous.js';
import { CoverageStore } from './coverage-store.js';
import { KafkaReader } from './kafka-reader.js';
import { RowsStore } from './rows-store.js';

export const bookProviders = [CoverageStore, RowsStore, KafkaReader, Auditor, ContinuousBooks, BookKeeper];
