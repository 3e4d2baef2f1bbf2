/** What the ledger says of a model's labels, as far as this command reads it. */
export interface LabelsAnswer {
  readonly model: string;
  readonly from: string;
  readonly to: string;
  readonly now: string;
  readonly maturitySeconds: number | null;
  readonly total: Standing;
  readonly versions: readonly (Standing & { readonly version: string })[];
  /** Of all of them, at each delay at which a label came. */
  readonly curve?: readonly (KnownShare & { readonly share: number })[];
}

interface Quantile {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

export interface KnownShare {
  readonly seconds: number;
  readonly share: number | null;
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
  readonly knownAfter: readonly KnownShare[];
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
const NAME_WIDTH = 6;
const TENTHS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/** The share of labels known after each delay: a bar with the interval's ends, and the numbers. */
export function labelPlot(answer: LabelsAnswer): string[] {
  const points = plotPoints(answer);
  const width = Math.max(NAME_WIDTH, ...points.map(({ seconds }) => duration(seconds).length));
  return points.map(({ seconds, share, low, high }) => {
    const name = duration(seconds).padStart(width);
    if (share === null || low === null || high === null) return `${name} |${' '.repeat(BAR_WIDTH)}| not watched for so long`;
    return `${name} |${bar(share, low, high)}| ${percent(share).padStart(6)} (${percent(low)} to ${percent(high)})`;
  });
}

/**
 * What is worth a line: the horizons, and between them the delays at which each further tenth of the labels was known, from the last horizon at which
 * none was to the first at which all are, or that nobody has watched.
 */
function plotPoints({ total: { knownAfter }, curve = [] }: LabelsAnswer): KnownShare[] {
  const tenths = TENTHS.flatMap((tenth) => curve.find(({ share }) => share >= tenth) ?? []);
  const points = [...new Map([...tenths, ...knownAfter].map((point) => [point.seconds, point] as const)).values()].sort((a, b) => a.seconds - b.seconds);
  const first = points.findLastIndex(({ share }) => share === 0);
  const last = points.findIndex(({ share, low }) => share === null || low === 1);
  return points.slice(Math.max(0, first), last === -1 ? undefined : last + 1);
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
