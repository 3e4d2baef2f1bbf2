import { createHash } from 'node:crypto';
import type { RunningService } from '@throughline/http';
import { eventually } from '@throughline/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Installation } from '../../../testing/harness.js';
import type { RolloutReport } from '../report/rollout-report.js';
import { joined, MODEL, scored } from '../testing/events.js';
import { publish } from '../testing/publish.js';
import { insertRollout, ROLLOUT } from '../testing/rollout-rows.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let installed: Installation;
let service: RunningService;
const get = (path: string): Promise<Response> => fetch(`${service.url}/registry/v1/models/${path}`);
const read = async (): Promise<RolloutReport> => (await (await get(`${MODEL}/rollouts/${ROLLOUT}/report`)).json()) as RolloutReport;

beforeAll(async () => {
  installed = await Installation.create();
  service = await installed.start();
  await insertRollout(installed);
});
afterAll(async () => {
  await service.close();
  await installed.remove();
});

it('the report follows what is published, its development included, and the page shows it under its own policy', async () => {
  const place = (n: number) => ({ routingKey: `case-${n % 90}`, score: (n % 100) / 100, ...(n % 3 === 0 ? { version: '2', role: 'challenger' as const } : {}) });
  for (const part of [0, 1, 2]) {
    const numbers = Array.from({ length: 600 }, (_, index) => part * 600 + index);
    await publish(installed.bus, 'prediction.scored.v1', numbers.map((n) => scored(`p${n}`, place(n))));
    await publish(installed.bus, 'outcome.joined.v1', numbers.map((n) => joined(`p${n}`, { ...place(n), outcome: n % 4 === 0 })));
    await eventually('the report has all of it', async () => (await read()).development.points.at(-1)?.outcomes === (part + 1) * 600);
    await eventually('it is kept', async () => (await installed.sql(`SELECT 1 FROM rollout_points WHERE outcomes = ${(part + 1) * 600}`)).length === 1);
  }
  const report = await read();
  expect(report).toMatchObject({ model: MODEL, strategy: 'canary', candidate: '2', champion: '1', status: 'promoted', arms: { champion: { answers: 1200, outcomes: 1200 }, candidate: { answers: 600, outcomes: 600 } } });
  expect(report.development.points.length).toBeGreaterThanOrEqual(3);
  expect(report.steps.map(({ step, share, revision }) => [step, share, revision])).toEqual([[1, 0.2, 2], [2, 1, 3]]);
  expect(report.outcomes.map(({ measure }) => measure)).toEqual(['wrong', 'squared_error', 'absolute_error', 'value']);

  const page = await get(`${MODEL}/rollouts/${ROLLOUT}/report.html`);
  const html = await page.text();
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const style = /<style>([^]*)<\/style>/.exec(html)![1]!;
  expect(page.headers.get('content-security-policy')).toContain(`style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`);
  expect(html.match(/<svg /g)).toHaveLength(3);
});

it.each(['report', 'report.html'])('…/%s of a rollout that nobody knows is a problem that says how to find one', async (name) => {
  for (const path of [`${MODEL}/rollouts/00000000-0000-4000-8000-000000000000`, `${MODEL}/rollouts/x`, `none/rollouts/${ROLLOUT}`]) {
    const answer = await get(`${path}/${name}`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([404, expect.stringContaining('application/problem+json')]);
    expect(await answer.json()).toMatchObject({ code: 'not_found' });
  }
});

it('says which worker holds what, as the workers report it', async () => {
  expect((await get('nobody/serving')).status).toBe(404);
  expect(await (await get(`${MODEL}/serving`)).json()).toEqual([]);
  const report = { worker: 'w-1', model: MODEL, revision: 3, warm: ['2'], cold: [{ version: '1' }], reportedAt: new Date().toISOString() };
  await publish(installed.bus, 'serving.reported.v1', [report]);
  await eventually('it is heard', async () => ((await (await get(`${MODEL}/serving`)).json()) as unknown[]).length === 1);
  expect(await (await get(`${MODEL}/serving`)).json()).toEqual([report]);
  await publish(installed.bus, 'serving.reported.v1', [{ ...report, leaving: true }]);
  await eventually('it is gone', async () => ((await (await get(`${MODEL}/serving`)).json()) as unknown[]).length === 0);
});
