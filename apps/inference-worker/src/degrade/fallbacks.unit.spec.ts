import type { ErrorCode, Fallback, ModelSignature, ServedVersion } from '@throughline/contracts';
import { planPacking } from '@throughline/features';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Scored } from '../domain/answer.js';
import { assignmentOf, type Role } from '../domain/assignment.js';
import { reject } from '../domain/rejection.js';
import { DEFAULT_PRIORITY, type ScoringRequest } from '../domain/scoring-request.js';
import { Passage } from '../scoring/passage.js';
import { rowOf, type LiveRow } from '../scoring/rows.js';
import { Scheduler } from '../scoring/scheduler.js';
import type { LoadedModel } from '../serving/loaded-model.js';
import { numeric, signature } from '../testing/models.js';
import { Fallbacks } from './fallbacks.js';

const described: ModelSignature = signature([numeric('hour')]);
const named = (version: string): ServedVersion => ({ version, artifactSha256: version, sizeBytes: 0, signature: described });

/** How often each version is held in memory. */
const held = new Map<string, number>();
function loaded(version: string): LoadedModel {
  const hold = (by: number) => (): void => void held.set(version, (held.get(version) ?? 0) + by);
  return { model: 'flights', version, artifactSha256: version, signature: described, plan: planPacking(described), lookups: [] as const, runtime: 'test', acquire: hold(1), release: hold(-1) } as unknown as LoadedModel;
}

const GOOD: Fallback = { kind: 'last_known_good', maxAgeSeconds: 60 };
const BEFORE: Fallback = { kind: 'previous_version', served: named('before') };
const RULES: Fallback = { kind: 'rules', served: named('rules') };
const CONSTANT: Fallback = { kind: 'constant', outputs: { probability: [0.5] }, score: 0.4 };

let nowMs: number;
let versions: Map<string, LoadedModel>;
/** Versions that cannot answer either. */
let failing: Set<string>;
let asked: string[];
let fallbacks: Fallbacks;

beforeEach(() => {
  nowMs = 1_000_000;
  versions = new Map(['champion', 'before', 'rules'].map((version) => [version, loaded(version)]));
  failing = new Set();
  asked = [];
  declare(GOOD, BEFORE, RULES, CONSTANT);
});

function declare(...declared: Fallback[]): void {
  const deployment = { model: 'flights', revision: 3, updatedAt: '', champion: named('champion'), challengers: [], shadows: [], fallbacks: declared };
  fallbacks?.onModuleDestroy();
  fallbacks = new Fallbacks({
    fleet: { assignment: (model) => (model === 'flights' ? assignmentOf(deployment, versions, new Set()) : undefined) },
    scoreOn: async (model, rows) => {
      asked.push(`${rows.length} rows on ${model.version}`);
      expect(held.get(model.version)).toBeGreaterThan(0);
      await Promise.resolve();
      const outputs = [{ name: 'probability', datatype: 'FP32', rowWidth: 1, data: Float32Array.from(rows, (row) => row.request.features!['hour'] as number) }];
      const batch = { outputs, size: rows.length, preprocessMs: 0, inferenceMs: 1, startedMs: nowMs, endedMs: nowMs };
      rows.forEach((row, batchRow) => Object.assign(row, failing.has(model.version) ? { rejection: reject('model_failed', '') } : { batch, batchRow, assembled: { values: [row.request.features!['hour']], defaulted: undefined }, featuresMs: 2 }));
    },
    predictMs: (model) => (model.version === 'before' ? 10 : 0),
    clock: { nowMs: () => nowMs, steadyMs: () => nowMs },
    maxRemembered: 100, maxRememberedBytes: 1e6,
  });
}

