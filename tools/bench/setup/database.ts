import { startPostgres } from '@throughline/local-stack';
import { join } from 'node:path';
import pg from 'pg';
import type { Bench } from './bench.ts';

/** A PostgreSQL of its own that waits for the disk at every commit, as users run it. */
export interface Database {
  readonly url: string;
  /** A pool whose statements find the tables of a schema. */
  pool(schema: string, connections: number): pg.Pool;
  stop(): Promise<void>;
}

export async function startDatabase(bench: Bench, name: string): Promise<Database> {
  const postgres = await startPostgres({ home: join(bench.home, name), port: 0 });
  const pools: pg.Pool[] = [];
  return {
    url: postgres.url,
    pool: (schema, connections) => {
      const pool = new pg.Pool({ connectionString: postgres.url, max: connections, options: `-c search_path=${schema}` });
      // A connection that rests while the database stops is told so; nobody waits for it, and a result must not be lost by it.
      pool.on('error', () => undefined);
      pools.push(pool);
      return pool;
    },
    stop: async () => {
      await Promise.all(pools.map((pool) => pool.end()));
      await postgres.stop();
    },
  };
}
