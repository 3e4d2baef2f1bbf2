import type { OutgoingMessage } from '@throughline/bus';
import { ContractError, type ServingReported } from '@throughline/contracts';
import { createLogger } from '@throughline/telemetry';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ServingReports } from './serving-reports.js';
import type { SlotReport } from './slot-report.js';

let held: Map<string, SlotReport>;
let tell: (model: string) => void;
let sent: OutgoingMessage[];
let isDown: boolean;
let reports: ServingReports;

beforeEach(() => {
  [held, sent, isDown] = [new Map([['flights', { revision: 1, warm: ['1'], cold: [] }]]), [], false];
});

afterEach(() => reports.leave());

function start(beatMs: number): void {
  const fleet = { get models() { return [...held.keys()]; }, report: (model: string) => held.get(model), watch: (listener: typeof tell) => void (tell = listener), bringBackStandbys: () => undefined };
  const producer = { send: async (message: OutgoingMessage) => {
    if (isDown) throw new ContractError('unavailable', 'no broker answers');
    sent.push(message);
  } };
  reports = new ServingReports({ fleet, producer, worker: 'w', nowMs: () => 0, logger: createLogger('test', { level: 'silent' }), beatMs });
}

const said = (): ServingReported[] => sent.map(({ value }) => (JSON.parse(value as string) as { data: ServingReported }).data);

it('says the same again with every beat, as a sign of life', async () => {
  start(20);
  await expect.poll(() => said().length).toBeGreaterThan(3);
  expect(said()[0]).toMatchObject({ worker: 'w', model: 'flights', revision: 1, warm: ['1'] });
});

it('says again with the next beat what the brokers did not take', async () => {
  isDown = true;
  start(50);
  tell('flights');
  await new Promise((resolve) => setImmediate(resolve));
  isDown = false;
  await expect.poll(() => said().length).toBeGreaterThan(0);
});

it('makes few messages of many changes, the last of which is said, and none of no change', async () => {
  start(60_000);
  for (let revision = 1; revision <= 1000; revision++) {
    held.set('flights', { revision, warm: ['1'], cold: [] });
    tell('flights');
    if (revision % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await expect.poll(() => said().at(-1)?.revision).toBe(1000);
  const messages = sent.length;
  expect(messages).toBeLessThan(5);
  tell('flights');
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(sent).toHaveLength(messages);
});

it('says goodbye once, and then nothing', async () => {
  start(10);
  await expect.poll(() => said().length).toBeGreaterThan(0);
  reports.leave();
  reports.leave();
  tell('flights');
  const messages = sent.length;
  expect(said().filter(({ leaving }) => leaving)).toHaveLength(1);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(sent).toHaveLength(messages);
});
