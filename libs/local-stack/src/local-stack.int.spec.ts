import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultLibsFolder, identify, removeHome, repositoryRoot, startKafka, startPostgres } from './index.js';
import type { LocalKafka, LocalPostgres } from './index.js';

/** Several starts of Kafka, on a machine that may be busy. */
const TIMEOUT_MS = 180_000;

let home = '';
let running: (LocalKafka | LocalPostgres)[] = [];
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'throughline-'))));
afterEach(async () => {
  await Promise.all(running.map((service) => service.stop()));
  running = [];
  await removeHome(home);
}, TIMEOUT_MS);

const note = <T extends LocalKafka | LocalPostgres>(service: T): T => {
  running.push(service);
  return service;
};
const postgres = async () => note(await startPostgres({ home, port: 0 }));
const kafka = async () => note(await startKafka({ home, port: 0, controllerPort: 0, libsFolder: defaultLibsFolder(join(repositoryRoot, '.throughline')) }));

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(sql);
  await client.end();
  return rows;
}

describe('PostgreSQL', { timeout: TIMEOUT_MS }, () => {
  it('finds its data again after a stop', async () => {
    const first = await postgres();
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    expect(await query((await postgres()).url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('finds what was committed again after kill -9 with sessions open', async () => {
    const first = await postgres();
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const session = new pg.Client({ connectionString: first.url });
    session.on('error', () => undefined);
    await session.connect();
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    expect(await query((await postgres()).url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('is not held up by a lock file whose pid belongs to somebody else by now', async () => {
    const first = await postgres();
    await first.stop();
    // Process 1 is always alive and never ours.
    writeFileSync(join(first.dataFolder, 'postmaster.pid'), `1\n${first.dataFolder}\n`);
    expect(await query((await postgres()).url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('wants a password, which is random and readable by its owner only', async () => {
    const { url } = await postgres();
    const file = join(home, 'postgres', 'password');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8').trim()).toHaveLength(32);
    await expect(query(url.replace(/:[^:@/]+@/, ':guess@'), 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  it('says who is using the folder instead of starting twice on it', async () => {
    const first = await postgres();
    const pidFile = join(home, 'postgres', 'postgres.pid');
    const noted = JSON.parse(readFileSync(pidFile, 'utf8')) as { child: unknown };
    writeFileSync(pidFile, JSON.stringify({ ...noted, owner: identify(process.ppid) }));
    await expect(startPostgres({ home, port: 0 })).rejects.toThrow(`PostgreSQL is already running from ${join(home, 'postgres')} (process ${first.pid}`);
  });
});

describe('Kafka', { timeout: TIMEOUT_MS }, () => {
  const clusterId = () => /cluster\.id=(.*)/.exec(readFileSync(join(home, 'kafka', 'data', 'meta.properties'), 'utf8'))?.[1];

  it('stays the same cluster over a stop and a kill -9', async () => {
    const first = await kafka();
    const id = clusterId();
    await first.stop();
    const second = await kafka();
    process.kill(second.pid, 'SIGKILL');
    await second.exited;
    await kafka();
    expect(clusterId()).toBe(id);
  });

  it('names the holder of its port and the setting that moves it', async () => {
    const { brokers } = await kafka();
    const port = Number(brokers.split(':')[1]);
    const other = mkdtempSync(join(tmpdir(), 'throughline-'));
    await expect(startKafka({ home: other, port, controllerPort: 0, libsFolder: defaultLibsFolder(join(repositoryRoot, '.throughline')) })).rejects.toThrow(
      /needs port \d+, which (process \d+ \(.*java.*\)|another process) has\.\n.*LOCAL_KAFKA_PORT/,
    );
    await removeHome(other);
  });
});
