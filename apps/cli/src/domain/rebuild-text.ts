/** A period whose joins the ledger tells again, as far as this command reads it. */
export interface Rebuild {
  readonly rebuildId: string;
  readonly model: string;
  readonly from: string;
  readonly to: string;
  readonly status: 'running' | 'finished' | 'cancelled';
  readonly total: number;
  readonly seen: number;
  readonly unchanged: number;
  readonly corrected: number;
  readonly unjudged: number;
}

const BAR_WIDTH = 30;
const number = (value: number): string => value.toLocaleString('en-US');

/** How far it is, in one line with a bar. Predictions that came since it began may make it more than all. */
export function rebuildProgress({ seen, total, unchanged, corrected }: Rebuild): string {
  const share = total === 0 ? 1 : Math.min(1, seen / total);
  const bar = '█'.repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '░');
  return `${bar} ${(share * 100).toFixed(0).padStart(3)} %  ${number(seen)} of ${number(total)} predictions, ${number(unchanged + corrected)} joins told`;
}

/** What came of it. */
export function rebuildEnd({ rebuildId, model, from, to, status, seen, unchanged, corrected, unjudged }: Rebuild): string {
  return [
    `${status === 'cancelled' ? 'Cancelled' : 'Finished'}: rebuild ${rebuildId} of ${model}, ${from} to ${to}`,
    `  predictions     ${number(seen)}`,
    `  told as before  ${number(unchanged)} (the same events under the same ids)`,
    `  corrected       ${number(corrected)} (judged otherwise by the declaration of today)`,
    ...(unjudged === 0 ? [] : [`  not told        ${number(unjudged)} (nothing that was said of them counts under the declaration of today)`]),
    ...(seen > 0 ? [] : ['  No prediction of it was answered in that period: --from and --to are event times.']),
  ].join('\n');
}
