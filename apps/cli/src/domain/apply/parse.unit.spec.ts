import { describe, expect, it } from 'vitest';
import { parseModelFile } from './parse.js';

const problemsOf = (text: string): string[] => (parseModelFile(text).problems ?? []).map(({ line, column, reason, cure }) => `${line}:${column} ${reason} | ${cure ?? ''}`);
const head = 'throughline: 1\nname: m\n';

describe('a fault in a model’s file is told with its line, its column and the cure', () => {
  it.each([
    ['a field that is misspelt', `${head}ownr: ada\n`, '3:1 “ownr” is no field of this file | Did you mean “owner”?'],
    ['a field that is missing', `${head}version:\n  task: other\n`, '3:1 “version” lacks “artifact” | Add artifact'],
    ['a number in quotes', `${head}serving:\n  batching: {maxBatchSize: "64"}\n`, '4:28 “serving.batching.maxBatchSize” must be an integer, not "64"'],
    ['yes in place of true', `${head}retraining:\n  enabled: yes\n`, '4:12 “retraining.enabled” must be a boolean, not "yes" | In YAML 1.2 only true and false are truth values.'],
    ['a word that is none of the choices', `${head}promotion:\n  mode: maybe\n`, '4:9 “promotion.mode” is "maybe", which is none of what may stand here | Write one of immediate, rollout, approval.'],
    ['an unknown kind of fallback', `${head}serving:\n  fallbacks:\n    - kind: luck\n`, '5:7 “serving.fallbacks.0” is a group of fields, which is none of what may stand here | Write one of last_known_good'],
    ['a fallback of a known kind that lacks something', `${head}serving:\n  fallbacks:\n    - kind: last_known_good\n`, '“serving.fallbacks.0” lacks “maxAgeSeconds”'],
    ['a guard out of its bounds', `${head}promotion:\n  mode: rollout\n  rollout: {strategy: canary, guards: [{kind: p99_latency, maxRatio: 0.5}]}\n`, '5:70 “promotion.rollout.guards.0.maxRatio” must be >= 1'],
    ['the same field twice', `${head}name: n\n`, '3:1 Map keys must be unique | Keep one of the two.'],
    ['the environment', `${head}owner: \${OWNER}\n`, '3:8 ${OWNER} would stand here literally'],
    ['a file that is no YAML', `${head}a: [1\n`, 'Flow sequence'],
    ['an empty file', '', '1:1 the file must be an object'],
  ])('%s', (_, text, told) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(told);
  });
});

it('several faults are told in the order of the lines', () => {
  expect(problemsOf('throughline: 2\nname: my model\nowner: 5\n').map((problem) => problem.split(':')[0])).toEqual(['1', '2', '3']);
});

it('numbers, anchors and aliases are read as YAML 1.2 says', () => {
  const { file } = parseModelFile(`${head}version:\n  artifact: a.onnx\n  codeCommit: "012"\n  features:\n    - &f {name: a, kind: numeric, default: 012}\n    - {<<: *f, name: b}\n`);
  expect(file).toBeUndefined();
  const ok = parseModelFile(`${head}version:\n  artifact: a.onnx\n  hyperparameters: {depth: 012, on: no}\n`);
  expect(ok.file?.version?.hyperparameters).toEqual({ depth: 12, on: 'no' });
});
