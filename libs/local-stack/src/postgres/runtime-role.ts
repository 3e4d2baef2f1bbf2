import { randomBytes } from 'node:crypto';
import pg from 'pg';

/**
 * Makes a role that may log in and nothing else, or gives it a new password if it is there: whoever starts services hands it to them, and
 * nobody needs to keep it.
 *
 * @param ownerUrl of a superuser
 * @returns the same database's URL for the role
 */
export async function ensureRuntimeRole(ownerUrl: string, role: string): Promise<string> {
  const password = randomBytes(24).toString('base64url');
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const name = client.escapeIdentifier(role);
    const { rowCount } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
    await client.query(`${rowCount === 0 ? 'CREATE' : 'ALTER'} ROLE ${name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD ${client.escapeLiteral(password)}`);
  } finally {
    await client.end();
  }
  const url = new URL(ownerUrl);
  url.username = role;
  url.password = password;
  return url.toString();
}
