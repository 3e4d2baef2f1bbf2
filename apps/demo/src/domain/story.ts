import { count, figure, table } from './format.js';

/** What is told of the ledger's answer; its other fields are for programs. */
export interface LedgerStory {
  readonly predictionId: string;
  readonly request: { readonly id: string; readonly occurredAt: string; readonly requestedAt: string; readonly coordinates?: string };
  readonly answer?: {
    readonly version: string;
    readonly artifactSha256?: string;
    readonly role: string;
    readonly assignmentRevision: number;
    readonly score?: number;
    readonly threshold?: number;
    readonly batchSize: number;
    readonly worker: string;
    readonly timingsMs: Readonly<Record<string, number>>;
    readonly coordinates: string;
  };
  readonly features?: readonly { readonly name: string; readonly value: unknown; readonly ageSeconds?: number; readonly defaulted?: boolean }[];
  readonly outcome: { readonly value: unknown; readonly source: string; readonly occurredAt: string; readonly delaySeconds: number; readonly correct?: boolean } | null;
  readonly trace: { readonly traceId: string; readonly sampled: boolean } | null;
}

/** One prediction from request to consequence, for a person to read. */
export function storyLines({ predictionId, request, answer, features = [], outcome, trace }: LedgerStory): string[] {
  const rows: [string, string][] = [['asked', `${request.occurredAt}, on departure of ${request.id} (${request.coordinates ?? 'over HTTP'})`]];
  if (answer !== undefined) {
    const { score, threshold, version, role, artifactSha256, assignmentRevision, batchSize, timingsMs, worker, coordinates } = answer;
    rows.push(['answered', `${percent(score)} likely to be late${threshold === undefined ? '' : ` (late from ${percent(threshold)} on)`}, after ${figure(timingsMs['total'] ?? Number.NaN, 1)} ms (${coordinates})`]);
    rows.push(['by', `v${version} (${artifactSha256?.slice(0, 12) ?? '?'}…), ${role}, assignment revision ${assignmentRevision}, one of a batch of ${batchSize}, ${worker}`]);
  }
  for (const { name, value, ageSeconds, defaulted } of features) rows.push([`  ${name}`, [shown(value), ...(defaulted === true ? ['(default)'] : []), ...(ageSeconds === undefined ? [] : [`(${count(ageSeconds)} s old)`])].join(' ')]);
  if (outcome !== null) {
    const { value, source, occurredAt, delaySeconds, correct } = outcome;
    rows.push(['outcome', `${value === true ? 'late' : 'on time'}, says ${source}, at ${occurredAt}, ${(delaySeconds / 3600).toFixed(1)} h after the request${correct === undefined ? '' : `: the model was ${correct ? 'right' : 'wrong'}`}`]);
  }
  if (trace !== null) rows.push(['trace', `${trace.traceId}${trace.sampled ? ', sampled' : ''}`]);
  return [`Prediction ${predictionId}`, ...table(rows)];
}

const percent = (probability: number | undefined): string => (probability === undefined ? '?' : `${(probability * 100).toFixed(1)} %`);
const shown = (value: unknown): string => (typeof value === 'number' ? String(Math.round(value * 1000) / 1000) : String(value));
