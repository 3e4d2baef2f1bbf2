import type { Recomputation } from '../domain/story/resources.js';
import { ask, jsonBody } from '../http.js';
import { table, type Progress } from '../terminal.js';

/** Answers that were drawn by lot and computed again. */
export interface RecomputeReport {
  readonly checked: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly different: readonly Recomputation[];
}

interface Answer {
  readonly checked: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly others: readonly Recomputation[];
}

/** So many at a time: whoever waits sees how far it is. */
const AT_A_TIME = 50;

/** Draws `count` answers by lot, some of them perhaps twice, and lets the ledger compute them again. */
export async function recomputeSample(ledgerUrl: string, count: number, progress: Progress): Promise<RecomputeReport> {
  let report: RecomputeReport = { checked: 0, byStatus: {}, different: [] };
  for (let left = count; left > 0; left -= AT_A_TIME) {
    const answer = await ask<Answer>(`${ledgerUrl}/ledger/v1/recomputations`, jsonBody('POST', { sample: Math.min(left, AT_A_TIME) }));
    report = added(report, answer);
    progress.update(`${report.checked.toLocaleString('en-US')} of ${count.toLocaleString('en-US')} answers computed again`);
    if (answer.checked === 0) break;
  }
  progress.end();
  return report;
}

function added({ checked, byStatus, different }: RecomputeReport, answer: Answer): RecomputeReport {
  const statuses = new Set([...Object.keys(byStatus), ...Object.keys(answer.byStatus)]);
  return {
    checked: checked + answer.checked,
    byStatus: Object.fromEntries([...statuses].map((status) => [status, (byStatus[status] ?? 0) + (answer.byStatus[status] ?? 0)])),
    different: [...different, ...answer.others.filter(({ status }) => status === 'different')],
  };
}

export function renderRecomputed({ checked, byStatus, different }: RecomputeReport): string {
  const rows = Object.entries(byStatus).sort(([, a], [, b]) => b - a).map(([status, count]): [string, number] => [`  ${status.replaceAll('_', ' ')}`, count]);
  const worst = different.map(({ predictionId, explanation }) => `${predictionId}: ${explanation}`);
  return [table([['Answers computed again', checked], ...rows]), '', different.length === 0 ? 'No answer is another one.' : `${different.length} answers are others:`, ...worst].join('\n');
}
