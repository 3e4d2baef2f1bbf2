import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { predictionId } from './identity.js';

const directory = new URL('../vectors/', import.meta.url);
const vectorFile = new URL('prediction-id.json', directory);
const vectors = JSON.parse(readFileSync(vectorFile, 'utf8')) as { source: string; id: string; row: number; predictionId: string }[];
const hasPython = spawnSync('python3', ['--version']).status === 0;

describe('predictionId', () => {
  it.each(vectors)('gives the committed id for $source, $id, row $row', ({ source, id, row, predictionId: expected }) => {
    expect(predictionId(source, id, row)).toBe(expected);
  });

  it.runIf(hasPython)('agrees with uuid.uuid5 of Python for any text', () => {
    const cases = fc.sample(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), fc.nat(1000)), 200);
    const script = [
      'import json, sys, uuid',
      'namespace = uuid.UUID("6f1d5f3e-2c55-5c0a-9b1e-7d1f3a0c5b42")',
      'name = lambda s, i, r: f"{s}\\n{i}" if r == 0 else f"{s}\\n{i}\\n{r}"',
      'print(json.dumps([str(uuid.uuid5(namespace, name(*c))) for c in json.load(sys.stdin)]))',
    ].join('\n');
    const theirs: unknown = JSON.parse(execFileSync('python3', ['-c', script], { input: JSON.stringify(cases), encoding: 'utf8' }));
    expect(cases.map(([source, id, row]) => predictionId(source, id, row))).toEqual(theirs);
  });

  it('tells the same id of two sources apart', () => {
    fc.assert(fc.property(fc.uuid(), fc.uuid(), fc.string(), (a, b, id) => a === b || predictionId(a, id) !== predictionId(b, id)));
  });
});
