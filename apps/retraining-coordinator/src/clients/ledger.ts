import { ContractError } from '@throughline/contracts';
import { exportedRowCount } from '../training/read-export.js';
import { callService, type Peer } from './service-call.js';

/** More rows improve no logistic regression, and must fit into memory. */
const MAX_ROWS = 200_000;
const MAX_HALVINGS = 12;

const JSON_HEADERS = { 'content-type': 'application/json' };

/** The outcome ledger, over its HTTP API. */
export class LedgerClient {
  constructor(private readonly ledger: Peer) {}

  /**
   * Parquet of the newest predictions with outcomes, at most `windowSeconds` of event time back from the newest; less when they would be
   * more than 200,000.
   *
   * @throws ContractError `insufficient_data` when there is none, `unavailable`
   */
  async export(model: string, windowSeconds: number | undefined, signal: AbortSignal): Promise<ArrayBuffer> {
    const newestMs = await this.newestMs(model, signal);
    let spanMs = windowSeconds === undefined ? undefined : windowSeconds * 1000;
    for (let halving = 0; ; halving += 1) {
      const fromMs = spanMs === undefined ? undefined : newestMs - spanMs;
      const parquet = await this.rows(model, fromMs, newestMs, signal);
      if ((await exportedRowCount(parquet)) <= MAX_ROWS || halving === MAX_HALVINGS) return parquet;
      spanMs = (spanMs ?? 365 * 24 * 3600_000) / 2;
    }
  }

  private async newestMs(model: string, signal: AbortSignal): Promise<number> {
    const query = new URLSearchParams({ model, outcome: 'joined', limit: '1' });
    const response = await callService('the ledger', this.ledger, `/ledger/v1/predictions?${query}`, {}, signal);
    const { predictions } = (await response.json()) as { predictions: { occurredAt: string }[] };
    const newestMs = Date.parse(predictions[0]?.occurredAt ?? '');
    if (Number.isNaN(newestMs)) throw new ContractError('insufficient_data', `no prediction of ${model} has an outcome yet`);
    return newestMs;
  }

  private async rows(model: string, fromMs: number | undefined, newestMs: number, signal: AbortSignal): Promise<ArrayBuffer> {
    const from = fromMs === undefined ? {} : { from: new Date(fromMs).toISOString() };
    // The end is exclusive. One row more than wanted tells that there are more.
    const body = { model, ...from, to: new Date(newestMs + 1).toISOString(), joinedOnly: true, limit: MAX_ROWS + 1 };
    const response = await callService('the ledger', this.ledger, '/ledger/v1/exports', { method: 'POST', headers: JSON_HEADERS, body: JSON.stringify(body) }, signal);
    try {
      return await response.arrayBuffer();
    } catch (cause) {
      signal.throwIfAborted();
      throw new ContractError('unavailable', `the ledger's export broke off: ${(cause as Error).message}`, { cause });
    }
  }
}
