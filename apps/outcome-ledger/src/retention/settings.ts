import type { LedgerConfig } from '../config.js';

/** Token of how long the ledger keeps what. */
export const RETENTION = Symbol('retention');

export interface RetentionSettings {
  /** 0 keeps everything. */
  readonly retentionDays: number;
  /** So long after that the ledger still knows that there was a prediction. */
  readonly expiredDays: number;
  /** Without it days are dropped without an archive. */
  readonly archiveFolder: string | undefined;
}

export const retentionOf = (config: Pick<LedgerConfig, 'LEDGER_RETENTION_DAYS' | 'LEDGER_EXPIRED_DAYS' | 'LEDGER_ARCHIVE_DIR'>): RetentionSettings => ({
  retentionDays: config.LEDGER_RETENTION_DAYS, expiredDays: config.LEDGER_EXPIRED_DAYS, archiveFolder: config.LEDGER_ARCHIVE_DIR,
});
