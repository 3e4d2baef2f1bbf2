import { createHash } from 'node:crypto';
import type { ArmFigures } from './report.js';
import { developmentChart, differenceChart, scoreChart, shareChart } from './charts.js';
import { escape, figure, percent, signed, table, whole, type Cell } from './html.js';
import type { RolloutReport } from './rollout-report.js';
import { STYLE } from './style.js';

/** For the page: its own style, and nothing else from anywhere. */
export const PAGE_SECURITY_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; frame-ancestors 'none'`;

/** The report as one page: no scripts, nothing from elsewhere. */
export function toPage(report: RolloutReport): string {
  const title = `${report.model}: version ${report.candidate} against ${report.champion}`;
  const sections = [cards(report), charts(report), guards(report), outcomes(report), steps(report), disagreements(report)];
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escape(title)}</title><style>${STYLE}</style></head>`
    + `<body>${header(report, title)}${sections.join('')}<p class="soft">Rollout ${escape(report.id)}, as of ${escape(report.generatedAt)}. The same figures as JSON: this address without “.html”.</p></body></html>\n`;
}

const TONES: Readonly<Record<string, string>> = { promoted: 'good', finished: 'good', rolled_back: 'bad', aborted: 'bad' };
const NAMES: Readonly<Record<string, string>> = { blue_green: 'blue-green', ab: 'A/B test', canary: 'canary', shadow: 'shadow' };

function header({ strategy, status, startedAt, endedAt, conclusion, author, reason }: RolloutReport, title: string): string {
  const time = endedAt === undefined ? `since ${when(startedAt)}` : `${when(startedAt)} to ${when(endedAt)}`;
  const why = [`Started by ${author}${reason === undefined ? '' : `: ${reason}`}.`, conclusion === undefined ? '' : `Ended because ${conclusion}.`].join(' ');
  return `<h1>${escape(title)} <span class="badge ${TONES[status] ?? 'wait'}">${escape(words(status))}</span></h1><p class="soft">${escape(NAMES[strategy] ?? strategy)}, ${escape(time)}</p><p>${escape(why.replace(/\.\.$/, '.'))}</p>`;
}

function cards({ arms: { champion, candidate }, agreement, outcomes, development }: RolloutReport): string {
  const main = outcomes.find(({ measure, segment }) => segment === undefined && isSame(measure, development.measure)) ?? outcomes.find(({ segment }) => segment === undefined);
  const tiles: [string, string, string][] = [
    ['Answers of the candidate', whole(candidate.answers), `champion ${whole(champion.answers)}`],
    ['Errors', percent(candidate.errorShare), `champion ${percent(champion.errorShare)}`],
    ['99th percentile', `${figure(candidate.latencyMs?.p99)} ms`, `champion ${figure(champion.latencyMs?.p99)} ms`],
    ...(agreement === undefined ? [] : [['Same decision', percent(agreement.value), `${percent(agreement.low)} to ${percent(agreement.high)} of ${whole(agreement.samples)}`] as [string, string, string]]),
    ...(main === undefined ? [] : [[`Outcomes: ${words(main.measure)}`, signed(main.difference), `${signed(main.low)} to ${signed(main.high)}`] as [string, string, string]]),
  ];
  return `<div class="cards">${tiles.map(([name, value, beside]) => `<div class="card"><span class="soft">${escape(name)}</span><b>${escape(value)}</b><span class="soft">${escape(beside)}</span></div>`).join('')}</div>`;
}

/** A shadow’s pairs are told under the name of the loss that they are pairs of. */
const isSame = (measure: string, drawn: string): boolean => measure === drawn || drawn === 'loss_difference' || (measure === 'value' && drawn === 'value_difference');

const KEY = '<span class="key champion">champion</span> and <span class="key candidate">candidate</span>';

function charts(report: RolloutReport): string {
  const { scores, scoreDifference, development } = report;
  const drawings: [string, string][] = [];
  if (scores !== undefined) drawings.push([`Scores of ${KEY}`, scoreChart(scores)]);
  if (scoreDifference !== undefined) drawings.push(['Difference of scores, request by request', differenceChart(scoreDifference.histogram)]);
  if (development.points.length > 1) drawings.push([developmentTitle(report), developmentChart(development, words(development.measure))]);
  if (report.steps.length > 0 && report.strategy !== 'shadow') drawings.push(['Share of the traffic, by step', shareChart(report)]);
  if (drawings.length === 0) return '<h2>Pictures</h2><p class="soft">Nothing has been counted yet.</p>';
  return `<h2>At a glance</h2><div class="charts">${drawings.map(([caption, svg]) => `<figure><figcaption>${caption}</figcaption>${svg}</figure>`).join('')}</div>`;
}

