import { outboxMigration } from '@throughline/db';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { MlflowTables1764240000000 } from '../mlflow/migration.js';
import { ModelPolicies1764220000000 } from '../policy/migration.js';
import { RolloutEvidence1764230000000 } from '../rollouts/evidence/migration.js';
import { LastWords1764440000000 } from '../rollouts/evidence/words-migration.js';
import { Rollouts1764200000000 } from '../rollouts/store/migration.js';
import { VersionTrust1764210000000 } from '../trust/migration.js';

const APPEND_ONLY = ['versions', 'alias_changes', 'deployments', 'audit'];

class RegistryTables1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE models (name text PRIMARY KEY, created_at timestamptz NOT NULL);
      CREATE TABLE versions (
        model text NOT NULL REFERENCES models, version integer NOT NULL CHECK (version > 0),
        upload_digest text NOT NULL, artifact_sha256 text NOT NULL, size_bytes integer NOT NULL,
        signature jsonb NOT NULL, metadata jsonb NOT NULL,
        baseline_profile jsonb, has_baseline boolean GENERATED ALWAYS AS (baseline_profile IS NOT NULL) STORED,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (model, version), UNIQUE (model, upload_digest));
      CREATE TABLE aliases (
        model text NOT NULL, alias text NOT NULL, version integer NOT NULL, author text NOT NULL, reason text, changed_at timestamptz NOT NULL,
        PRIMARY KEY (model, alias), FOREIGN KEY (model, version) REFERENCES versions);
      CREATE TABLE alias_changes (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, model text NOT NULL, alias text NOT NULL,
        from_version integer, to_version integer, author text NOT NULL, reason text, changed_at timestamptz NOT NULL);
      CREATE INDEX ON alias_changes (model, alias, id);
      CREATE TABLE deployments (
        model text NOT NULL REFERENCES models, revision integer NOT NULL CHECK (revision > 0), assignment jsonb NOT NULL,
        author text NOT NULL, reason text, decided_at timestamptz NOT NULL, PRIMARY KEY (model, revision));
      CREATE TABLE audit (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL, actor text NOT NULL, action text NOT NULL,
        model text NOT NULL, detail jsonb NOT NULL);
      CREATE INDEX ON audit (model, id)`);
    await runner.query(`
      CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$`);
    for (const table of APPEND_ONLY) {
      await runner.query(`CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE audit, deployments, alias_changes, aliases, versions, models; DROP FUNCTION refuse_change');
  }
}

/** Before it every version was a graph. */
class ArtifactFormat1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query("ALTER TABLE versions ADD COLUMN format text NOT NULL DEFAULT 'onnx' CHECK (format IN ('onnx', 'rules'))");
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE versions DROP COLUMN format');
  }
}

export const MIGRATIONS: (new () => MigrationInterface)[] = [outboxMigration, RegistryTables1764000000000, ArtifactFormat1764100000000, ModelPolicies1764220000000, Rollouts1764200000000, VersionTrust1764210000000, RolloutEvidence1764230000000, MlflowTables1764240000000, LastWords1764440000000];
