/** What the ledger says of a model's labels, as far as this command reads it. */
export interface LabelsAnswer {
  readonly model: string;
  readonly from: string;
  readonly to: string;
  readonly now: string;
  readonly maturitySeconds: number | null;
  readonly total: Standing;
  readonly versions: readonly (Standing & { readonly version: string })[];
}

interface Quantile {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

export interface Standing {
  readonly predictions: number;
  readonly labelled: number;
  readonly assumed: number;
  readonly matured: number | null;
  readonly immature: number | null;
  readonly overdue: number | null;
  readonly coverage: { readonly share: number; readonly low: number; readonly high: number } | null;
  readonly delay: { readonly medianSeconds: Quantile | null; readonly p90Seconds: Quantile | null };
  readonly knownAfter: readonly { readonly seconds: number; readonly share: number | null; readonly low: number | null; readonly high: number | null }[];
}

/** Rows of a table, the head first. */
export function labelRows({ versions, total }: LabelsAnswer): (string | number)[][] {
  const row = (name: string, { predictions, labelled, assumed, immature, overdue, coverage, delay }: Standing): (string | number)[] => [
    name, predictions, labelled, assumed, immature ?? '-', overdue ?? '-', coverage === null ? '-' : percent(coverage.share), quantile(delay.medianSeconds), quantile(delay.p90Seconds),
  ];
  return [
    ['version', 'predictions', 'labelled', 'assumed', 'immature', 'overdue', 'coverage', 'median delay', 'p90 delay'],
    ...versions.map((standing) => row(standing.version, standing)), ...(versions.length > 1 ? [row('all', total)] : []),
  ];
}

const BAR_WIDTH = 40;

/** The share of labels known after each delay: a bar with the interval's ends, and the numbers. */
export function labelPlot({ total }: LabelsAnswer): string[] {
  return total.knownAfter.map(({ seconds, share, low, high }) => {
    const name = duration(seconds).padStart(6);
    if (share === null || low === null || high === null) return `${name} |${' '.repeat(BAR_WIDTH)}| not watched for so long`;
    return `${name} |${bar(share, low, high)}| ${percent(share).padStart(6)} (${percent(low)} to ${percent(high)})`;
  });
}

function bar(share: number, low: number, high: number): string {
  const cell = (value: number): number => Math.round(value * BAR_WIDTH);
  return Array.from({ length: BAR_WIDTH }, (_, index) => (index < cell(low) ? '█' : index < cell(share) ? '▓' : index < cell(high) ? '░' : ' ')).join('');
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const quantile = (one: Quantile | null): string => (one === null ? 'not reached' : duration(one.value));

const UNITS = [['d', 86_400], ['h', 3600], ['min', 60], ['s', 1]] as const;

/** A length of time in its largest unit: `90 s`, `1.5 h`, `30 d`. */
export function duration(seconds: number): string {
  const [unit, length] = UNITS.find(([, size]) => seconds >= size) ?? ['s', 1];
  return `${Number((seconds / length).toFixed(1))} ${unit}`;
}
