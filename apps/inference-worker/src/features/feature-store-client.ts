import { ContractError } from '@throughline/contracts';
import type { FeatureScalar } from '@throughline/features';
import { bearer } from '@throughline/settings';
import type { StoredValues } from '../domain/stored-features.js';

/** What to read of one view: these features of these entities. */
export interface ViewRead {
  readonly view: string;
  readonly viewVersion: number;
  readonly entityType: string;
  readonly features: readonly string[];
  readonly entityIds: readonly string[];
}

interface OnlineAnswer {
  readonly metadata: { readonly feature_names: readonly string[] };
  readonly results: readonly { readonly values: readonly FeatureScalar[]; readonly statuses: readonly string[]; readonly event_timestamps: readonly string[]; readonly sequences?: readonly number[] }[];
}

/** The store did not answer, in time or at all; other stores of its kind would have. */
export class StoreOutage extends ContractError {
  constructor(reason: string, options?: ErrorOptions) {
    super('unavailable', reason, options);
  }
}

/** The store refuses answers of more cells. */
const MAX_CELLS = 200_000;

/** Reads current values from the feature store, in the words of Feast's feature server. */
export class FeatureStoreClient {
  constructor(private readonly options: { readonly url: string; readonly timeoutMs: number; readonly serviceKey?: string | undefined }) {}

  /**
   * Values by entity id; `null` for an entity that the store does not know.
   *
   * @throws ContractError `unavailable` when the store does not answer as agreed; StoreOutage when it does not answer in time or at all.
   */
  async read(wanted: ViewRead): Promise<Map<string, StoredValues | null>> {
    const found = new Map<string, StoredValues | null>();
    const rowsPerRequest = Math.floor(MAX_CELLS / wanted.features.length);
    for (let start = 0; start < wanted.entityIds.length; start += rowsPerRequest) {
      const entityIds = wanted.entityIds.slice(start, start + rowsPerRequest);
      const answer = await this.post({ ...wanted, entityIds });
      entityIds.forEach((entityId, row) => found.set(entityId, storedValuesOf(answer, wanted.features, row)));
    }
    return found;
  }

  private async post({ view, viewVersion, entityType, features, entityIds }: ViewRead): Promise<OnlineAnswer> {
    const body = { features: features.map((feature) => `${view}@${viewVersion}:${feature}`), entities: { [entityType]: entityIds }, full_feature_names: false };
    try {
      const response = await fetch(`${this.options.url}/get-online-features`, {
        method: 'POST', headers: { 'content-type': 'application/json', ...bearer(this.options.serviceKey) }, body: JSON.stringify(body), signal: AbortSignal.timeout(this.options.timeoutMs),
      });
      const reason = `the feature store answered ${response.status} for view ${view}@${viewVersion}`;
      if (response.status >= 500) throw new StoreOutage(reason);
      const answer: unknown = response.ok ? await response.json() : undefined;
      if (isAnswer(answer, entityIds.length)) return answer;
      throw new ContractError('unavailable', reason);
    } catch (cause) {
      if (cause instanceof ContractError) throw cause;
      throw new StoreOutage(`the feature store does not answer: ${(cause as Error).message}`, { cause });
    }
  }
}

function storedValuesOf({ metadata, results }: OnlineAnswer, features: readonly string[], row: number): StoredValues | null {
  const values: Record<string, FeatureScalar> = {};
  let stored: StoredValues | null = null;
  for (const feature of features) {
    const column = results[metadata.feature_names.indexOf(feature)];
    if (column === undefined || column.statuses[row] === 'NOT_FOUND') continue;
    values[feature] = column.values[row] ?? null;
    stored ??= { values, eventTimeMs: Date.parse(column.event_timestamps[row]!), sequence: column.sequences?.[row] ?? 0 };
  }
  return stored;
}

function isAnswer(answer: unknown, rowCount: number): answer is OnlineAnswer {
  const { metadata, results } = (answer ?? {}) as Partial<OnlineAnswer>;
  return Array.isArray(metadata?.feature_names) && Array.isArray(results) && results.every((column) => column.values?.length === rowCount && column.statuses?.length === rowCount && column.event_timestamps?.length === rowCount);
}
