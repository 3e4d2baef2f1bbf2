import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startService, type RunningService } from '@throughline/http';
import { createLogger } from '@throughline/telemetry';
import { eventually } from '@throughline/testing';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readConfig } from '../config.js';
import { serviceOptions } from '../service.js';
import { deployment, idOf, outcome, rejected, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const DAY_MS = 86_400_000;
const RETENTION_DAYS = 30;
const daysAgo = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();
const dayAgo = (days: number): string => daysAgo(days).slice(0, 10);
const OLD_DAY = dayAgo(40);

let home: Installation;
let running: RunningService[] = [];
let folder: string;

/** An instance with settings of its own; a round of retention begins when it has started. */
async function start(extra: NodeJS.ProcessEnv): Promise<RunningService> {
  const config = readConfig({ ...home.env, ...extra });
  const service = await startService({ ...serviceOptions(config), logger: createLogger('ledger', { level: home.env['LOG_LEVEL'] as string }) });
  running.push(service);
  return service;
}
const stop = async (): Promise<void> => {
  await Promise.all(running.map((service) => service.close()));
  running = [];
};
const retain = (extra: NodeJS.ProcessEnv = {}): Promise<RunningService> => start({ LEDGER_RETENTION_DAYS: String(RETENTION_DAYS), LEDGER_ARCHIVE_DIR: folder, ...extra });
const count = async (from: string, parameters: unknown[] = []): Promise<number> => Number((await home.sql<{ n: string }>(`SELECT count(*) AS n FROM ${from}`, parameters))[0]!.n);
const tables = async (day: string): Promise<string[]> => (await home.sql<{ relname: string }>(`SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname LIKE $1 ORDER BY 1`, [`prediction%\\_${day.replaceAll('-', '')}`])).map(({ relname }) => relname);
const gone = (day: string) => eventually(`${day} to be dropped`, async () => (await tables(day)).length === 0 && (await count('retired_day WHERE dropped_at IS NOT NULL')) > 0);
const files = async (): Promise<string[]> => (await readdir(folder, { recursive: true })).filter((name) => name.includes('.parquet')).sort();
const rowsOf = async (path: string): Promise<Record<string, unknown>[]> => parquetReadObjects({ file: await asyncBufferFromFile(join(folder, path)) });
const story = async (service: RunningService, requestId: string) => {
  const answer = await fetch(`${service.url}/ledger/v1/predictions/${idOf(requestId)}`);
  return { status: answer.status, ...((await answer.json()) as Record<string, unknown>) };
};

/** Forty days ago: two models, a fallback, a rejected request, a shadow, outcomes; and one prediction of today. */
async function fill(): Promise<void> {
  await home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment() }]);
  const service = await start({ LEDGER_RETENTION_DAYS: '0' });
  const requestedAt = daysAgo(40);
  await home.publish('prediction.scored.v1', [
    ...['a', 'b', 'c'].map((id) => ({ data: scored(id, { requestedAt, features: { values: [7, null, 'NaN'] } }) })),
    { data: scored('other', { requestedAt, model: 'a model/of: any name', artifactSha256: 'c'.repeat(64) }) }, { data: scored('today') },
    { data: scored('fell', { requestedAt, features: { values: [] }, fallback: { kind: 'constant', reason: 'model_failed' } }) },
  ]);
  await home.publish('prediction.rejected.v1', [{ data: rejected('refused', { requestedAt }) }]);
  await home.publish('prediction.shadowed.v1', [{ data: scored('a', { requestedAt, version: '2', role: 'shadow', score: 0.25 }) }]);
  await home.publish('outcome.observed.v1', [{ data: outcome('a', { value: false }) }, { data: outcome('a', { sequence: 1 }) }, { data: outcome('today') }, { data: outcome('never') }]);
  await eventually('all of it', async () => (await count('prediction')) === 7 && (await count('prediction_shadow')) === 1 && (await count('prediction_joined')) === 2 && (await count('outcome')) === 4);
  await service.close();
  running = [];
}

