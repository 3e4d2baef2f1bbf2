import { expect, it } from 'vitest';
import { table } from '../terminal.js';
import { listCells } from './prediction-list.js';

const row = { predictionId: '7b76029e', state: 'scored', model: 'flight-delay', version: '1', team: null, occurredAt: '2001-02-01T00:00:00.000Z', score: 0.83, code: null, fallback: null, outcome: true, assumed: false, correct: false, totalMs: 3.14 };

it('a listing says of each prediction what was answered, what came of it, and how long it took', () => {
  const text = table(listCells([
    row, { ...row, state: 'rejected', version: null, score: null, code: 'overloaded', outcome: null, assumed: null, correct: null, totalMs: null },
    { ...row, state: 'fallback', fallback: 'constant', outcome: 17.5, correct: null }, { ...row, outcome: false, assumed: true, correct: true }, { ...row, outcome: null, correct: null },
  ]));
  expect(text).toBe(`
prediction  event time            model           answer                       outcome                 took
7b76029e    2001-02-01T00:00:00Z  flight-delay 1  0.8300                       true, wrong             3.1 ms
7b76029e    2001-02-01T00:00:00Z  flight-delay    rejected: overloaded
7b76029e    2001-02-01T00:00:00Z  flight-delay 1  0.8300 (fallback: constant)  17.5                    3.1 ms
7b76029e    2001-02-01T00:00:00Z  flight-delay 1  0.8300                       false (assumed), right  3.1 ms
7b76029e    2001-02-01T00:00:00Z  flight-delay 1  0.8300                       not known yet           3.1 ms`.slice(1));
});
