import type { LedgerConfig } from '../config.js';
import type { Prices } from './domain/cost.js';

/** Token of the prices that the books are kept at. */
export const PRICES = Symbol('prices');

export const pricesOf = (config: Pick<LedgerConfig, 'PRICE_FEATURE_READ_MICRO_USD' | 'PRICE_STORAGE_GB_MONTH_MICRO_USD' | 'LEDGER_RETENTION_DAYS'>): Prices => ({
  featureReadMicroUsd: config.PRICE_FEATURE_READ_MICRO_USD, storageGbMonthMicroUsd: config.PRICE_STORAGE_GB_MONTH_MICRO_USD, retentionDays: config.LEDGER_RETENTION_DAYS,
});
