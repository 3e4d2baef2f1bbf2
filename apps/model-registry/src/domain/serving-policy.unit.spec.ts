import { ContractError, type ModelSignature, type ServedVersion, type TensorSpec } from '@throughline/contracts';
import { describe, expect, it } from 'vitest';
import { checkFallbacks, resolveFallbacks } from './fallbacks.js';
import { detectFormat } from './format.js';
import { rulesSignature } from './rules.js';
import { readPolicy, type FallbackChoice } from './serving-policy.js';

function refusal(work: () => unknown): ContractError {
  try {
    work();
  } catch (error) {
    if (error instanceof ContractError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('how a model is served', () => {
  it('is taken as the contract has it, versions as numbers', () => {
    const policy = {
      batching: { maxBatchSize: 64, maxDelayMs: 2 }, latencyBudgetMs: { queue: 5, publish: 10 }, breaker: { failureShare: 0.5, openSeconds: 5 },
      requestTopics: ['prediction.requested.v1.team-a', 'prediction.requested.batch.v1.team-a'],
    };
    const fallbacks = [{ kind: 'last_known_good', maxAgeSeconds: 600 }, { kind: 'previous_version' }, { kind: 'previous_version', version: '3' }, { kind: 'rules', version: 5 }, { kind: 'constant', outputs: { p: [0.5] }, score: 0.5 }];
    expect(readPolicy({ ...policy, fallbacks })).toEqual({ ...policy, fallbacks: fallbacks.map((one) => (one.version === '3' ? { ...one, version: 3 } : one)) });
  });

  it.each([
    ['a batch of nothing', { batching: { maxBatchSize: 0 } }, /^batching\.maxBatchSize must be >= 1/],
    ['a misspelt field', { batching: { maxDelayMS: 1 } }, /^batching has an unknown field “maxDelayMS”/],
    ['a stage nobody knows', { latencyBudgetMs: { compute: 1 } }, /^latencyBudgetMs has an unknown field “compute”/],
    ['a budget of no time', { latencyBudgetMs: { inference: 0 } }, /^latencyBudgetMs\.inference must be > 0/],
    ['a share above 1', { breaker: { failureShare: 2 } }, /^breaker\.failureShare must be <= 1/],
    ['a topic that extends none of requests', { requestTopics: ['prediction.scored.v1.team-a'] }, /^requestTopics\.0 must match pattern/],
    ['a topic twice', { requestTopics: ['prediction.requested.v1.a', 'prediction.requested.v1.a'] }, /twice/],
    ['fallbacks that are no list', { fallbacks: {} }, /^fallbacks must be an array/],
    ['a kind nobody knows', { fallbacks: [{ kind: 'hope' }] }, /^fallbacks\.0\.kind must be one of last_known_good, previous_version, rules, constant/],
    ['an answer of any age', { fallbacks: [{ kind: 'last_known_good' }] }, /^fallbacks\.0 must have required property 'maxAgeSeconds'/],
    ['rules without a version', { fallbacks: [{ kind: 'previous_version' }, { kind: 'rules' }] }, /^fallbacks\.1 must have required property 'version'/],
    ['a version that can be none', { fallbacks: [{ kind: 'rules', version: 'latest' }] }, /^fallbacks\.0\.version must be a version/],
    ['something behind a constant', { fallbacks: [{ kind: 'constant', outputs: {} }, { kind: 'previous_version' }] }, /^fallbacks\.0 always answers/],
    ['more fallbacks than anybody reads', { fallbacks: Array(9).fill({ kind: 'previous_version' }) }, /more than 8/],
  ])('is refused with %s; the reason names the field, the cure shows a way', (_, request, reason) =>
    expect(refusal(() => readPolicy(request))).toMatchObject({ code: 'invalid_request', message: expect.stringMatching(reason), cure: expect.stringMatching(/\w/) }));
});

const output = (name: string, datatype: string, ...row: number[]): TensorSpec => ({ name, datatype, shape: [-1, ...row] });
const sklearn = [output('label', 'INT64'), output('probabilities', 'FP32', 2)];
const version = (number: number, outputs: TensorSpec[], more: Partial<ModelSignature> = {}, format: 'onnx' | 'rules' = 'onnx'): ServedVersion => ({
  version: String(number), format, artifactSha256: 'a'.repeat(64), sizeBytes: 1, baselineProfile: { rowCount: 1 },
  signature: { inputs: [], outputs, features: [], task: 'binary_classification', score: { output: outputs.at(-1)!.name, index: 0 }, ...more },
});
const champion = version(9, sklearn, { score: { output: 'probabilities', index: 1 } });

describe('a fallback must answer as the champion does', () => {
  const check = (fallback: FallbackChoice, standIn = champion, of = champion) => checkFallbacks([fallback], of, () => standIn);
  it.each<[string, ServedVersion, RegExp]>([
    ['lacks an output', version(2, [output('label', 'INT64')]), /version 2 has no output “probabilities”/],
    ['gives text for numbers', version(2, [output('label', 'BYTES'), output('probabilities', 'FP32', 2)]), /gives text as “label”, and the champion numbers/],
    ['gives other lengths', version(2, [output('label', 'INT64'), output('probabilities', 'FP32', 3)]), /gives 3 value\(s\) a row as “probabilities”, and the champion 2/],
    ['is rules without the label', version(2, [output('p', 'FP64', 1)], {}, 'rules'), /has no output “label”/],
    ['has no score', { ...champion, version: '2', signature: (({ score: _, ...rest }) => rest)(champion.signature) }, /has no score/],
  ])('a version that %s is refused by name', (_, standIn, reason) =>
    expect(refusal(() => check({ kind: 'previous_version', version: 2 }, standIn))).toMatchObject({ code: 'invalid_request', message: expect.stringMatching(reason), cure: expect.stringContaining('version 9') }));
  it('numbers of another datatype, further outputs, and rules that cannot have what is wider are accepted', () => {
    check({ kind: 'previous_version', version: 2 }, version(2, [output('label', 'INT32', 1), output('probabilities', 'FP64', 2), output('more', 'BYTES')]));
    check({ kind: 'rules', version: 2 }, version(2, [output('label', 'INT64', 1), output('risk', 'FP64', 1)], {}, 'rules'));
  });
  it('rules must be rules', () => expect(refusal(() => check({ kind: 'rules', version: 2 })).message).toMatch(/fallbacks\.0\.version: version 2 is no rules document/));

  it.each<[string, Record<string, unknown[]>, RegExp]>([
    ['names an output that is not there', { label: [0], probabilities: [0, 1], p: [1] }, /has no output “p”/],
    ['leaves one out', { label: [0] }, /lacks “probabilities”/],
    ['has too many values', { label: [0], probabilities: [0.1, 0.2, 0.7] }, /probabilities has 3 value\(s\) in place of 2/],
    ['has text for a number', { label: [0], probabilities: ['0.1', '0.9'] }, /probabilities\.0 is no value of FP32/],
    ['has a fraction for an integer', { label: [0.5], probabilities: [0, 1] }, /label\.0 is no value of INT64/],
  ])('a constant that %s is refused, with the champion’s outputs in the cure', (_, outputs, reason) =>
    expect(refusal(() => check({ kind: 'constant', outputs }))).toMatchObject({ message: expect.stringMatching(reason), cure: expect.stringContaining('“probabilities”, 2 value(s) of FP32') }));
  it('a constant in the champion’s form is accepted', () => check({ kind: 'constant', outputs: { label: ['9007199254740993'], probabilities: [0.8, 0.2] } }));
});

describe('fallbacks as workers get them', () => {
  const versions = [champion, version(1, sklearn), version(2, [output('p', 'FP32', 1)])];
  const resolve = (fallbacks: FallbackChoice[], previous?: number) => resolveFallbacks(fallbacks, champion, previous, (number) => versions.find(({ version: one }) => one === String(number))!);
  it('carry their whole version, without the profile that no fallback counts in', () => {
    const { baselineProfile: _, ...standIn } = versions[1]!;
    expect(resolve([{ kind: 'previous_version', version: 1 }])).toEqual([{ kind: 'previous_version', served: standIn }]);
  });
  it('without a version mean the champion before, if there was one that answers alike', () => {
    expect(resolve([{ kind: 'previous_version' }], 1)).toMatchObject([{ served: { version: '1' } }]);
    expect(resolve([{ kind: 'previous_version' }])).toEqual([]);
    expect(resolve([{ kind: 'previous_version' }], 2)).toEqual([]);
  });
  it('never are the champion itself', () => expect(resolve([{ kind: 'previous_version', version: 9 }, { kind: 'last_known_good', maxAgeSeconds: 1 }])).toEqual([{ kind: 'last_known_good', maxAgeSeconds: 1 }]));
  it('take the score of a constant from its outputs, unless it says another', () => {
    const outputs = { label: [0], probabilities: [0.8, 0.2] };
    expect(resolve([{ kind: 'constant', outputs }])).toEqual([{ kind: 'constant', outputs, score: 0.2 }]);
    expect(resolve([{ kind: 'constant', outputs, score: 0.3 }])).toEqual([{ kind: 'constant', outputs, score: 0.3 }]);
  });
});

describe('rules', () => {
  const document = { throughlineRules: 1, features: [{ name: 'hour', kind: 'numeric' }], outputs: { probability: 'hour >= 17.0 ? 0.4 : 0.15' }, score: 'probability', threshold: 0.5 };
  const signatureOf = (more: object) => rulesSignature(new TextEncoder().encode(JSON.stringify({ ...document, ...more })));
  it('declare their signature', () => expect(signatureOf({})).toMatchObject({ features: document.features, outputs: [{ name: 'probability', datatype: 'FP64' }], score: { output: 'probability', index: 0, threshold: 0.5 } }));
  it.each([
    ['an expression that is none', { outputs: { probability: 'hour >=' } }, /output “probability”, character \d+/],
    ['a feature that takes the score’s name', { features: [{ name: 'score', kind: 'numeric' }], outputs: { p: 'score' }, score: 'p' }, /cannot be called “score”/],
    ['a lookup by a role that is not declared', { features: [{ name: 'hour', kind: 'numeric', from: { view: 'v', viewVersion: 1, feature: 'f', entityRole: 'origin' } }] }, /entity role “origin”/],
    ['a lookup without a view', { features: [{ name: 'hour', kind: 'numeric', from: {} }] }, /features\.0\.from must have required property 'view'/],
  ])('are refused with %s', (_, more, reason) => expect(refusal(() => signatureOf(more))).toMatchObject({ code: 'rules_invalid', message: expect.stringMatching(reason) }));

  it.each([
    ['m.rules.json', 'x', undefined, 'rules'], ['model', ' \n{"a":1}', undefined, 'rules'], ['m.json', 'ï»¿{', undefined, 'rules'],
    ['m.onnx', '\b\n{', undefined, 'onnx'], ['m.rules.json', '{', 'onnx', 'onnx'], ['m', '\b', 'rules', 'rules'],
  ] as const)('are told by name %s, content %j and declaration %s: %s', (fileName, head, declared, format) => expect(detectFormat({ fileName, head, declared })).toBe(format));
});
