import type { EventData } from '@throughline/contracts';
import { emptySetLike, observe, type ProfileSet } from '@throughline/stats';
import type { Baseline } from './baseline.js';
import { judgeData } from './data-drift.js';
import type { Judgement } from './judgement.js';
import type { Thresholds } from './monitoring.js';
import type { JoinedOutcome } from './quality.js';
import { countAnswer, noAnswers, type Service, type ServingCounts } from './serving.js';

interface Counted {
  readonly predictionId: string;
  readonly model: string;
  readonly version: string;
  readonly eventTimeMs: number;
}
export interface ScoredPrediction extends Counted, Service {
  readonly values: EventData<'prediction.scored.v1'>['features']['values'];
  readonly score: number | undefined;
}
export type JoinedPrediction = Counted & JoinedOutcome;

/** How windows of features and scores count and judge. `counts` is plain JSON; undefined is an empty window. */
export const DATA = {
  add: (counts: ProfileSet | undefined, predictions: readonly ScoredPrediction[], { profile, featureNames }: Baseline): ProfileSet => {
    const window = counts ?? emptySetLike(profile ?? { rowCount: 0, features: {}, outputs: {} });
    for (const { values, score } of predictions) {
      window.rowCount += 1;
      for (const [index, name] of featureNames.entries()) if (window.features[name] !== undefined) observe(window.features[name], values[index]);
      if (window.outputs['score'] !== undefined) observe(window.outputs['score'], score);
    }
    return window;
  },
  judge: (window: ProfileSet, { profile }: Baseline, thresholds: Thresholds): Judgement[] => (profile === undefined ? [] : judgeData(profile, window, thresholds)),
};

/** Whether an answer says something about the champion: those of fallbacks do not. */
export const isOfChampion = ({ role, fallback }: Service): boolean => role === 'champion' && fallback === undefined;

export function addAnswers(counts: ServingCounts | undefined, predictions: readonly ScoredPrediction[]): ServingCounts {
  const window = counts ?? noAnswers();
  for (const prediction of predictions) countAnswer(window, prediction);
  return window;
}
