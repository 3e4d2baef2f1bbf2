import { ContractError, decodeEvent, encodeEvent, predictionId, type EventData } from '@throughline/contracts';
import { eventually } from '@throughline/local-stack';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Story } from './domain/story/resources.js';
import { promoteFlightDelay } from './testing/flights.js';
import { install, type Installation } from './testing/installation.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const SOURCE = '/test/producer';
const REQUESTS = 'prediction.requested.v1';
const idOf = (id: string): string => predictionId(SOURCE, id);
const request = (id: string) => ({ topic: REQUESTS, key: id, ...encodeEvent(REQUESTS, { id, source: SOURCE, timeMs: Date.now(), data: { model: 'flight-delay', features: { hour: 7, distance: 2 } } }) }) as const;

interface Listed {
  readonly id: string;
  readonly code: string;
  readonly original: string;
  readonly leftOut?: boolean;
}
let home: Installation;
const listed = async (...filters: string[]): Promise<Listed[]> => JSON.parse((await home.run('dead-letters', 'list', '--json', ...filters)).out) as Listed[];
const replay = (...args: string[]) => home.run('dead-letters', 'replay', ...args);

type Scored = EventData<'prediction.scored.v1'>;
async function scored(): Promise<Scored[]> {
  const found: Scored[] = [];
  await home.bus.admin.scan('prediction.scored.v1', (messages) => {
    for (const message of messages) {
      const decoded = decodeEvent('prediction.scored.v1', message);
      if (decoded.ok) found.push(decoded.data);
    }
  });
  return found;
}
const attemptsOf = async (id: string): Promise<(number | undefined)[]> => (await scored()).filter((data) => data.requestId === id).map(({ attempt }) => attempt);
const story = async (id: string): Promise<Story> => JSON.parse((await home.run('trace', idOf(id), '--json')).out) as Story;
const bystander: number[] = [];

beforeAll(async () => {
  home = await install();
  await Promise.all([home.start('model-registry'), home.start('outcome-ledger')]);
  await promoteFlightDelay(home);
  await home.bus.subscribe({ topic: REQUESTS, group: 'bystander', undecodable: 'handle', handler: async ({ events, undecodable }) => void bystander.push(...events.map(({ attempt }) => attempt), ...undecodable.map(({ attempt }) => attempt)) });
});
afterAll(() => home.close());

it('a request that failed for want of something is scored as attempt 1 when that is there and its dead letter is sent back; no other group gets it', async () => {
  const lacking = await home.bus.subscribe({ topic: REQUESTS, group: 'inference-worker', maxAttempts: 1, handler: () => Promise.reject(new ContractError('model_not_ready', 'no model here yet')) });
  await home.bus.producer.sendAll(['a', 'b', 'c'].map(request));
  expect(await eventually(async () => (await listed()).length === 3, 20_000)).toBe(true);
  await lacking.stop();
  await home.start('inference-worker');
  const [letter] = await listed('--topic', REQUESTS, '--group', 'inference-worker', '--code', 'model_not_ready', '--since', '10m');
  const { code, out } = await replay('--id', letter!.id);
  expect([code, out]).toEqual([0, expect.stringMatching(/dead-letter\.v1\/\d\/\d +model_not_ready +prediction\.requested\.v1\/\d\/\d +inference-worker +1\n1 sent back\./)]);
  expect(await eventually(async () => (await scored()).length === 1, 20_000)).toBe(true);
  const [answer] = await scored();
  expect(answer).toMatchObject({ requestSource: SOURCE, attempt: 1, predictionId: idOf(answer!.requestId) });
  await replay('--code', 'model_not_ready', '--yes');
  expect(await eventually(async () => new Set((await scored()).map(({ requestId }) => requestId)).size === 3, 20_000)).toBe(true);
  expect(bystander).toEqual([0, 0, 0]);
});

it('the same letter sent back twice is the same attempt twice, and one prediction in the ledger', async () => {
  expect(await eventually(async () => (await scored()).length === 4, 20_000)).toBe(true);
  const twice = (await scored()).map(({ requestId }) => requestId).find((id, index, all) => all.indexOf(id) !== index)!;
  expect(await attemptsOf(twice)).toEqual([1, 1]);
  expect(await eventually(async () => (await story(twice)).state === 'scored', 20_000)).toBe(true);
  expect((await story(twice)).request).toMatchObject({ id: twice, attempt: 1 });
});

it('what is still wrong is answered again, and the answer of the higher attempt is the one that counts', async () => {
  const { headers } = request('wrong');
  const value = JSON.stringify({ specversion: '1.0', id: 'wrong', source: SOURCE, type: 'prediction.requested', data: { model: 7 } });
  await home.bus.producer.send({ topic: REQUESTS, key: 'wrong', value, headers });
  expect(await eventually(async () => (await listed('--code', 'schema_invalid')).length === 1, 20_000)).toBe(true);
  expect(await eventually(async () => (await story('wrong')).state === 'rejected', 20_000)).toBe(true);
  expect((await replay('--code', 'schema_invalid')).code).toBe(0);
  expect(await eventually(async () => (await story('wrong')).request?.attempt === 1, 20_000)).toBe(true);
  expect(bystander).toEqual([0, 0, 0, 0]);
});

it('a dry run sends nothing, several need a word, and nobody replays everything by mistake', async () => {
  const before = (await listed('--limit', '0')).length;
  expect(await replay('--group', 'inference-worker', '--dry-run')).toMatchObject({ code: 0, out: expect.not.stringContaining('sent back.') });
  expect(await replay('--group', 'inference-worker')).toMatchObject({ code: 2, err: expect.stringMatching(/nobody can be asked here[^]*--yes/) });
  expect(await replay()).toMatchObject({ code: 2, err: expect.stringContaining('Give --id, or a filter') });
  expect(await replay('--id', 'nonsense')).toMatchObject({ code: 2, err: expect.stringContaining('is no place of a dead letter') });
  expect(await replay('--id', '0/999')).toMatchObject({ code: 2, err: expect.stringContaining('not_found') });
  expect(await replay('--since', 'yesterday')).toMatchObject({ code: 2, err: expect.stringContaining('so long ago') });
  expect((await replay('--code', 'poison')).out).toBe('No dead letters.\n');
  expect((await listed('--limit', '0')).length).toBe(before);
});

it('a letter that could not hold its original says so, and where that is', async () => {
  await home.bus.producer.send({ topic: REQUESTS, key: 'huge', value: 'x'.repeat(900 * 1024 - 200) });
  expect(await eventually(async () => (await listed('--code', 'undecodable')).length === 1, 20_000)).toBe(true);
  const [letter] = await listed('--code', 'undecodable');
  expect(letter).toMatchObject({ leftOut: true, sizeBytes: 900 * 1024 - 200 });
  expect((await home.run('dead-letters', 'list', '--code', 'undecodable')).out).toContain('too large for a dead letter: its 921,400 bytes');
  expect(await replay('--id', letter!.id)).toMatchObject({ code: 1, out: expect.stringMatching(/cannot be sent back: the dead letter of prediction\.requested\.v1\/\d\/\d+ does not hold its 921400 bytes/) });
});
