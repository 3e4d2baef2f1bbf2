import type { EventData, WireMessage } from '@throughline/contracts';
import type { RunningService } from '@throughline/http';
import { eventually } from '@throughline/testing';
import { idOf } from '../testing/events.js';
import type { Installation } from '../testing/installation.js';

export type Joined = EventData<'outcome.joined.v1'>;

/** What was told of the join of one request, in its order. */
export const joinsOf = async (home: Installation, requestId: string): Promise<Joined[]> =>
  (await home.read('outcome.joined.v1')).filter(({ data }) => data.predictionId === idOf(requestId)).map(({ data }) => data);

/** The same, once there are so many. */
export const joinsOnce = (home: Installation, requestId: string, count: number): Promise<Joined[]> =>
  eventually(`${count} joins of ${requestId}`, async () => {
    const joins = await joinsOf(home, requestId);
    return joins.length >= count && joins;
  });

/** Resolves when the ledger has these predictions. */
export const recorded = (home: Installation, ...requestIds: string[]): Promise<true> =>
  eventually('the predictions', async () => (await home.sql('SELECT 1 FROM prediction WHERE prediction_id = ANY($1)', [requestIds.map(idOf)])).length === requestIds.length);

/** Resolves when the ledger follows this revision of the model's deployment. */
export const declared = (home: Installation, model: string, revision: number): Promise<true> =>
  eventually('the declaration', async () => (await home.sql('SELECT 1 FROM outcome_declaration WHERE model = $1 AND revision = $2', [model, revision])).length === 1);

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers are plain JSON
export const get = async (ledger: RunningService, path: string): Promise<any> => (await fetch(`${ledger.url}${path}`)).json();

export const codeOf = ({ headers }: Pick<WireMessage, 'headers'>): string | undefined => headers['dead-letter-code']?.toString();
