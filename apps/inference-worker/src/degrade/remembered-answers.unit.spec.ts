import { describe, expect, it } from 'vitest';
import type { OutputColumn, ServedModel } from '../domain/answer.js';
import { RememberedAnswers } from './remembered-answers.js';

const served: ServedModel = { model: 'flights', version: '7', artifactSha256: 'sha', signature: { inputs: [], outputs: [], features: [], task: 'other' }, plan: { features: [], inputs: [], indexOf: new Map() }, lookups: [], runtime: 'test' };
const column = (data: OutputColumn['data'], rowWidth = 1): OutputColumn => ({ name: 'probability', datatype: 'FP32', rowWidth, data });
const answer = (outputs: OutputColumn[], answeredAtMs = 0, outputRow = 0) => ({ served, outputs, outputRow, answeredAtMs });

describe('remembered answers', () => {
  it('are copies of their row: the batch is not kept alive, nor changed values seen', () => {
    const remembered = new RememberedAnswers({ maxAnswers: 10, maxBytes: 1e6 });
    const batch = Float32Array.from({ length: 4096 }, (_, index) => index);
    const model = { ...served, session: batch };
    remembered.set('flights', 'case-1', { ...answer([column(batch, 2), column(['a', 'b', 'c'])], 5, 1), served: model });
    batch.fill(-1);
    const kept = remembered.get('flights', 'case-1')!;
    expect(kept).toEqual({ outputs: [column(Float32Array.of(2, 3), 2), column(['b'])], served, answeredAtMs: 5 });
    expect((kept.outputs[0]!.data as Float32Array).buffer.byteLength).toBe(8);
    expect(kept.served).not.toHaveProperty('session');
  });

  it('are those of the model and the key, the newest of them', () => {
    const remembered = new RememberedAnswers({ maxAnswers: 10, maxBytes: 1e6 });
    for (const atMs of [2, 3, 1]) remembered.set('flights', 'case-1', answer([column(Float32Array.of(atMs))], atMs));
    expect(remembered.get('flights', 'case-1')!.answeredAtMs).toBe(3);
    expect(remembered.get('flights', 'case-2')).toBeUndefined();
    expect(remembered.get('trains', 'case-1')).toBeUndefined();
  });

  it('never exceed their number nor their bytes: the least recently used leave', () => {
    const remembered = new RememberedAnswers({ maxAnswers: 50, maxBytes: 60_000 });
    for (let at = 0; at < 200; at++) {
      remembered.set('flights', `case-${at}`, answer([column(Float32Array.of(at))]));
      remembered.get('flights', 'case-0');
    }
    expect(remembered.size).toBe(50);
    expect(remembered.get('flights', 'case-0')).toBeDefined();
    expect(remembered.get('flights', 'case-100')).toBeUndefined();
    for (let at = 0; at < 50; at++) remembered.set('flights', `wide-${at}`, answer([column(new Float32Array(1000), 1000)]));
    expect(remembered.size).toBe(13);
    expect(remembered.sizeBytes).toBeLessThanOrEqual(60_000);
    remembered.set('flights', 'too wide for all', answer([column(new Float32Array(20_000), 20_000)]));
    expect(remembered.get('flights', 'too wide for all')).toBeUndefined();
  });
});