beforeEach(async () => {
  [home, folder] = await Promise.all([install(), mkdtemp(join(tmpdir(), 'throughline-archive-'))]);
  await fill();
});
afterEach(async () => {
  await stop();
  await home.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a day that is older than the ledger keeps it', () => {
  it('is archived whole, by model, then dropped, by one of two instances; today stays, and so do the counts', async () => {
    const [service] = await Promise.all([retain(), retain()]);
    await gone(OLD_DAY);
    expect(await files()).toEqual([
      `predictions/model=a%20model%2Fof%3A%20any%20name/day=${OLD_DAY}/part-1.parquet`, `predictions/model=flight-delay/day=${OLD_DAY}/part-1.parquet`, `shadows/model=flight-delay/day=${OLD_DAY}/part-1.parquet`,
    ]);
    const rows = new Map((await rowsOf(`predictions/model=flight-delay/day=${OLD_DAY}/part-1.parquet`)).map((row) => [row['prediction_id'], row]));
    expect([...rows.keys()].sort()).toEqual(['a', 'b', 'c', 'fell', 'refused'].map(idOf).sort());
    expect(rows.get(idOf('a'))).toMatchObject({
      model: 'flight-delay', version: '1', score: 0.75, batch_size: 3n, routing_key: null, day: OLD_DAY, occurred_at: new Date('2001-02-03T04:05:06Z'), 'feature.hour': 7, 'feature.distance': null, 'feature.recent_delay': Number.NaN,
      'joined.outcome': 'true', 'joined.outcome_sequence': 1n, 'joined.correct': true, 'joined.delay_seconds': 18_000,
    });
    expect(JSON.parse(rows.get(idOf('a'))!['entities'] as string)).toEqual({ origin: 'SFO', destination: 'JFK' });
    expect((JSON.parse(rows.get(idOf('a'))!['outcomes'] as string) as { sequence: number }[]).map(({ sequence }) => sequence).sort()).toEqual([0, 1]);
    expect(rows.get(idOf('fell'))).toMatchObject({ fallback_kind: 'constant', 'feature.hour': null });
    expect(rows.get(idOf('refused'))).toMatchObject({ state: 'rejected', code: 'feature_missing', 'joined.outcome': null });
    expect(await count('prediction')).toBe(1);
    expect(await home.sql('SELECT predictions::int, part FROM retired_day')).toEqual([{ predictions: 6, part: 1 }]);
    const summary = (await (await fetch(`${service.url}/ledger/v1/summary`)).json()) as object;
    expect(summary).toMatchObject({ predictions: 6, joined: 2, rejected: 1 });
  });

  it('leaves a story that says so: expired, since when, and in which files it is; an outcome that comes then is kept and counted', async () => {
    const service = await retain();
    await gone(OLD_DAY);
    expect(await story(service, 'b')).toMatchObject({ status: 200, state: 'expired', day: OLD_DAY, expiredAt: expect.any(String), archive: expect.arrayContaining([`predictions/model=flight-delay/day=${OLD_DAY}/part-1.parquet`]) });
    await home.publish('outcome.observed.v1', [{ data: outcome('b') }]);
    await eventually('the outcome', async () => (await count('outcome WHERE subject_id = $1', [idOf('b')])) === 1);
    expect(await home.sql(`SELECT count::int FROM tally WHERE measure = 'outcomes_expired'`)).toEqual([{ count: 1 }]);
    expect(await count('prediction_joined')).toBe(1);
    expect(await (await fetch(`${service.url}/metrics`)).text()).toMatch(/throughline_ledger_outcomes_total\{result="expired"\} 1/);
  });

  it('takes no more rows: an answer that comes so late is a dead letter that says why', async () => {
    await retain();
    await gone(OLD_DAY);
    await home.publish('prediction.scored.v1', [{ data: scored('late', { requestedAt: daysAgo(40) }) }, { data: scored('in time', { requestedAt: daysAgo(RETENTION_DAYS - 1) }) }]);
    await eventually('the other', async () => (await count('prediction WHERE prediction_id = $1', [idOf('in time')])) === 1);
    const letter = await eventually('the letter', async () => (await home.deadLetters()).find(({ value }) => value?.toString().includes(idOf('late'))));
    expect([letter.headers['dead-letter-code']?.toString(), letter.headers['dead-letter-reason']?.toString()]).toEqual(['value_forbidden', expect.stringContaining('30 days')]);
  });

  it('stays, and says so, while its archive cannot be written', async () => {
    await rm(folder, { recursive: true });
    await writeFile(folder, 'not a folder');
    const service = await retain();
    await eventually('the failure', async () => /throughline_retention_failures_total\{step="day"\} [1-9]/.test(await (await fetch(`${service.url}/metrics`)).text()));
    expect(await tables(OLD_DAY)).toHaveLength(3);
    expect(await count('prediction')).toBe(7);
    await stop();
    await rm(folder);
    await retain();
    await gone(OLD_DAY);
    expect(await files()).toHaveLength(3);
  });

  it('is dropped and noted at once, or neither: what ends in between is done by the next, and all the time the story knows its archive', async () => {
    await home.sql(`CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the ledger was killed here'; END $$`);
    await home.sql('CREATE TRIGGER crash BEFORE UPDATE OF dropped_at ON retired_day FOR EACH ROW EXECUTE FUNCTION crash()');
    const service = await retain();
    await eventually('its day to be taken off', async () => (await count(`pg_inherits WHERE inhrelid = 'prediction_${OLD_DAY.replaceAll('-', '')}'::regclass`)) === 0);
    const expired = { state: 'expired', expiredAt: expect.any(String), archive: expect.arrayContaining([expect.stringContaining('part-1.parquet')]) };
    expect(await story(service, 'b')).toMatchObject(expired);
    await stop();
    await home.sql('DROP FUNCTION crash CASCADE');
    const next = await retain();
    await gone(OLD_DAY);
    expect(await story(next, 'b')).toMatchObject(expired);
  });

  it('warns of a model whose outcomes are expected for longer than predictions are kept', async () => {
    await home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment({ revision: 2, updatedAt: '2026-11-21T00:00:01Z', outcome: { maturitySeconds: (RETENTION_DAYS + 1) * 86_400 } }) }]);
    const service = await retain();
    await eventually('the gauge', async () => (await (await fetch(`${service.url}/metrics`)).text()).includes('throughline_maturity_beyond_retention_seconds{model="flight-delay"} 86400'));
  });

  it('goes without holding up anybody: while a reader is at work rows come in, and it goes when the reader has ended', async () => {
    const reader = new pg.Client({ connectionString: home.env['DATABASE_URL'], options: `-c search_path=${home.env['DATABASE_SCHEMA_PREFIX']}outcome_ledger` });
    await reader.connect();
    await reader.query('BEGIN');
    await reader.query('SELECT count(*) FROM prediction');
    await retain();
    await eventually('the attempt', async () => (await count(`pg_inherits WHERE inhdetachpending`)) > 0);
    await home.publish('prediction.scored.v1', [{ data: scored('meanwhile') }]);
    await eventually('the row', async () => (await count('prediction WHERE prediction_id = $1', [idOf('meanwhile')])) === 1);
    await reader.query('COMMIT');
    await reader.end();
    // What was begun is finished by the next instance, or the next round.
    await stop();
    await retain();
    await gone(OLD_DAY);
  });

  it('is forgotten with its keys and outcomes when the days are over that expired ones are known for; so are outcomes that nothing came for', async () => {
    await home.publish('outcome.observed.v1', [{ data: { ...outcome('x'), predictionId: undefined, correlationKey: { model: 'flight-delay', entityRole: 'tail', entityId: 'nobody', from: '2001-03-01T07:00:00Z', to: '2001-03-01T15:00:00Z' } } }]);
    const taking = await start({ LEDGER_RETENTION_DAYS: '0' });
    await eventually('the correlation', async () => (await count('correlation')) === 1);
    await taking.close();
    running = [];
    await home.sql(`UPDATE outcome SET recorded_at = now() - interval '31 days' WHERE subject_id IN (SELECT prediction_id FROM prediction_key WHERE state = 'awaited') OR subject_id IN (SELECT correlation_id FROM correlation)`);
    const service = await retain({ LEDGER_EXPIRED_DAYS: '5' });
    await eventually('the sweep', async () => (await count('retention_sweep')) === 1);
    expect(await home.sql('SELECT prediction_id FROM prediction_key')).toEqual([{ prediction_id: idOf('today') }]);
    expect(await home.sql('SELECT subject_id FROM outcome')).toEqual([{ subject_id: idOf('today') }]);
    expect(await count('correlation')).toBe(0);
    expect(await home.sql(`SELECT measure, count::int FROM tally WHERE measure IN ('unmatched', 'outcomes_expired') ORDER BY 1`)).toEqual([{ measure: 'outcomes_expired', count: 2 }, { measure: 'unmatched', count: 0 }]);
    expect((await story(service, 'a')).status).toBe(404);
    // What went for its age has not vanished.
    for (const period of [`from=${dayAgo(41)}T00:00:00Z&to=${dayAgo(39)}T00:00:00Z`, '']) {
      expect(await (await fetch(`${service.url}/ledger/v1/books?${period}`)).json()).toMatchObject({ total: { vanished: 0, unrecorded: 0 } });
    }
  });
});
