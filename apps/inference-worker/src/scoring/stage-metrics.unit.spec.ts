import { STAGES } from '@throughline/contracts';
import { renderMetrics } from '@throughline/telemetry';
import { afterEach, describe, expect, it } from 'vitest';
import type { Scored } from '../domain/answer.js';
import { StageMetrics } from './stage-metrics.js';

const timingsMs = { transport: 4, queue: 2, features: 1, preprocess: 0.5, inference: 3, postprocess: 0.2, total: 10.7 };
const answer = (more: Partial<Scored['timingsMs']> = {}): Scored => ({ served: { model: 'staged' }, request: { lane: 'stream', requestedAtMs: 1000 }, timingsMs: { ...timingsMs, ...more } }) as unknown as Scored;

let metrics: StageMetrics | undefined;
afterEach(() => metrics?.onModuleDestroy());

const lineOf = async (start: string): Promise<string | undefined> => (await renderMetrics()).split('\n').find((line) => line.startsWith(start));

describe('the stages of predictions in the metrics', () => {
  it('are all counted, each prediction once, beside what the deployment allows', async () => {
    metrics = new StageMetrics(() => ({ inference: 2, publish: 5 }), () => ['staged']);
    metrics.observe([answer(), answer({ inference: 1 }), answer({ inference: 2 })], 6, 1020);
    for (const stage of STAGES) expect(await lineOf(`throughline_stage_duration_seconds_count{model="staged",stage="${stage}"}`)).toMatch(/ 3$/);
    expect(await lineOf('throughline_stage_duration_seconds_sum{model="staged",stage="inference"}')).toMatch(/ 0\.006$/);
    expect(await lineOf('throughline_stage_budget_seconds{model="staged",stage="inference"}')).toMatch(/ 0\.002$/);
    expect(await lineOf('throughline_stage_over_budget_total{model="staged",stage="inference"}')).toMatch(/ 1$/);
    expect(await lineOf('throughline_stage_over_budget_total{model="staged",stage="publish"}')).toMatch(/ 3$/);
    expect(await lineOf('throughline_stage_over_budget_total{model="staged",stage="queue"}')).toBeUndefined();
    expect(await lineOf('throughline_prediction_latency_seconds_sum{model="staged",lane="stream"}')).toMatch(/ 0\.06$/);
  });
});
