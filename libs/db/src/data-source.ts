import type { commonSettings, Parsed } from '@throughline/settings';
import pg from 'pg';
import { DataSource, type EntitySchema, type MigrationInterface } from 'typeorm';
import { mapDatabaseError } from './errors.js';
import { grantToRuntimeRole } from './runtime-role.js';

export type DatabaseSettings = Pick<Parsed<typeof commonSettings>, 'DATABASE_URL'> & Partial<Pick<Parsed<typeof commonSettings>, 'DATABASE_SCHEMA_PREFIX'>>;

export interface DatabaseOptions {
  /** The service's own schema, without the installation's prefix. */
  readonly schema: string;
  readonly settings: DatabaseSettings;
  // eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- typeorm's own type of an entity class
  readonly entities?: (Function | EntitySchema)[];
  /** Classes with a time in milliseconds at the end of their name; that is their order. SQL needs no schema names. */
  readonly migrations?: (new () => MigrationInterface)[];
  readonly maxConnections?: number;
  /**
   * Who owns the schema, where that is not who works in it: makes and migrates it, then lets the role of `settings.DATABASE_URL` in, which can
   * only append to tables with a trigger `append_only`.
   */
  readonly ownerUrl?: string | undefined;
}

const CONNECT_TIMEOUT_MS = 5_000;
const DEFAULT_MAX_CONNECTIONS = 10;

/** The schema's real name. */
export const schemaName = ({ schema, settings }: Pick<DatabaseOptions, 'schema' | 'settings'>): string => `${settings.DATABASE_SCHEMA_PREFIX ?? ''}${schema}`;

/**
 * Opens the service's schema, which is created and migrated first, once, whoever else starts at the same time.
 *
 * @throws ContractError `unavailable` when the database cannot be reached
 */
export async function openDatabase(options: DatabaseOptions): Promise<DataSource> {
  const schema = schemaName(options);
  const dataSource = dataSourceFor(options, options.settings, schema);
  try {
    await migrate(dataSource, options, schema);
    return dataSource;
  } catch (error) {
    if (dataSource.isInitialized) await dataSource.destroy();
    throw mapDatabaseError(error);
  }
}

const dataSourceFor = (options: DatabaseOptions, settings: DatabaseSettings, schema: string): DataSource =>
  new DataSource({
    type: 'postgres',
    schema,
    synchronize: false,
    migrationsRun: false,
    installExtensions: false,
    entities: options.entities ?? [],
    migrations: options.migrations ?? [],
    migrationsTableName: 'migrations',
    extra: { ...connection(settings, schema), max: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS },
  });

/** A connection of its own beside the pool: for session locks and notifications. The caller ends it. */
export async function openSession(dataSource: DataSource): Promise<pg.Client> {
  const client = new pg.Client((dataSource.options as { extra: pg.ClientConfig }).extra);
  // An error without a listener would end the process; whoever uses the session learns of it from the next query.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw mapDatabaseError(error);
  }
}

function connection({ DATABASE_URL: url }: DatabaseSettings, schema: string): pg.ClientConfig {
  if (url === undefined) throw new Error('DATABASE_URL is not set: the service needs PostgreSQL (`npm start` starts one)');
  return { connectionString: url, options: `-c search_path=${schema}`, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, keepAlive: true, application_name: schema };
}

/** The session's lock serialises instances that start together; it ends with the session, however that ends. */
async function migrate(dataSource: DataSource, options: DatabaseOptions, schema: string): Promise<void> {
  const settings = { ...options.settings, DATABASE_URL: options.ownerUrl ?? options.settings.DATABASE_URL };
  const session = new pg.Client(connection(settings, schema));
  session.on('error', () => {});
  await session.connect();
  try {
    await session.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [`migrate ${schema}`]);
    await session.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
    if (options.ownerUrl !== undefined) await migrateAsOwner(options, settings, schema, session);
    await dataSource.initialize();
    if (options.ownerUrl === undefined) await dataSource.runMigrations({ transaction: 'each' });
  } finally {
    await session.end();
  }
}

async function migrateAsOwner(options: DatabaseOptions, settings: DatabaseSettings, schema: string, session: pg.Client): Promise<void> {
  const owner = dataSourceFor({ ...options, maxConnections: 1 }, settings, schema);
  await owner.initialize();
  try {
    await owner.runMigrations({ transaction: 'each' });
  } finally {
    await owner.destroy();
  }
  const role = await roleOf(connection(options.settings, schema));
  if (role !== (await currentRole(session))) await grantToRuntimeRole(session, schema, role);
}

async function roleOf(config: pg.ClientConfig): Promise<string> {
  const client = new pg.Client(config);
  client.on('error', () => {});
  await client.connect();
  try {
    return await currentRole(client);
  } finally {
    await client.end();
  }
}

const currentRole = async (client: pg.Client): Promise<string> => (await client.query<{ role: string }>('SELECT current_user AS role')).rows[0]!.role;
