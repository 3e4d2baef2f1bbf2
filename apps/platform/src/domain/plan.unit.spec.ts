import { expect, it } from 'vitest';
import { planServices, ROUTES } from './plan.js';

const plan = (workers: number) => planServices({ basePort: 4000, workers, brokers: 'k:1', databaseUrl: 'postgres://d', home: '/h' });

it('every service has a port of its own and the addresses of all others', () => {
  expect(plan(1).map(({ name, port }) => `${name} ${port}`)).toEqual([
    'inference-worker 4001',
    'model-registry 4002',
    'feature-store 4003',
    'outcome-ledger 4004',
    'drift-monitor 4005',
    'retraining-coordinator 4006',
  ]);
  expect(plan(1)[3]?.env).toEqual({
    HOST: '127.0.0.1',
    PORT: '4004',
    KAFKA_BROKERS: 'k:1',
    DATABASE_URL: 'postgres://d',
    THROUGHLINE_HOME: '/h',
    WORKER_URL: 'http://127.0.0.1:4001',
    REGISTRY_URL: 'http://127.0.0.1:4002',
    FEATURE_STORE_URL: 'http://127.0.0.1:4003',
    LEDGER_URL: 'http://127.0.0.1:4004',
    MONITOR_URL: 'http://127.0.0.1:4005',
    RETRAINING_URL: 'http://127.0.0.1:4006',
  });
});

it('further workers take the ports behind the services', () => {
  expect(
    plan(3)
      .slice(6)
      .map(({ name, service, port }) => [name, service, port]),
  ).toEqual([
    ['inference-worker-2', 'inference-worker', 4007],
    ['inference-worker-3', 'inference-worker', 4008],
  ]);
});

it('only the registry logs in as somebody who owns nothing, and only those that call others hold the key for it', () => {
  const keys = { json: '[]', service: 'tl_service_x' };
  const plans = planServices({ basePort: 4000, workers: 2, brokers: 'k:1', databaseUrl: 'postgres://owner', registryDatabaseUrl: 'postgres://runtime', home: '/h', keys });
  const holders = (name: string): string[] => plans.filter(({ env }) => env[name] !== undefined).map((one) => one.name);
  expect(holders('DATABASE_OWNER_URL')).toEqual(['model-registry']);
  expect(plans.map(({ env }) => env['DATABASE_URL']).filter((url) => url === 'postgres://runtime')).toHaveLength(1);
  expect(holders('AUTH_SERVICE_KEY')).toEqual(['inference-worker', 'outcome-ledger', 'retraining-coordinator', 'inference-worker-2']);
  expect(holders('AUTH_KEYS')).toHaveLength(plans.length);
});

it('no public path belongs to two services', () => {
  const prefixes = Object.values(ROUTES).flat();
  expect(new Set(prefixes).size).toBe(prefixes.length);
});
