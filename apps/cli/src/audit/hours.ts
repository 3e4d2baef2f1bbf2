import { setTimeout as pause } from 'node:timers/promises';
import type { CliConfig } from '../config.js';
import type { HourlyBooks } from '../domain/audit-hours.js';
import { ask } from '../http.js';
import type { Progress } from '../terminal.js';

const POLL_MS = 300;

/** Epoch milliseconds of processing time; the ledger's own answer to nothing is the last 24 hours. */
export interface Period {
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

/** Asks the ledger for its books by hour, again until nothing is in flight or the deadline has come. */
export async function auditHours({ LEDGER_URL: url }: Pick<CliConfig, 'LEDGER_URL'>, { fromMs, toMs }: Period, settleMs: number, progress: Progress): Promise<HourlyBooks> {
  const given = Object.entries({ from: fromMs, to: toMs }).flatMap(([name, at]) => (at === undefined ? [] : [[name, new Date(at).toISOString()] as [string, string]]));
  const question = given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
  const deadlineMs = Date.now() + settleMs;
  try {
    for (;;) {
      const books = await ask<HourlyBooks>(`${url}/ledger/v1/books${question}`);
      if (books.total.inFlight === 0 || Date.now() >= deadlineMs) return books;
      progress.update(`waiting for ${books.total.inFlight.toLocaleString('en-US')} in flight, ${Math.ceil((deadlineMs - Date.now()) / 1000)} s at most`);
      await pause(POLL_MS);
    }
  } finally {
    progress.end();
  }
}
