import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeEvent, predictionId } from '@throughline/contracts';
import { eventually } from '@throughline/local-stack';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { flights, promoteFlightDelay } from './testing/flights.js';
import { install, type Installation } from './testing/installation.js';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 180_000 });

let home: Installation;
const all = flights(400);
const SOURCE = '/test/producer';
const PERIOD = ['--from', '2001-01-01', '--to', '2001-02-01'];
const RULES = { throughlineRules: 1, features: [{ name: 'hour', kind: 'numeric' }], outputs: { probability: 'hour >= 12.0 ? 0.9 : 0.1' }, score: 'probability', threshold: 0.5 };

beforeAll(async () => {
  home = await install();
  await Promise.all([home.start('model-registry'), home.start('outcome-ledger')]);
  await promoteFlightDelay(home);
  await fetch(`${home.env['REGISTRY_URL']}/registry/v1/models/flight-delay/policy`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ outcome: { valueMicroUsd: { truePositive: 5_000_000, falsePositive: -1_000_000 } }, costCeilingMicroUsd: 0.000001, author: 'ada' }) });
  await home.start('inference-worker');
  await home.bus.producer.sendAll(all.map(({ flight, hour, distance }) => ({ topic: 'prediction.requested.v1' as const, key: flight, ...encodeEvent('prediction.requested.v1', { id: flight, source: SOURCE, timeMs: Date.UTC(2001, 0, 5), data: { model: 'flight-delay', features: { hour, distance }, routingKey: flight, team: 'pricing', occurredAt: '2001-01-05T00:00:00Z' } }) })));
  await home.bus.producer.sendAll(all.map(({ flight, hour }) => ({ topic: 'outcome.observed.v1' as const, key: flight, ...encodeEvent('outcome.observed.v1', { id: `o-${flight}`, source: SOURCE, timeMs: Date.UTC(2001, 0, 6), data: { predictionId: predictionId(SOURCE, flight), value: hour >= 10, source: 'arrivals', sequence: 0, occurredAt: '2001-01-06T00:00:00Z' } }) })));
  const joined = async (): Promise<boolean> => ((await (await fetch(`${home.env['LEDGER_URL']}/ledger/v1/summary`)).json()) as { joined: number }).joined === all.length;
  if (!(await eventually(joined, 60_000))) throw new Error('the outcomes were not joined');
});
afterAll(() => home.close());

it('backtest tries rules on the predictions of a period and writes what they would have done', async () => {
  const [file, output] = [join(home.folder, 'rules.json'), join(home.folder, 'rows.parquet')];
  writeFileSync(file, JSON.stringify(RULES));
  const { code, out } = await home.run('backtest', 'flight-delay', '--rules', file, ...PERIOD, '--output', output);
  expect(code).toBe(0);
  expect(out).toContain('400 predictions of the period, 400 with a known outcome; scored by the rules: 400.');
  expect(out).toMatch(/^ {2}1 +champion +400 +400/m);
  expect(out).toMatch(/difference +\$\d+\.\d\d \(\$\d+\.\d\d to \$\d+\.\d\d\)/);
  expect(out).toContain(`Rows: ${output}`);
  const rows = await parquetReadObjects({ file: new Uint8Array(readFileSync(output)).buffer });
  const hours = new Map(all.map(({ flight, hour }) => [predictionId(SOURCE, flight), hour]));
  expect(rows).toHaveLength(400);
  expect(rows.every((row) => row['candidate_decision'] === Number(hours.get(row['prediction_id'] as string)! >= 12))).toBe(true);
});

it('backtest of the version that answered differs from it nowhere', async () => {
  const { code, out } = await home.run('backtest', 'flight-delay', '--version', '1', ...PERIOD, '--json');
  expect([code, JSON.parse(out)]).toMatchObject([0, { status: 'done', report: { candidate: { decisions: { agree: 400, differ: 0 }, ifIndependent: { difference: { value: 0 } } } } }]);
});

it('backtest says what cannot be tried, and why', async () => {
  expect(await home.run('backtest', 'flight-delay', '--version', '9', ...PERIOD)).toMatchObject({ code: 2, err: expect.stringContaining('unknown_version') });
  expect(await home.run('backtest', 'flight-delay', ...PERIOD)).toMatchObject({ code: 2, err: expect.stringContaining('Name one of --version and --rules') });
  expect(await home.run('backtest', 'flight-delay', '--rules', '/nowhere', ...PERIOD)).toMatchObject({ code: 2, err: expect.stringContaining('cannot read /nowhere') });
  expect(existsSync(join(home.folder, 'rows.parquet.partial'))).toBe(false);
});

it('costs tells what predictions cost, what they were worth, and which are over the ceiling of their model', async () => {
  const { code, out } = await home.run('costs', '--by', 'model,team');
  expect(code).toBe(0);
  expect(out).toMatch(/^flight-delay +pricing +400 .* 100\.0 % +-?\$[\d,.]+ +-?\$[\d,.]+ +over its ceiling$/m);
  expect(JSON.parse((await home.run('costs', '--json', '--by', 'version', '--model', 'flight-delay')).out)).toMatchObject({ estimate: true, lines: [{ version: '1', predictions: 400, outcomes: { known: 400, valued: 400 }, overCeiling: true }] });
  expect(await home.run('costs', '--by', 'colour')).toMatchObject({ code: 2, err: expect.stringContaining('colour') });
});
