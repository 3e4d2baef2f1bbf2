export { openDatabase, openSession, schemaName } from './data-source.js';
export type { DatabaseOptions, DatabaseSettings } from './data-source.js';
export { DbModule } from './db.module.js';
export { isUnavailable, mapDatabaseError } from './errors.js';
export { Outbox, OUTBOX_CHANNEL_SQL, outboxMigration } from './outbox.js';
export type { OutboxMessage } from './outbox.js';
export { inTransaction, query } from './transaction.js';
export { unnestRows } from './unnest.js';
export type { UnnestedRows } from './unnest.js';
