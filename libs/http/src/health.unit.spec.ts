import { expect, it } from 'vitest';
import { HealthRegistry } from './health.js';

it('a thousand who ask at once cost one check, and the next who asks another', async () => {
  const health = new HealthRegistry();
  let asked = 0;
  health.add('database', () => { asked += 1; });
  health.started();
  const reports = await Promise.all(Array.from({ length: 1000 }, () => health.report()));
  expect([asked, new Set(reports.map(({ status }) => status))]).toEqual([1, new Set(['ok'])]);
  await health.report();
  expect(asked).toBe(2);
});

it('what begins to shut down while it is asked says so', async () => {
  const health = new HealthRegistry();
  health.started();
  health.add('slow', () => new Promise((resolve) => setTimeout(resolve, 20)));
  const report = health.report();
  health.shuttingDown();
  expect((await report).status).toBe('shutting_down');
});
