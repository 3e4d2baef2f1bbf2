import { toContractError } from '@throughline/contracts';
import { reject } from '../domain/rejection.js';
import type { FeatureCache } from '../features/feature-cache.js';
import type { Clock } from '../scoring/clock.js';
import { completeFound, fetchFeatures } from '../scoring/feature-stage.js';
import type { LiveRow, RowGroup } from '../scoring/rows.js';
import type { Scheduler } from '../scoring/scheduler.js';
import type { LoadedModel } from '../serving/loaded-model.js';
import type { Breakers } from './breakers.js';
import type { StandIn } from './stand-in.js';

export interface ScoreOnOptions {
  readonly cache: FeatureCache;
  readonly scheduler: Pick<Scheduler, 'run'>;
  readonly breakers: Pick<Breakers, 'allows'>;
  readonly clock: Clock;
}

/** Scores rows on a version that stands in for another; each ends with its batch or a rejection. */
export function scoreOn({ cache, scheduler, breakers, clock }: ScoreOnOptions): (model: LoadedModel, rows: readonly StandIn[]) => Promise<void> {
  return async (model, rows) => {
    if (!breakers.allows(model)) return rejectAll(rows, 'circuit_open', `version ${model.version} has failed too often lately`);
    const startMs = clock.steadyMs();
    try {
      await model.residence();
    } catch (thrown) {
      const { code, message } = toContractError(thrown);
      return rejectAll(rows, code, message);
    }
    completeFound(groupsOf(rows.filter(({ needsStore }) => !needsStore)));
    await fetchFeatures(cache, groupsOf(rows.filter(({ needsStore }) => needsStore)));
    const featuresMs = clock.steadyMs() - startMs;
    for (const row of rows) row.featuresMs = featuresMs;
    const complete = rows.filter(({ rejection }) => rejection === undefined);
    if (complete.length > 0) await scheduler.run(model, complete, rows[0]!.request.lane === 'batch' ? 'batch' : 'prompt');
  };
}

const groupsOf = (rows: readonly LiveRow[]): RowGroup[] => [...Map.groupBy(rows, ({ group }) => group)].map(([group, ofGroup]) => ({ ...group, rows: ofGroup }));

function rejectAll(rows: readonly LiveRow[], ...why: Parameters<typeof reject>): void {
  for (const row of rows) row.rejection = reject(...why);
}
