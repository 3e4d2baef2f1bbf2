import type pg from 'pg';
import type { DataSource } from 'typeorm';
import { query } from './transaction.js';

/** A trigger of this name says that a table is append-only, to its readers and to `grantToRuntimeRole`. */
export const APPEND_ONLY_TRIGGER = 'append_only';

/**
 * Lets `role` work in a schema that it does not own: read and write every table, but only read and append to the append-only ones, and only
 * read which migrations have run. In one transaction, so that a service that runs meanwhile never has less or more.
 *
 * @param session of the owner
 */
export async function grantToRuntimeRole(session: pg.Client, schema: string, role: string): Promise<void> {
  const [inSchema, to] = [session.escapeIdentifier(schema), session.escapeIdentifier(role)];
  const { rows } = await session.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid WHERE t.tgname = $1 AND c.relnamespace = $2::regnamespace
     UNION SELECT 'migrations'`,
    [APPEND_ONLY_TRIGGER, inSchema],
  );
  const nameOf = ({ name }: { name: string }): string => `${inSchema}.${session.escapeIdentifier(name)}`;
  await session.query('BEGIN');
  try {
    await session.query(`
      GRANT USAGE ON SCHEMA ${inSchema} TO ${to};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${inSchema} TO ${to};
      GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${inSchema} TO ${to};
      REVOKE UPDATE, DELETE, TRUNCATE, TRIGGER ON ${rows.map(nameOf).join(', ')} FROM ${to};
      REVOKE INSERT ON ${inSchema}.migrations FROM ${to}`);
    await session.query('COMMIT');
  } catch (error) {
    await session.query('ROLLBACK');
    throw error;
  }
}

export interface AppendOnlyProtection {
  /** The role that the service logs in with. */
  readonly role: string;
  /** What it could do to the append-only tables; empty: nothing. */
  readonly weaknesses: readonly string[];
}

/**
 * Whether the database itself keeps the service from changing what is append-only. The trigger alone does not: whoever owns a table can
 * drop it.
 */
export async function appendOnlyProtection(dataSource: Pick<DataSource, 'query'>): Promise<AppendOnlyProtection> {
  const [about] = await query<{ role: string; superuser: boolean; schemaOwner: boolean; owned: string[] | null; writable: string[] | null }>(
    dataSource,
    `SELECT current_user AS role, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
       pg_has_role(n.nspowner, 'MEMBER') AS "schemaOwner",
       array_agg(c.relname::text) FILTER (WHERE pg_has_role(c.relowner, 'MEMBER')) AS owned,
       array_agg(c.relname::text) FILTER (WHERE has_any_column_privilege(c.oid, 'UPDATE') OR has_table_privilege(c.oid, 'DELETE,TRUNCATE,TRIGGER')) AS writable
     FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE t.tgname = $1 AND n.nspname = current_schema() GROUP BY n.nspowner`,
    [APPEND_ONLY_TRIGGER],
  );
  if (about === undefined) return { role: 'unknown', weaknesses: [`no table has the trigger ${APPEND_ONLY_TRIGGER}`] };
  const { role, superuser, schemaOwner, owned, writable } = about;
  if (superuser) return { role, weaknesses: ['it is a superuser'] };
  const weaknesses = [
    schemaOwner ? ['it owns the schema'] : [],
    owned ? [`it owns ${owned.join(', ')}`] : [],
    !owned && writable ? [`it may change ${writable.join(', ')}`] : [],
  ].flat();
  return { role, weaknesses };
}