const request = (more: Partial<ScoringRequest> = {}): ScoringRequest => ({
  lane: 'stream', source: '/test', id: '1', row: undefined, attempt: 0, key: '1', traceparent: undefined, coordinates: undefined, requestedAtMs: nowMs, occurredAt: undefined, occurredAtMs: nowMs, model: 'flights',
  version: undefined, entities: undefined, routingKey: 'case-1', team: undefined, deadlineMs: undefined, priority: DEFAULT_PRIORITY, features: { hour: 7 }, tensors: undefined, ...more,
});
function rejected(code: ErrorCode, more: Partial<ScoringRequest> = {}, role: Role | undefined = 'champion'): LiveRow {
  const row = rowOf({ request: request(more), rejection: undefined }, { nowMs, steadyMs: nowMs }) as LiveRow;
  const served = versions.get('champion')!;
  return Object.assign(row, { rejection: reject(code, 'it failed'), assembled: { values: [1], defaulted: undefined } }, role === undefined ? {} : { group: { served, role, revision: 2, addressed: served, rows: [row], open: 1 } });
}
const good = (routingKey: string | undefined, score: number, more: Partial<Scored> = {}) =>
  ({ state: 'scored', request: request({ routingKey }), served: versions.get('champion')!, role: 'champion', outputs: [{ name: 'probability', datatype: 'FP32', rowWidth: 1, data: Float32Array.of(score) }], outputRow: 0, answeredAtMs: nowMs, fallback: undefined, ...more }) as Scored;

async function rescued(row: LiveRow): Promise<unknown> {
  await fallbacks.rescue([row]);
  return row.rejection?.code ?? { kind: row.fallback!.kind, by: row.answeredBy!.version, value: Array.from(row.batch!.outputs[0]!.data as Float32Array)[row.batchRow] };
}

describe('a rejected request is answered by', () => {
  it('the last good answer for its key, which used none of its features', async () => {
    fallbacks.remember([good('case-1', 0.25)]);
    const row = rejected('model_failed');
    expect(await rescued(row)).toEqual({ kind: 'last_known_good', by: 'champion', value: 0.25 });
    expect(row).toMatchObject({ fallback: { kind: 'last_known_good', reason: 'model_failed', insteadOf: 'champion' }, assembled: undefined, batch: { size: 1, inferenceMs: 0 } });
    expect(asked).toEqual([]);
  });

  it('the version before, with the features as that used them', async () => {
    const row = rejected('circuit_open');
    expect(await rescued(row)).toEqual({ kind: 'previous_version', by: 'before', value: 7 });
    expect(row).toMatchObject({ fallback: { reason: 'circuit_open' }, assembled: { values: [7] }, featuresMs: 2, group: { role: 'champion', revision: 2 } });
  });

  it('the next one when a fallback fails, too, and versions are let go afterwards', async () => {
    failing.add('before');
    expect(await rescued(rejected('model_failed'))).toMatchObject({ kind: 'rules', by: 'rules' });
    failing.add('rules');
    const row = rejected('model_failed');
    expect(await rescued(row)).toEqual({ kind: 'constant', by: 'champion', value: 0.5 });
    expect(row.batch!.score).toBe(0.4);
    expect([...held.values()].every((times) => times === 0)).toBe(true);
  });

  it('nobody when all fallbacks fail: it keeps its own rejection', async () => {
    failing = new Set(['before', 'rules']);
    declare(GOOD, BEFORE, RULES);
    const row = rejected('feature_missing');
    expect(await rescued(row)).toBe('feature_missing');
    expect(row.rejection!.reason).toBe('it failed');
    expect(row.fallback).toBeUndefined();
  });

  it('the constant of the champion that was never loaded', async () => {
    versions.delete('champion');
    versions.delete('before');
    declare(BEFORE, CONSTANT);
    expect(await rescued(Object.assign(rejected('model_not_ready', {}, undefined), { group: undefined }))).toEqual({ kind: 'constant', by: 'champion', value: 0.5 });
  });

  it('nobody but a known fast version, rules or a ready answer when its time is short', async () => {
    const late = (deadlineMs: number) => Object.assign(rejected('deadline_exceeded', { deadlineMs }), { isPredictedLate: true });
    expect(await rescued(late(5))).toMatchObject({ kind: 'rules' });
    expect(await rescued(late(20))).toMatchObject({ kind: 'previous_version' });
    expect(await rescued(rejected('deadline_exceeded', { deadlineMs: 20 }))).toBe('deadline_exceeded');
  });
});

