import { ContractError, ERRORS, type ErrorCode } from '@throughline/contracts';
import { readConfig } from '../config.js';
import type { BacktestReport } from '../domain/backtest-text.js';
import { download } from '../download.js';
import { ask, jsonBody } from '../http.js';
import { Looks } from '../looks.js';

export interface Backtest {
  readonly backtestId: string;
  readonly status: 'queued' | 'running' | 'done' | 'failed' | 'cancelled' | 'interrupted';
  readonly progress: { readonly done: number; readonly total: number | null };
  readonly report: BacktestReport | null;
  readonly error: { readonly code: string; readonly reason: string } | null;
}

const LONGEST_PAUSE_MS = 300;
/** A ledger that restarts is away for seconds. */
const PATIENCE_MS = 30_000;

const url = (path = ''): string => `${readConfig(process.env).LEDGER_URL}/ledger/v1/backtests${path}`;

export const startBacktest = (request: object): Promise<Backtest> => ask(url(), jsonBody('POST', request));
export const cancelBacktest = (id: string): Promise<Backtest> => ask(url(`/${id}/cancel`), { method: 'POST' });

/** Looks until it has ended. @throws ContractError with the reason of one that did not come to its end */
export async function finished(started: Backtest, onProgress: (backtest: Backtest) => void): Promise<Backtest & { report: BacktestReport }> {
  let backtest = started;
  let answeredMs = performance.now();
  const looks = new Looks(LONGEST_PAUSE_MS);
  while (backtest.status === 'queued' || backtest.status === 'running') {
    onProgress(backtest);
    await looks.pause();
    try {
      backtest = await ask<Backtest>(url(`/${started.backtestId}`));
      answeredMs = performance.now();
    } catch (error) {
      if (!(error instanceof ContractError && error.retriable) || performance.now() - answeredMs > PATIENCE_MS) throw error;
    }
  }
  if (backtest.status === 'done' && backtest.report !== null) return { ...backtest, report: backtest.report };
  const { code = 'unavailable', reason = 'somebody has cancelled it' } = backtest.error ?? {};
  throw new ContractError(Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'internal', `the backtest ended as ${backtest.status}: ${reason}`, { cure: 'Start it again; the reason says what to mend.' });
}

/** Writes the rows of a backtest that is done; the file is there when it is whole. */
export const downloadRows = async (id: string, path: string): Promise<void> => void (await download(url(`/${id}/rows`), {}, path));
