import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What models say is not to be written down; kept, for a policy holds longer than the deployment that said it.
 * `privacy_salt`: a secret for hashes where none is configured, worth no more than the database it lies in.
 */
export class Privacy1764300800001 implements MigrationInterface {
  readonly name = 'Privacy1764300800001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE privacy_policy (model text PRIMARY KEY, revision bigint NOT NULL, policy jsonb NOT NULL)');
    await runner.query('CREATE TABLE privacy_salt (salt bytea NOT NULL)');
    await runner.query('INSERT INTO privacy_salt SELECT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE privacy_policy, privacy_salt');
  }
}
