import type { MigrationInterface, QueryRunner } from 'typeorm';

/** From which offset on the books can tell what is missing, and what tells a topic from one that was made anew under its name. */
export class Epochs1764430000000 implements MigrationInterface {
  readonly name = 'Epochs1764430000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [PARTITION, OPENING]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE book_partition, book_opening');
  }
}

/** `opened_offset`: null until it is known; all that is there now came before. At `seen_at` the partition's end was `high`. */
const PARTITION = `CREATE TABLE book_partition (
  topic text NOT NULL,
  partition integer NOT NULL,
  epoch integer NOT NULL DEFAULT 1,
  opened_offset bigint,
  high bigint NOT NULL,
  seen_at timestamptz NOT NULL,
  PRIMARY KEY (topic, partition)
)`;

/** A ledger from before the books has not written down which copies and dead letters it had dealt with: its books open where its groups stand. */
const OPENING = `CREATE TABLE book_opening (id integer PRIMARY KEY CHECK (id = 1), is_due boolean NOT NULL);
INSERT INTO book_opening SELECT 1, EXISTS (SELECT FROM prediction) OR EXISTS (SELECT FROM outcome)`;
