import type pg from 'pg';

const ROWS_A_BATCH = 2000;

interface Column {
  readonly name: string;
  readonly type: string;
}

type Row = Record<string, unknown>;

/**
 * The limit: the same rows, read back from the ledger's own table, put by bare `unnest` into a table of the same columns, primary key and
 * indexes, and nothing else. Only the inserts are timed.
 *
 * @param connections 1: a plain loop; more: as many statements at a time
 */
export async function bareUnnestRowsPerSecond(pool: pg.Pool, rows: number, connections: number): Promise<number> {
  await pool.query(`DROP TABLE IF EXISTS bare`);
  await pool.query(`CREATE TABLE bare (LIKE prediction INCLUDING DEFAULTS INCLUDING INDEXES)`);
  const { rows: columns } = await pool.query<Column>(`SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = 'bare'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`);
  const names = columns.map(({ name }) => name).join(', ');
  const statement = `INSERT INTO bare (${names}) SELECT * FROM unnest(${columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ')}) ON CONFLICT DO NOTHING`;
  const batches = await batchesOf(pool, columns, rows);
  const startMs = performance.now();
  await Promise.all(Array.from({ length: connections }, async (_, lane) => {
    for (let at = lane; at < batches.length; at += connections) await pool.query(statement, batches[at]);
  }));
  const seconds = (performance.now() - startMs) / 1000;
  const { rows: counted } = await pool.query<{ count: string }>('SELECT count(*) FROM bare');
  if (Number(counted[0]!.count) !== rows) throw new Error(`bare inserts wrote ${counted[0]!.count} of ${rows} rows`);
  await pool.query('DROP TABLE bare');
  return rows / seconds;
}

/** One array a column; JSON as text, because a list of objects would be quoted twice. */
async function batchesOf(pool: pg.Pool, columns: readonly Column[], rows: number): Promise<unknown[][][]> {
  const select = columns.map(({ name, type }) => (type === 'bytea' ? name : `${name}::text`)).join(', ');
  const batches: unknown[][][] = [];
  let after = '00000000-0000-0000-0000-000000000000';
  for (let left = rows; left > 0; left -= ROWS_A_BATCH) {
    const { rows: page } = await pool.query<Row>(`SELECT ${select} FROM prediction WHERE prediction_id > $1 ORDER BY prediction_id LIMIT $2`, [after, Math.min(ROWS_A_BATCH, left)]);
    after = page.at(-1)!['prediction_id'] as string;
    batches.push(page as unknown as unknown[][]);
  }
  // Arriving rows are in no order of their ids: neighbours here would make the index cheaper than it is.
  const all = (batches as unknown as Row[][]).flat().sort((a, b) => ((a['request_id'] as string) < (b['request_id'] as string) ? -1 : 1));
  return Array.from({ length: Math.ceil(all.length / ROWS_A_BATCH) }, (_, index) => {
    const page = all.slice(index * ROWS_A_BATCH, (index + 1) * ROWS_A_BATCH);
    return columns.map(({ name }) => page.map((row) => row[name]));
  });
}