describe('fallbacks', () => {
  it('score the rows of a batch together, each with its own result', async () => {
    fallbacks.remember([good('case-2', 0.75)]);
    const rows = [rejected('model_failed', { features: { hour: 1 } }), rejected('wrong_type'), rejected('model_failed', { routingKey: 'case-2' }), rejected('model_failed', { features: { hour: 3 } }), rejected('model_failed', { version: 'champion' }, 'pinned')];
    await fallbacks.rescue(rows);
    expect(asked).toEqual(['2 rows on before']);
    expect(rows.map(({ rejection, fallback, batch, batchRow }) => rejection?.code ?? [fallback!.kind, (batch!.outputs[0]!.data as Float32Array)[batchRow]])).toEqual([['previous_version', 1], 'wrong_type', ['last_known_good', 0.75], ['previous_version', 3], 'model_failed']);
  });

  it('repeat no answer that is too old, another key’s, a pinned one’s, a shadow’s, or a fallback’s', async () => {
    declare(GOOD);
    fallbacks.remember([good('case-2', 1), good(undefined, 1), good('case-1', 1, { role: 'pinned' }), good('case-1', 1, { role: 'shadow' }), good('case-1', 1, { fallback: { kind: 'constant', reason: 'model_failed', insteadOf: '1' } })]);
    expect(await rescued(rejected('model_failed'))).toBe('model_failed');
    fallbacks.remember([good('case-1', 0.5, { role: 'challenger' })]);
    nowMs += 60_000;
    expect(await rescued(rejected('model_failed'))).toMatchObject({ value: 0.5 });
    nowMs += 1;
    expect(await rescued(rejected('model_failed'))).toBe('model_failed');
  });

  it('keep no answers of models that do not declare it', async () => {
    declare(CONSTANT);
    fallbacks.remember([good('case-1', 1)]);
    expect(fallbacks['remembered'].size).toBe(0);
  });

  it('pass over a constant that the outputs cannot hold', async () => {
    declare({ kind: 'constant', outputs: { probability: ['high'] } }, CONSTANT);
    expect(await rescued(rejected('model_failed'))).toMatchObject({ value: 0.5 });
  });

  it('answer in time what the scheduler predicts to be late, and leave late what is late', async () => {
    const slow = Object.assign(versions.get('champion')!, { isInline: true, maxBatchSize: 4, maxDelayMs: 0, comeBack: () => undefined });
    const run = async (_model: LoadedModel, rows: readonly LiveRow[]): Promise<void> => {
      nowMs += 100;
      for (const row of rows) row.batch = { outputs: [], score: undefined, size: rows.length, preprocessMs: 0, inferenceMs: 100, startedMs: nowMs - 100, endedMs: nowMs };
      await Promise.resolve();
    };
    const scheduler = new Scheduler({ clock: { nowMs: () => nowMs, steadyMs: () => nowMs }, run });
    const plain = (deadlineMs?: number): LiveRow => Object.assign(rejected('internal', { deadlineMs }), { rejection: undefined });
    for (let seen = 0; seen < 5; seen++) await scheduler.run(slow, [plain()], 'prompt');
    const [short, over] = [plain(50), plain(-1)];
    const passage = new Passage([short, over], fallbacks, () => undefined);
    scheduler.submit(slow, [short, over], 'prompt');
    await passage.ended;
    expect(short).toMatchObject({ fallback: { kind: 'previous_version', reason: 'deadline_exceeded' }, rejection: undefined });
    expect(over).toMatchObject({ fallback: undefined, rejection: { code: 'deadline_exceeded' } });
  });
});