function developmentTitle({ development: { limit } }: RolloutReport): string {
  const against = limit === undefined ? '' : '; the broken red line is the guard’s limit';
  return `Outcomes, candidate minus champion: estimate and 95 % interval that holds at every look${against}`;
}

const STATES: Readonly<Record<string, readonly [string, string]>> = { ok: ['good', 'ok'], breached: ['bad', 'breached'], insufficient_data: ['wait', 'too little data'] };

function guards({ verdicts }: RolloutReport): string {
  if (verdicts.length === 0) return '';
  const rows = verdicts.map(({ guard, segment, state, candidate, champion, says }): Cell[] => {
    const [tone, name] = STATES[state] ?? ['wait', state];
    return [segment === undefined ? words(guard) : `${words(guard)} in ${segment}`, { html: `<span class="${tone}">${escape(name)}</span>` }, { number: figure(candidate) }, { number: figure(champion) }, says];
  });
  return `<h2>Guards</h2><p class="soft">By all that has been counted until now; intervals hold at every look.</p>${table(['Guard', '', 'Candidate', 'Champion', 'In words'], rows)}`;
}

function outcomes({ outcomes: compared, strategy }: RolloutReport): string {
  if (compared.length === 0) return '<h2>Outcomes</h2><p class="soft">None has been joined yet, or of one version alone.</p>';
  const isFixed = strategy === 'ab';
  const rows = compared.map((one): Cell[] => [
    one.segment === undefined ? words(one.measure) : `${words(one.measure)} in ${one.segment}`, { number: figure(one.candidate) }, { number: figure(one.champion) }, { number: signed(one.difference) },
    { number: `${signed(one.low)} … ${signed(one.high)}` }, ...(isFixed ? [{ number: `${signed(one.fixedLow)} … ${signed(one.fixedHigh)}` }] : []), { number: `${whole(one.samples.candidate)} / ${whole(one.samples.champion)}` },
  ]);
  const heads = ['Measure', 'Candidate', 'Champion', 'Difference', '95 %, at any look', ...(isFixed ? ['95 %, at the end only'] : []), 'Outcomes'];
  const note = 'Losses: less is better. Value is in millionths of a dollar. Errors within a routing key are taken together, and versions are compared within steps only.';
  return `<h2>Outcomes</h2><p class="soft">${note}</p>${table(heads, rows)}`;
}

function steps({ steps: reached }: RolloutReport): string {
  const rows = reached.flatMap(({ step, share, startedAt, arms }): Cell[][] => (['champion', 'candidate'] as const).map((arm) => [
    arm === 'champion' ? { html: `<span class="whole">${escape(stepName(step, share))}</span>` } : '', arm === 'champion' ? startedAt.slice(11, 19) : '', { html: `<span class="key ${arm}">${arm}</span>` }, ...figuresOf(arms[arm]),
  ]));
  return `<h2>Step by step</h2>${table(['Step', 'From', '', 'Answers', 'Errors', 'Fallbacks', 'p50 ms', 'p99 ms', 'Mean score', 'Outcomes', 'Wrong', '(Error)²'], rows)}`;
}

/** The warming is step 0; a shadow has no share of the traffic. */
const stepName = (step: number, share: number): string => (step === 0 ? 'warming' : share === 0 ? String(step) : `${step}: ${percent(share)}`);

const figuresOf = ({ answers, outcomes: known, errorShare, fallbackShare, latencyMs, meanScore, meanLoss }: ArmFigures): Cell[] =>
  [whole(answers), percent(errorShare), percent(fallbackShare), figure(latencyMs?.p50), figure(latencyMs?.p99), figure(meanScore), whole(known), percent(meanLoss['wrong']), figure(meanLoss['squared_error'])].map((number) => ({ number }));

function disagreements({ disagreements: largest }: RolloutReport): string {
  if (largest.length === 0) return '';
  const rows = largest.map(({ predictionId, occurredAt, championScore, candidateScore, difference, decisionsDiffer, entities }): Cell[] => [
    { html: `<code>${escape(predictionId)}</code>` }, when(occurredAt), Object.entries(entities ?? {}).map(([role, id]) => `${role} ${id}`).join(', '), { number: figure(championScore) }, { number: figure(candidateScore) },
    { number: signed(difference) }, decisionsDiffer === true ? 'other decision' : '',
  ]);
  const note = 'The requests on which the two are furthest apart. <code>throughline trace ID</code> tells the whole story of one.';
  return `<h2>Disagreements worth looking at</h2><p class="soft">${note}</p>${table(['Prediction', 'Of', 'About', 'Champion', 'Candidate', 'Difference', ''], rows)}`;
}

const words = (name: string): string => name.replaceAll('_', ' ');
/** To the second, in UTC. */
const when = (instant: string): string => `${instant.slice(0, 10)} ${instant.slice(11, 19)} UTC`;
