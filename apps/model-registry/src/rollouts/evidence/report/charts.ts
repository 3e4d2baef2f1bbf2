import type { Bar } from './histograms.js';
import { figure, percent, signed, whole } from './html.js';
import type { ReportedStep, RolloutReport } from './rollout-report.js';
import { chart, frame, horizontalLine, polygon, polyline, px, py, type Frame } from './svg.js';

/** Both arms' scores as outlines over the same bars: of the candidate, and of what the champion said meanwhile. */
export function scoreChart(scores: NonNullable<RolloutReport['scores']>): string {
  const { champion, candidate } = scores;
  const highest = Math.max(...champion.map(({ count }) => count), ...candidate.map(({ count }) => count));
  const area = frame(
    { min: candidate[0]!.from, max: candidate.at(-1)!.to, label: 'score', format: figure },
    { min: 0, max: highest * 1.08, label: 'share of answers', format: percent },
  );
  const title = 'Distribution of scores of champion and candidate';
  return chart(area, title, [outline(area, 'champion', champion), outline(area, 'candidate', candidate)]);
}

function outline(area: Frame, arm: string, bars: readonly Bar[]): string {
  const steps = bars.flatMap(({ from, to, count }) => [[px(area, from), py(area, count)], [px(area, to), py(area, count)]] as [number, number][]);
  const [first, last] = [steps[0]![0], steps.at(-1)![0]];
  return polygon(`fill ${arm}`, [[first, py(area, 0)], ...steps, [last, py(area, 0)]]) + polyline(`line ${arm}`, steps);
}

/** How far apart the two scores of a request were: right of 0 the candidate's is higher. */
export function differenceChart(histogram: readonly Bar[]): string {
  const highest = Math.max(...histogram.map(({ count }) => count));
  const area = frame(
    { min: histogram[0]!.from, max: histogram.at(-1)!.to, label: 'candidate’s score minus champion’s', format: signed },
    { min: 0, max: highest * 1.08, label: 'comparisons', format: whole },
  );
  const bars = histogram.map(({ from, to, count }) => {
    const [left, right, top] = [px(area, from), px(area, to), py(area, count)];
    return count === 0 ? '' : `<rect class="bar" x="${left + 0.5}" y="${top}" width="${Math.max(0.5, right - left - 1)}" height="${py(area, 0) - top}"/>`;
  });
  const zero = `<line class="zero" x1="${px(area, 0)}" x2="${px(area, 0)}" y1="${py(area, 0)}" y2="${py(area, area.y.max)}"/>`;
  return chart(area, 'Differences of scores', [...bars, zero]);
}

/** The estimate in its confidence sequence, over the number of outcomes (logarithmic); the guard's limit beside it. */
export function developmentChart({ points, limit }: RolloutReport['development'], label: string): string {
  const shown = settled(points);
  const values = [...shown.flatMap(({ low, high }) => [low, high]), 0, ...(limit === undefined ? [] : [limit])];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const air = (high - low) * 0.06;
  const at = (outcomes: number): number => Math.log10(Math.max(1, outcomes));
  const area = frame(
    { min: at(shown[0]!.outcomes), max: at(shown.at(-1)!.outcomes), label: 'outcomes known', format: (value) => whole(Number((10 ** value).toPrecision(2))) },
    { min: low - air, max: high + air, label, format: signed },
  );
  const place = (outcomes: number, value: number): [number, number] => [px(area, at(outcomes)), py(area, value)];
  const band = [...shown.map((point) => place(point.outcomes, point.high)), ...shown.toReversed().map((point) => place(point.outcomes, point.low))];
  const lines = [horizontalLine(area, 'zero', 0), limit === undefined ? '' : horizontalLine(area, 'limit', limit)];
  return chart(area, 'Outcome difference with its confidence sequence', [polygon('band', band), ...lines, polyline('line candidate', shown.map((point) => place(point.outcomes, point.difference)))]);
}

/** The first intervals are so wide that all later ones would be a line: those ten times as wide as the last are left out. */
function settled<P extends { readonly low: number; readonly high: number }>(points: readonly P[]): readonly P[] {
  const last = points.at(-1)!;
  const first = points.findIndex(({ low, high }) => high - low <= 10 * (last.high - last.low));
  return points.slice(Math.min(Math.max(0, first), Math.max(0, points.length - 2)));
}

/** Who answered how much, over the time since the rollout began. */
export function shareChart({ steps, startedAt, endedAt, generatedAt, status }: Pick<RolloutReport, 'steps' | 'startedAt' | 'endedAt' | 'generatedAt' | 'status'>): string {
  const startMs = Date.parse(startedAt);
  const endMs = Date.parse(endedAt ?? generatedAt);
  const tail = endedAt === undefined ? 0 : (endMs - startMs) * 0.06;
  const unit = unitOf(endMs + tail - startMs);
  const area = frame(
    { min: 0, max: (endMs + tail - startMs) / unit.ms, label: `${unit.name} since the start`, format: figure },
    { min: 0, max: 1, label: 'candidate’s share', format: percent },
  );
  const at = (ms: number, share: number): [number, number] => [px(area, (ms - startMs) / unit.ms), py(area, share)];
  const warmed: [number, number][] = steps[0] === undefined ? [] : [at(startMs, 0), at(Date.parse(steps[0].startedAt), 0)];
  const held = steps.flatMap((step) => [at(Date.parse(step.startedAt), step.share), at(Date.parse(step.endedAt ?? generatedAt), step.share)]);
  const after = status === 'promoted' ? 1 : 0;
  const line = endedAt === undefined ? [...warmed, ...held] : [...warmed, ...held, at(endMs, after), at(endMs + tail, after)];
  const closed = [...line, [line.at(-1)![0], py(area, 0)] as [number, number]];
  const marks = steps.filter(({ step }) => step > 0).map((step) => mark(area, at(Date.parse(step.startedAt), step.share), step));
  return chart(area, 'Share of the traffic over time', [polygon('fill candidate', closed), polyline('line candidate', line), ...marks]);
}

const mark = (area: Frame, [x, y]: readonly [number, number], { step }: ReportedStep): string =>
  `<text class="mark" x="${Math.min(x + 4, area.width - 24)}" y="${Math.max(area.margin.top + 10, y - 6)}">${step}</text>`;

const UNITS = [{ name: 'days', ms: 86_400_000 }, { name: 'hours', ms: 3_600_000 }, { name: 'minutes', ms: 60_000 }, { name: 'seconds', ms: 1000 }];
const unitOf = (spanMs: number): { name: string; ms: number } => UNITS.find(({ ms }) => spanMs >= 2 * ms) ?? UNITS.at(-1)!;
