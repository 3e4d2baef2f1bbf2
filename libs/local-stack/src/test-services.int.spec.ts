import { connect } from 'node:net';
import pg from 'pg';
import { expect, it } from 'vitest';

it('every integration spec finds a real Kafka and a real PostgreSQL in its environment', async () => {
  const [host = '', port] = (process.env['KAFKA_BROKERS'] ?? '').split(':');
  await new Promise<void>((resolve, reject) => {
    const socket = connect(Number(port), host, () => {
      socket.destroy();
      resolve();
    }).on('error', reject);
  });
  const client = new pg.Client({ connectionString: process.env['DATABASE_URL'] });
  await client.connect();
  const { rows } = await client.query<{ version: string }>('SELECT version()');
  await client.end();
  expect(rows[0]?.version).toMatch(/^PostgreSQL 18/);
});
