import { createBus, type Bus } from '@throughline/bus';
import { decodeOrThrow, type EventData } from '@throughline/contracts';
import { eventually, spawnService, type Env, type SpawnedService } from '@throughline/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readSettings } from './config.js';
import { Gate } from './testing/gate.js';
import { deployChampion, publishHistory } from './testing/history.js';
import { installation } from './testing/installation.js';

const ROWS = 1600;
vi.setConfig({ testTimeout: 120_000 });

let env: Env;
let bus: Bus;
let registry: SpawnedService;
let ledger: SpawnedService;
let coordinator: SpawnedService;
let gates: { ledger: Gate; registry: Gate };

beforeAll(async () => {
  env = await installation();
  bus = createBus(readSettings(env), { clientId: 'test' });
  await bus.admin.createTopics();
  [registry, ledger] = await Promise.all([spawnService('model-registry', env), spawnService('outcome-ledger', env)]);
  gates = { ledger: await Gate.before(ledger.url), registry: await Gate.before(registry.url) };
  const { artifactSha256 } = await deployChampion(registry.url, 'late');
  await publishHistory(bus, 'late', artifactSha256, ROWS);
  await eventually('every outcome is joined', async () => {
    const { joined } = (await (await fetch(`${ledger.url}/ledger/v1/summary`)).json()) as { joined: number };
    return joined >= ROWS ? true : undefined;
  });
  coordinator = await startCoordinator();
}, 120_000);

afterAll(async () => {
  await coordinator?.end('SIGKILL');
  gates?.ledger.close();
  gates?.registry.close();
  await Promise.all([registry?.end('SIGKILL'), ledger?.end('SIGKILL')]);
  await bus?.close();
});

const startCoordinator = (): Promise<SpawnedService> => spawnService('retraining-coordinator', { ...env, LEDGER_URL: gates.ledger.url, REGISTRY_URL: gates.registry.url });

/** Also to the broker, so that its successor is ready at once. */
async function killCoordinator(): Promise<void> {
  await coordinator.crash();
}

/** What the lease of a dead runner comes to after fifteen seconds. */
async function leaseRunsOut(): Promise<void> {
  const client = new pg.Client({ connectionString: env['DATABASE_URL']!, options: `-c search_path=${env['DATABASE_SCHEMA_PREFIX']}retraining` });
  await client.connect();
  await client.query(`UPDATE retraining_run SET run = jsonb_set(run::jsonb, '{leaseUntilMs}', '0')::json WHERE finished_at IS NULL`).finally(() => client.end());
}

interface Run {
  readonly runId: string;
  readonly status: string;
  readonly candidateVersion?: string;
}
const startRun = async (): Promise<Run> => {
  const response = await fetch(`${coordinator.url}/retraining/v1/runs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'late' }) });
  return (await response.json()) as Run;
};
const ended = (runId: string): Promise<Run> =>
  eventually('the run ends', async () => {
    const run = (await (await fetch(`${coordinator.url}/retraining/v1/runs/${runId}`)).json()) as Run;
    return ['succeeded', 'failed', 'rejected'].includes(run.status) ? run : undefined;
  });
const versions = async (): Promise<number> => ((await (await fetch(`${registry.url}/registry/v1/models/late/versions`)).json()) as unknown[]).length;
const finished = async (runId: string): Promise<EventData<'retraining.finished.v1'>[]> => {
  const events: EventData<'retraining.finished.v1'>[] = [];
  await bus.admin.scan('retraining.finished.v1', (messages) => void events.push(...messages.map((message) => decodeOrThrow('retraining.finished.v1', message).data)));
  return events.filter((event) => event.runId === runId);
};

describe('a run whose coordinator is killed', () => {
  it('while the ledger answers: is finished by the next coordinator', async () => {
    gates.ledger.set('hold');
    const caught = gates.ledger.caught();
    const { runId } = await startRun();
    await caught;
    await killCoordinator();
    gates.ledger.set('pass');
    coordinator = await startCoordinator();
    expect(await ended(runId)).toMatchObject({ status: 'succeeded' });
    await eventually('the end is published', async () => ((await finished(runId)).length > 0 ? true : undefined));
  });

  it('after the registry took the candidate and before its answer arrived: registers no second one', async () => {
    const before = await versions();
    gates.registry.set('swallow');
    const caught = gates.registry.caught();
    const { runId } = await startRun();
    await caught;
    expect(await versions(), 'the registry has it').toBe(before + 1);
    await killCoordinator();
    // The run before this one has waited for its end.
    await leaseRunsOut();
    gates.registry.set('pass');
    coordinator = await startCoordinator();
    expect(await ended(runId)).toMatchObject({ status: 'succeeded', candidateVersion: String(before + 1) });
    expect(await versions()).toBe(before + 1);
    const ends = await eventually('the end is published', async () => {
      const events = await finished(runId);
      return events.length > 0 ? events : undefined;
    });
    expect(new Set(ends.map(({ candidateVersion }) => candidateVersion))).toEqual(new Set([String(before + 1)]));
  });
});
