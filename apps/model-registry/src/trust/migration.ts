import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who let an incomplete version in, what is archived, golden inputs and signatures. What has served before keeps serving: as an override on record. */
export class VersionTrust1764210000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE versions ADD COLUMN golden jsonb, ADD COLUMN artifact_signature text;
      CREATE TABLE version_overrides (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, model text NOT NULL, version integer NOT NULL, author text NOT NULL, reason text NOT NULL, at timestamptz NOT NULL,
        FOREIGN KEY (model, version) REFERENCES versions);
      CREATE INDEX ON version_overrides (model, version);
      CREATE TABLE version_archives (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, model text NOT NULL, version integer NOT NULL, archived boolean NOT NULL, author text NOT NULL, reason text, at timestamptz NOT NULL,
        FOREIGN KEY (model, version) REFERENCES versions);
      CREATE INDEX ON version_archives (model, version, id);
      INSERT INTO version_overrides (model, version, author, reason, at)
        SELECT DISTINCT v.model, v.version, 'throughline', 'it was deployed before versions had to say what made them', now()
        FROM deployments d JOIN versions v ON v.model = d.model AND (
          to_jsonb(v.version) = d.assignment->'champion' OR d.assignment->'shadows' @> to_jsonb(v.version)
          OR d.assignment->'challengers' @> jsonb_build_array(jsonb_build_object('version', v.version))
          OR d.assignment->'fallbacks' @> jsonb_build_array(jsonb_build_object('version', v.version)))`);
    for (const table of ['version_overrides', 'version_archives']) {
      await runner.query(`CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE version_archives, version_overrides; ALTER TABLE versions DROP COLUMN golden, DROP COLUMN artifact_signature');
  }
}
