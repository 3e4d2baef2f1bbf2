import { logisticRegressionGraph } from '@throughline/onnx';
import { describe, expect, it } from 'vitest';
import { METADATA, runRegistry, sklearnFixture } from './testing/harness.js';

const { registry } = await runRegistry();

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
/** What the model of the harness answers. */
const answer = (distance: number, hour: number): number => sigmoid(0.5 * distance - 0.25 * hour);
const upload = (model: string, rows: unknown[], more: object = {}) => registry.upload(model, { metadata: { ...METADATA, golden: { rows, ...more } } });

describe('golden inputs', () => {
  it('that the graph answers as promised travel with the version, by name and by position, with defaults filled in', async () => {
    const features = [METADATA.features[0], { ...METADATA.features[1], default: 6 }];
    const rows = [{ features: { distance: 1, hour: 2 }, outputs: { probability: [answer(1, 2)] } }, { features: [4, 2], outputs: { probability: [answer(4, 2)] } }, { features: { distance: 2 } }];
    const { status, body } = await registry.upload('promised', { metadata: { ...METADATA, features, golden: { rows, absoluteTolerance: 0.001 } } });
    expect([status, body.golden]).toMatchObject([201, { absoluteTolerance: 0.001, rows: [{ values: [1, 2] }, { values: [4, 2] }, { values: [2, 6] }] }]);
    expect(body.golden.rows[2].outputs.probability[0]).toBeCloseTo(answer(2, 6), 5);
    await registry.put('/models/promised/aliases/champion', { version: '1' });
    expect((await registry.get('/models/promised/deployment')).body.champion.golden).toEqual(body.golden);
    expect(body.metadata.golden.rows).toEqual(rows);
  });

  it('without outputs are frozen as the graph answers them', async () => {
    const { body } = await registry.upload('frozen', {
      artifact: await sklearnFixture('sklearn-tensor'),
      metadata: { ...METADATA, features: ['a', 'b', 'c', 'd'].map((name) => ({ name, kind: 'numeric' })), golden: { rows: [{ features: [1, 2, 3, 4] }] } },
    });
    expect(body.golden.rows).toEqual([{ values: [1, 2, 3, 4], outputs: { label: [expect.any(Number)], probabilities: [expect.any(Number), expect.any(Number)] } }]);
  });

  it('that the graph answers otherwise name row, output, what came and what was promised, and nothing is kept', async () => {
    expect(await upload('broken', [{ features: [1, 2], outputs: { probability: [answer(1, 2)] } }, { features: [9, 2], outputs: { probability: [0.25] } }])).toMatchObject({
      status: 422, body: { code: 'artifact_golden_mismatch', detail: expect.stringMatching(/golden row 1 answers “probability” with \[0\.98\d+\], not \[0\.25\]/), cure: expect.stringMatching(/\w/) },
    });
    expect((await registry.get('/models/broken')).status).toBe(404);
  });

  it.each([
    ['an unknown feature', [{ features: { wind: 1 } }], /golden\.rows\.0\.features: there is no feature “wind”/],
    ['a missing feature', [{ features: { distance: 1 } }], /golden\.rows\.0\.features: .*“hour”/],
    ['too few values', [{ features: [1] }], /golden\.rows\.0\.features has 1 values for 2 features/],
    ['a text for a number', [{ features: ['far', 1] }], /golden\.rows\.0\.features: “distance” must be a number/],
    ['an unknown output', [{ features: [1, 2], outputs: { score: [1] } }], /golden\.rows\.0\.outputs: there is no output “score”/],
    ['no rows', [], /golden\.rows/],
    ['a misspelt field', [{ values: [1, 2] }], /golden\.rows\.0/],
  ])('with %s are refused, and the reason says where', async (_, rows, reason) => {
    expect(await upload('malformed', rows)).toMatchObject({ status: 400, body: { code: 'invalid_request', detail: expect.stringMatching(reason), cure: expect.stringMatching(/\w/) } });
    expect((await registry.get('/models/malformed')).status).toBe(404);
  });

  it('too large for an event are refused', async () => {
    const names = Array.from({ length: 500 }, (_, index) => `feature_${index}`);
    const zeros = names.map(() => 0);
    const artifact = logisticRegressionGraph({ weights: zeros, bias: 0, mean: zeros, scale: names.map(() => 1), featureNames: names });
    const rows = Array.from({ length: 32 }, (_, row) => ({ features: names.map((_name, index) => row + index / 7) }));
    expect(await registry.upload('large', { artifact, metadata: { ...METADATA, features: names.map((name) => ({ name, kind: 'numeric' })), golden: { rows } } })).toMatchObject({ status: 400, body: { detail: expect.stringMatching(/golden rows take \d+ bytes/) } });
  });

  it('of rules are answered by the rules', async () => {
    const send = (probability: number) => {
      const form = new FormData();
      form.set('artifact', new Blob([JSON.stringify({ throughlineRules: 1, features: METADATA.features, outputs: { probability: 'hour >= 17.0 ? 0.4 : 0.15' }, score: 'probability' })]), 'model.rules.json');
      form.set('metadata', JSON.stringify({ golden: { rows: [{ features: { distance: 1, hour: 18 }, outputs: { probability: [probability] } }] } }));
      return registry.send('golden-rules', form);
    };
    expect(await send(0.15)).toMatchObject({ status: 422, body: { code: 'artifact_golden_mismatch' } });
    expect(await send(0.4)).toMatchObject({ status: 201, body: { golden: { rows: [{ values: [1, 18], outputs: { probability: [0.4] } }] } } });
  });

  it('are part of what makes an upload the same', async () => {
    const answers = [await registry.upload('same-golden'), await upload('same-golden', [{ features: [1, 2] }]), await upload('same-golden', [{ features: [1, 2] }])];
    expect(answers.map(({ status, body }) => [status, body.version])).toEqual([[201, '1'], [201, '2'], [200, '2']]);
  });
});
