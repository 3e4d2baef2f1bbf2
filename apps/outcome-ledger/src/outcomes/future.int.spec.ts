import { eventually } from '@throughline/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { deployment, idOf, outcome, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';
import { codeOf, joinsOf, joinsOnce, recorded } from './testing.js';

vi.setConfig({ testTimeout: 30_000 });

let home: Installation;

beforeAll(async () => {
  home = await install({ OUTCOME_FUTURE_TOLERANCE_SECONDS: '60' });
  await home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment() }]);
  await home.startLedger();
}, 60_000);
afterAll(() => home.close());

it('an outcome that became true after it was received is a dead letter that says by how much, and one within the tolerance of clocks is joined', async () => {
  const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();
  await home.publish('prediction.scored.v1', [{ data: scored('tomorrow') }, { data: scored('soon') }]);
  await recorded(home, 'tomorrow', 'soon');
  await home.publish('outcome.observed.v1', [{ key: 'k', data: outcome('tomorrow', { occurredAt: inSeconds(86_400) }) }, { key: 'k', data: outcome('soon', { occurredAt: inSeconds(30) }) }]);
  expect(await joinsOnce(home, 'soon', 1)).toHaveLength(1);
  const letter = await eventually('the letter', async () => (await home.deadLetters()).find(({ value }) => value?.includes(idOf('tomorrow'))));
  expect(codeOf(letter)).toBe('outcome_in_future');
  expect(letter.headers['dead-letter-reason']?.toString()).toMatch(/data.occurredAt lies 86\d{3} s after the message was received; 60 s are tolerated/);
  expect(await joinsOf(home, 'tomorrow')).toEqual([]);
  expect(await home.sql('SELECT 1 FROM outcome WHERE subject_id = $1', [idOf('tomorrow')])).toEqual([]);
});
