import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeEvent, encodeEvent, predictionId, type EventData, type EventTopic } from '@throughline/contracts';
import { eventually } from '@throughline/local-stack';
import { logisticRegressionGraph } from '@throughline/onnx';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { AuditReport } from './audit/audit.js';
import type { HourlyBooks } from './domain/audit-hours.js';
import type { Story } from './domain/story/resources.js';
import { install, type Installation } from './testing/installation.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const SOURCE = '/test/producer';
const OWN_TOPIC = 'prediction.requested.v1.team-a';
const idOf = (id: string): string => predictionId(SOURCE, id);

let home: Installation;
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(home.folder, name);
  writeFileSync(path, content);
  return path;
};
const request = (ids: readonly string[], features: Record<string, number> = { hour: 7, distance: 2 }) =>
  home.bus.producer.sendAll(ids.map((id) => ({ topic: 'prediction.requested.v1' as const, key: id, ...encodeEvent('prediction.requested.v1', { id, source: SOURCE, timeMs: Date.now(), data: { model: 'flight-delay', features } }) })));
const audit = async (...args: string[]): Promise<{ code: number | null; report: AuditReport }> => {
  const { code, out, err } = await home.run('audit', '--deep', '--json', ...args);
  if (out === '') throw new Error(err);
  return { code, report: JSON.parse(out) as AuditReport };
};
const auditHours = async (): Promise<{ code: number | null; books: HourlyBooks }> => {
  const { code, out, err } = await home.run('audit', '--json', '--settle', '30');
  if (out === '') throw new Error(err);
  return { code, books: JSON.parse(out) as HourlyBooks };
};
const requestIds = Array.from({ length: 300 }, (_, index) => `r-${index}`);

beforeAll(async () => {
  home = await install();
  await Promise.all([home.start('model-registry'), home.start('outcome-ledger')]);
});
afterAll(() => home.close());

it('models push uploads, says the same for the same, and tells a broken model from a good one', async () => {
  const artifact = file('model.onnx', logisticRegressionGraph({ weights: [1, -1], bias: 0, mean: [0, 0], scale: [1, 1], featureNames: ['hour', 'distance'] }));
  const metadata = file('metadata.json', JSON.stringify({ features: [{ name: 'hour', kind: 'numeric' }, { name: 'distance', kind: 'numeric' }], task: 'binary_classification', score: { output: 'probability', index: 0, threshold: 0.5 }, dataset: { snapshotId: 'test' }, codeCommit: 'test', metrics: { auc: 0.5 } }));
  expect((await home.run('models', 'list')).out).toContain('No models yet');
  const first = await home.run('models', 'push', 'flight-delay', '--artifact', artifact, '--metadata', metadata);
  expect([first.code, first.out]).toEqual([0, expect.stringContaining('flight-delay version 1')]);
  expect((await home.run('models', 'push', 'flight-delay', '--artifact', artifact, '--metadata', metadata)).out).toContain('flight-delay version 1');
  const push = (model: string, path: string) => home.run('models', 'push', model, '--artifact', path, '--metadata', metadata);
  const refused = await Promise.all([push('flight-delay', file('broken.onnx', 'not a model')), push('m', home.folder), push('no name', artifact), push('m', '/nowhere.onnx')]);
  expect(refused).toMatchObject(['artifact_not_onnx', 'it is no file', 'cannot name a model', 'cannot read /nowhere.onnx'].map((reason) => ({ code: 2, err: expect.stringContaining(reason) })));
});

it('models promote makes it serve, unless somebody else was faster', async () => {
  expect((await home.run('models', 'promote', 'flight-delay', '1')).out).toContain('champion of flight-delay is version 1');
  expect((await home.run('models', 'list')).out).toMatch(/flight-delay +1 +1/);
  expect((await home.run('models', 'list', 'flight-delay')).out).toMatch(/^1 +/m);
  expect((await home.run('models', 'promote', 'flight-delay', '1', '--expected', '7')).code).toBe(2);
});

it('audit counts as in flight what no worker has answered yet', async () => {
  await request(requestIds);
  const { code, report } = await audit('--settle', '0');
  expect([code, report]).toEqual([0, expect.objectContaining({ balanced: true, requests: 300, scored: 0, inFlight: 300, missing: 0 })]);
});

it('audit balances once the worker has answered: scored, rejected, undecodable, copies and all', async () => {
  await home.start('inference-worker');
  await request(['r-0', 'r-1']);
  await request(['no-feature'], { hour: 7 });
  await home.bus.producer.send({ topic: 'prediction.requested.v1', key: 'garbage', value: 'not JSON' });
  await home.bus.producer.send({ topic: 'prediction.requested.batch.v1', key: 'bare', value: JSON.stringify({ model: 'nobody', features: {} }) });
  const { code, report } = await audit('--settle', '30');
  expect([code, report]).toEqual([0, expect.objectContaining({ balanced: true, requests: 305, scored: 302, fallback: 0, rejected: 3, inFlight: 0, missing: 0 })]);
  expect((await home.run('audit')).out).toMatch(/The books balance\.$/m);
});

