import { defineSettings, parsers } from '@throughline/settings';
import type { OutcomeInTrace, TellingPolicy } from './domain/telling.js';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `15m`, `72h`, `30d` in milliseconds. */
function durationMs(raw: string): number | undefined {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(raw) ?? [];
  return amount === undefined ? undefined : Number(amount) * UNIT_MS[unit!]!;
}

const duration = parsers.parser('a duration such as 90s, 15m, 72h or 30d', durationMs);
const inTrace = parsers.parser('always, never, or a duration such as 72h', (raw): OutcomeInTrace | undefined => {
  const word = raw.toLowerCase();
  return word === 'always' || word === 'never' ? word : durationMs(word);
});

/** What the ledger puts into traces; all of it only where `OTEL_EXPORTER_OTLP_ENDPOINT` is set. docs/tracing.md says more. */
export const tracingSettings = defineSettings({
  TRACE_KEEP_WRONG: { meaning: 'Predictions that were not sampled get their spans when the outcome says that the decision was wrong', parse: parsers.boolean, default: true },
  TRACE_KEEP_ERROR: { meaning: 'The same when score and outcome differ by at least this much, for models that estimate; unset: never', parse: parsers.number(0, Number.MAX_VALUE) },
  TRACE_KEEP_FALLBACK: { meaning: 'The same when a fallback had answered', parse: parsers.boolean, default: true },
  TRACE_KEEP_VALUE_MICRO_USD: { meaning: 'The same when the outcome makes the decision worth this much or less (losses are negative); unset: never', unit: 'millionths of a dollar', parse: parsers.number(-1e15, 1e15) },
  TRACE_KEEP_COST_MICRO_USD: { meaning: 'The same when computing it cost this much or more; unset: never', unit: 'millionths of a dollar', parse: parsers.number(0, 1e15) },
  TRACE_KEEP_ALERT_WINDOW: { meaning: 'The same when its model has raised an alert within this duration; 0s: never', parse: duration, default: UNIT_MS['h']! },
  TRACE_KEEP_ONE_IN: { meaning: 'Of the rest one in so many; 0: none', unit: 'predictions', parse: parsers.integer(0, 1_000_000_000), default: 1000 },
  TRACE_KEEP_PER_SECOND: { meaning: 'Predictions whose spans the ledger records from its rows in a second at most; more are counted and left out', unit: 'predictions', parse: parsers.integer(0, 10_000), default: 50 },
  OUTCOME_IN_TRACE: { meaning: 'Whether the outcome becomes a span of its prediction’s own trace: always, never, or up to this duration after the request', parse: inTrace, default: 'always' },
  TRACE_RETENTION: { meaning: 'How long the backend keeps spans: with an outcome that comes later the prediction’s spans are recorded anew', parse: duration, default: 7 * UNIT_MS['d']! },
});

type TracingConfig = {
  readonly TRACE_KEEP_WRONG: boolean; readonly TRACE_KEEP_ERROR: number | undefined; readonly TRACE_KEEP_FALLBACK: boolean; readonly TRACE_KEEP_VALUE_MICRO_USD: number | undefined;
  readonly TRACE_KEEP_COST_MICRO_USD: number | undefined; readonly TRACE_KEEP_ALERT_WINDOW: number; readonly TRACE_KEEP_ONE_IN: number; readonly OUTCOME_IN_TRACE: OutcomeInTrace; readonly TRACE_RETENTION: number;
};

export const tellingPolicy = (config: TracingConfig): TellingPolicy => ({
  wrong: config.TRACE_KEEP_WRONG, errorAtLeast: config.TRACE_KEEP_ERROR, fallback: config.TRACE_KEEP_FALLBACK, valueAtMostMicroUsd: config.TRACE_KEEP_VALUE_MICRO_USD,
  costAtLeastMicroUsd: config.TRACE_KEEP_COST_MICRO_USD, alertWindowMs: config.TRACE_KEEP_ALERT_WINDOW, oneIn: config.TRACE_KEEP_ONE_IN,
  outcomeInTrace: config.OUTCOME_IN_TRACE, retentionMs: config.TRACE_RETENTION,
});
