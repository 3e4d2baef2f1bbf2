import { ContractError } from '@throughline/contracts';
import type { EntityManager, MigrationInterface, QueryRunner } from 'typeorm';
import { query } from './transaction.js';

/** What the outbox keeps; an `OutgoingMessage` of the bus fits. */
export interface OutboxMessage {
  readonly topic: string;
  readonly key: string | Buffer;
  readonly value: string | Buffer | null;
  readonly headers?: Readonly<Record<string, string | Buffer>>;
}

/** Larger ones no broker would take, and one of them would hold up all that follow. */
const MAX_MESSAGE_BYTES = 850 * 1024;

/** Gives a schema its outbox: put it among the migrations of a service that publishes what it decided in a transaction. */
export class Outbox1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE outbox (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      topic text NOT NULL, key bytea NOT NULL, value bytea, headers jsonb NOT NULL DEFAULT '{}',
      enqueued_at timestamptz NOT NULL DEFAULT clock_timestamp())`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE outbox');
  }
}
export const outboxMigration = Outbox1700000000000;

/** The channel on which committed transactions wake the relay; per schema, because notifications are per database. */
export const OUTBOX_CHANNEL_SQL = `'outbox_' || current_schema()`;

const ENQUEUE_SQL = `
  WITH enqueued AS (
    INSERT INTO outbox (topic, key, value, headers)
    SELECT topic, key, value, headers::jsonb FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::text[]) WITH ORDINALITY AS rows(topic, key, value, headers, position)
    ORDER BY position)
  SELECT pg_notify(${OUTBOX_CHANNEL_SQL}, '')`;

/**
 * Puts messages into the outbox, in the caller's transaction: they will be published if and only if it commits, at least once, those of one
 * call in their order. Two transactions are ordered as far as they wait for each other (the same locked row).
 *
 * @throws ContractError `invalid_request` for a message that no broker would take
 */
async function enqueue(manager: EntityManager, messages: readonly OutboxMessage[]): Promise<void> {
  if (messages.length === 0) return;
  const values = messages.map(({ value }) => (value === null ? null : Buffer.from(value as string)));
  const tooLarge = values.findIndex((value) => (value?.length ?? 0) > MAX_MESSAGE_BYTES);
  if (tooLarge !== -1)
    throw new ContractError(
      'invalid_request',
      `a message to ${messages[tooLarge]!.topic} has ${values[tooLarge]!.length} bytes, more than ${MAX_MESSAGE_BYTES}`,
    );
  await query(manager, ENQUEUE_SQL, [
    messages.map(({ topic }) => topic),
    messages.map(({ key }) => Buffer.from(key as string)),
    values,
    messages.map(({ headers }) => JSON.stringify(Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, value.toString()])))),
  ]);
}

export const Outbox = { enqueue };