it('outcomes push tells the ledger, by flags and from a file, and trace tells the whole story', async () => {
  expect((await home.run('trace', idOf('r-0'))).out).toContain('scored, its outcome is not known yet');
  expect((await home.run('outcomes', 'push', '--prediction', idOf('r-0'), '--value', 'true', '--source', 'my-system')).code).toBe(0);
  const lines = ['r-1', 'r-2'].map((requestId) => JSON.stringify({ requestSource: SOURCE, requestId, value: false, source: 'file', sequence: 0, occurredAt: new Date().toISOString() }));
  expect((await home.run('outcomes', 'push', '--file', file('outcomes.jsonl', lines.join('\n')))).out).toContain('2 published');
  expect(await eventually(async () => (await audit()).report.outcomes.joined === 3, 20_000)).toBe(true);
  const asked = [['trace', idOf('r-0')], ['trace', idOf('r-0'), '--json'], ['trace', idOf('no-feature')], ['trace', idOf('r-0'), '--emit'], ['trace', idOf('never-asked')]];
  const [told, asJson, rejected, emitted, unknown] = await Promise.all(asked.map((args) => home.run(...args)));
  const { code, out } = told!;
  expect(code).toBe(0);
  for (const part of [/scored, and (right|wrong)/, 'Asked by /test/producer as r-0', 'Answered by flight-delay version 1 as champion', /hour +7/, 'Outcome: true after', 'said my-system', 'threshold 0.5', 'version 1 was the champion and had all of the traffic', /inference +[█▏·]+ +[\d.]+ ms/, 'an estimate']) expect(out).toMatch(part);
  const story = JSON.parse(asJson!.out) as Story;
  expect(story).toMatchObject({ state: 'scored', features: [{ name: 'hour', value: 7 }, { name: 'distance', value: 2 }], outcome: { value: true, source: 'my-system' } });
  expect(rejected!.out).toContain('Rejected: feature_missing');
  const again = await home.run('trace', idOf('r-0'), '--recompute');
  expect(again).toMatchObject({ code: 0, out: expect.stringMatching(/Computed again: equal\n {2}computed again, .* the same bits/) });
  expect(await home.run('audit', '--recompute', '20')).toMatchObject({ code: 0, out: expect.stringMatching(/Answers computed again +\d+\n {2}equal[^]*No answer is another one\./) });
  expect(emitted).toMatchObject({ code: 2, err: expect.stringContaining('OTEL_EXPORTER_OTLP_ENDPOINT') });
  expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining('not_found') });
});

it('outcomes push refuses what the ledger could not use, and publishes nothing of it', async () => {
  const push = (...args: string[]) => home.run('outcomes', 'push', ...args);
  const refused = await Promise.all([push('--prediction', 'nonsense', '--value', '1'), push('--value', '1'), push('--file', '-', '--value', '1'), push('--file', file('bad.jsonl', '{}'))]);
  expect(refused).toMatchObject(['schema_invalid', 'names no prediction', 'cannot be used with', 'line 1'].map((reason) => ({ code: 2, err: expect.stringContaining(reason) })));
});

it('dead-letters list says what, why and where', async () => {
  expect((await home.run('dead-letters', 'list')).out).toMatch(/undecodable +inference-worker +prediction\.requested\.v1/);
  await home.run('outcomes', 'push', '--prediction', idOf('r-5'), '--value', 'late');
  expect(await eventually(async () => (await home.run('dead-letters', 'list')).out.includes('outcome_wrong_type'), 20_000)).toBe(true);
  const { out } = await home.run('dead-letters', 'list', '--group', 'outcome-ledger', '--json');
  expect(JSON.parse(out)).toMatchObject([{ code: 'outcome_wrong_type', group: 'outcome-ledger', original: expect.stringMatching(/^outcome\.observed\.v1\/\d\/\d+$/) }]);
  expect((await home.run('dead-letters', 'list', '--code', 'poison')).out).toContain('No dead letters.');
});

it('audit finds the one request that somebody has deleted from the ledger, and where it is on Kafka', async () => {
  await deleteFromLedger(idOf('r-77'));
  const { code, report } = await audit();
  expect([code, report]).toEqual([1, expect.objectContaining({ balanced: false, requests: 305, scored: 301, missing: 1 })]);
  expect(report.missingRequests).toMatchObject([{ predictionId: idOf('r-77'), source: SOURCE, id: 'r-77', topic: 'prediction.requested.v1' }]);
  const { out } = await home.run('audit', '--deep');
  expect(out).toContain('The books do not balance: 0 missing, 1 vanished.');
  expect(out).toContain('The books do not balance: 1 missing.');
  expect(out).toMatch(new RegExp(`${idOf('r-77')} +prediction\\.requested\\.v1/\\d/\\d+ +/test/producer +r-77`));
});

