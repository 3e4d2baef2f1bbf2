import { describe, expect, it } from 'vitest';
import { resultColumns, type ScoredAnswer } from './result-columns.js';

const answer: ScoredAnswer = { predictionId: 'p', outputs: { label: [1], probabilities: [0.25, 0.75] }, score: 0.75, version: '2', fallback: 'rules' };
const outputs = [{ name: 'label', datatype: 'INT64', shape: [-1] }, { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] }];
const rowOf = (columns: ReturnType<typeof resultColumns>): Record<string, unknown> => Object.fromEntries(columns.map(({ name, value }) => [name, value(7, ['x', 'y'], answer)]));

describe('the columns of a result', () => {
  it('are row, id, what is carried through, outputs, score, version, fallback; one value is a value, several are a list', () => {
    const columns = resultColumns([{ name: 'a', type: 'STRING' }, { name: 'b', type: 'DOUBLE' }], [1], outputs, { label: false, probabilities: true });
    expect(columns.map(({ name, type }) => [name, type])).toEqual([['row', 'INT64'], ['prediction_id', 'STRING'], ['b', 'DOUBLE'], ['label', 'INT64'], ['probabilities', 'JSON'], ['score', 'DOUBLE'], ['version', 'STRING'], ['fallback', 'STRING']]);
    expect(rowOf(columns)).toEqual({ row: 7, prediction_id: 'p', b: 'y', label: 1, probabilities: [0.25, 0.75], score: 0.75, version: '2', fallback: 'rules' });
  });

  it('keep every name once: an input column steps aside, an output called score is the score', () => {
    const names = (input: string[], extra: Record<string, boolean> = {}): string[] => resultColumns(input.map((name) => ({ name, type: 'STRING' })), input.map((_, index) => index), outputs, extra).map(({ name }) => name);
    expect(names(['row', 'input_row', 'score'])).toEqual(['row', 'prediction_id', 'input_row', 'input_input_row', 'input_score', 'label', 'probabilities', 'score', 'version', 'fallback']);
    expect(names([], { score: false, extra: false })).toEqual(['row', 'prediction_id', 'label', 'probabilities', 'score', 'extra', 'version', 'fallback']);
  });
});
