import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What it takes to explain a prediction at any age, and to value it. */
export class Explained1764300000000 implements MigrationInterface {
  readonly name = 'Explained1764300000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of ['prediction', 'prediction_shadow']) await runner.query(`ALTER TABLE ${table} ${added(PREDICTION)}`);
    await runner.query(`ALTER TABLE prediction_joined ${added(JOINED)}`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['prediction', 'prediction_shadow']) await runner.query(`ALTER TABLE ${table} ${dropped(PREDICTION)}`);
    await runner.query(`ALTER TABLE prediction_joined ${dropped(JOINED)}`);
  }
}

/** `is_withheld`: some of its values were hashed or left out by policy. `erased_at`: its values were removed. */
const PREDICTION = { parent_span_id: 'text', propensity: 'double precision', is_withheld: 'boolean', erased_at: 'timestamptz' };

/** `outcome` is the truth as the model declares it, `observed` the value as it was sent where the two differ. */
const JOINED = { observed: 'jsonb', is_assumed: 'boolean NOT NULL DEFAULT false', value_micro_usd: 'double precision' };

const added = (columns: Readonly<Record<string, string>>): string => Object.entries(columns).map(([name, type]) => `ADD COLUMN ${name} ${type}`).join(', ');
const dropped = (columns: Readonly<Record<string, string>>): string => Object.keys(columns).map((name) => `DROP COLUMN ${name}`).join(', ');