it('audit by the hour needs no message: requests, answers and outcomes of each topic, and the row that vanished', async () => {
  const { code, books } = await auditHours();
  expect([code, books]).toEqual([1, expect.objectContaining({ balanced: false, total: { inFlight: 0, missing: 0, vanished: 1, unrecorded: 0 } })]);
  expect(books.topics).toContainEqual(expect.objectContaining({ topic: 'prediction.requested.v1', messages: 304, scored: 299, rejected: 2, copies: 2, vanished: 1 }));
  expect(books.topics).toContainEqual(expect.objectContaining({ topic: 'prediction.rejected.v1', messages: 3, recorded: 3 }));
  expect(books.topics).toContainEqual(expect.objectContaining({ topic: 'outcome.observed.v1', messages: 4, joined: 3, deadLetters: 1 }));
  const { out } = await home.run('audit', '--from', '1h');
  expect(out).toMatch(/Requests +hour \(UTC\) +messages +scored/);
  expect(await home.run('audit', '--from', '2026-11-22T00:00:00Z', '--to', '2026-11-21T00:00:00Z')).toMatchObject({ code: 2, err: expect.stringContaining('must be before') });
});

it('audit reads the topics that a deployment has of its own, and tells answers by a fallback from the others', async () => {
  const [deployment] = await read('model.deployment.v1');
  const fallbacks = [{ kind: 'constant' as const, outputs: { probability: [0.5] }, score: 0.5 }];
  const data = { ...deployment!, revision: deployment!.revision + 1, requestTopics: [OWN_TOPIC], fallbacks };
  await home.bus.producer.send({ topic: 'model.deployment.v1', key: data.model, ...encodeEvent('model.deployment.v1', { id: 'own', source: '/test', timeMs: Date.now(), data }) });
  expect(await eventually(async () => home.bus.admin.offsets(OWN_TOPIC).then(() => true, () => false), 20_000)).toBe(true);
  const requests: [string, Record<string, number>][] = [['o-1', { hour: 7, distance: 2 }], ['o-2', { hour: 7, distance: 2 }], ['o-no-feature', { hour: 7 }]];
  await home.bus.producer.sendAll(requests.map(([id, features]) => ({ topic: OWN_TOPIC, key: id, ...encodeEvent('prediction.requested.v1', { id, source: SOURCE, timeMs: Date.now(), data: { model: 'flight-delay', features } }) })));
  const { report } = await audit('--settle', '30');
  expect(report).toMatchObject({ requests: 308, scored: 303, fallback: 1, rejected: 3, missing: 1, topics: expect.arrayContaining([OWN_TOPIC]) });
});

it('audit counts what was answered over HTTP by its answers, and finds the one that is gone', async () => {
  const inputs = [{ name: 'hour', shape: [2], datatype: 'FP32', data: [7, 8] }, { name: 'distance', shape: [2], datatype: 'FP32', data: [1, 2] }];
  const answer = await fetch(`${home.workerUrl}/v2/models/flight-delay/infer`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ inputs }) });
  expect(answer.status).toBe(200);
  const { report } = await audit('--settle', '30');
  expect(report).toMatchObject({ requests: 310, http: 2, scored: 305, fallback: 1, missing: 1 });
  const lost = (await read('prediction.scored.v1')).find(({ lane }) => lane === 'http')!;
  await deleteFromLedger(lost.predictionId);
  const { report: after } = await audit();
  expect(after).toMatchObject({ balanced: false, requests: 310, http: 2, scored: 304, fallback: 1, missing: 2 });
  expect(after.missingRequests).toContainEqual(expect.objectContaining({ predictionId: lost.predictionId, topic: 'prediction.scored.v1' }));
});

/** Everything that is on a topic, the last first. */
async function read<T extends EventTopic>(topic: T): Promise<EventData<T>[]> {
  const found: EventData<T>[] = [];
  await home.bus.admin.scan(topic, (messages) => {
    for (const message of messages) {
      const decoded = decodeEvent(topic, message);
      if (decoded.ok) found.unshift(decoded.data);
    }
  });
  return found;
}

/** By hand: as somebody with the database's password would. */
async function deleteFromLedger(id: string): Promise<void> {
  const { default: pg } = await import('pg');
  const client = new pg.Client(home.env['DATABASE_URL']);
  await client.connect();
  const { rowCount } = await client.query(`DELETE FROM ${home.env['DATABASE_SCHEMA_PREFIX']}outcome_ledger.prediction WHERE prediction_id = $1`, [id]);
  await client.end();
  expect(rowCount).toBe(1);
}
