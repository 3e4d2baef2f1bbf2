import { ContractError } from '@throughline/contracts';
import type { Names } from '@throughline/bus';
import { inTransaction } from '@throughline/db';
import { recordSpan, spansEnabled, type SpanRecord } from '@throughline/telemetry';
import type { DataSource, EntityManager } from 'typeorm';
import type { PredictionKey } from '../domain/admission.js';
import { decideJoin, type Join } from '../domain/joining.js';
import { effectiveOutcome, type OutcomeRecord } from '../domain/outcome.js';
import { loadFacts, loadJoined, type Place } from '../store/facts.js';
import { loadOutcomes } from '../store/outcome-rows.js';
import type { ServedVersions } from '../store/served-versions.js';
import { outcomeSpan } from './outcome-spans.js';
import { predictionSpans } from './prediction-spans.js';
import { loadTraced } from './traced-row.js';

export interface EmittedTrace {
  readonly predictionId: string;
  readonly traceId: string;
  /** Of the scoring, within the trace. */
  readonly spanId: string;
  readonly spans: number;
  /** Of these, one an outcome. */
  readonly outcomes: number;
}

export interface Kept {
  readonly place: Place;
  readonly keptBecause: string | undefined;
  /** This one corrects others, which are told as well: the backend may not have them. */
  readonly correctedBy: OutcomeRecord | undefined;
}

/** Stories told to the tracing backend from the ledger's rows, at any age. */
export class TraceStories {
  constructor(
    private readonly dataSource: DataSource,
    private readonly servedVersions: ServedVersions,
    private readonly names: Names,
  ) {}

  /** Records the spans of these predictions: a few statements for all of them, never one each. */
  async record(kept: readonly Kept[]): Promise<void> {
    const byId = new Map(kept.map((one) => [one.place.predictionId, one]));
    await inTransaction(this.dataSource, async (manager) => {
      for (const row of await loadTraced(manager, kept.map(({ place }) => place))) recordAll(predictionSpans(row, this.names, byId.get(row.predictionId)?.keptBecause));
      recordAll(await this.outcomeSpans(manager, kept.filter(({ correctedBy }) => correctedBy !== undefined)));
    });
  }

  /**
   * Records the whole story of one prediction once more: its spans, and one an outcome, corrections and what they supersede included.
   *
   * @throws ContractError `not_configured` without an endpoint for spans; `not_found` when the ledger has no such prediction
   */
  async tell(predictionId: string): Promise<EmittedTrace> {
    if (!spansEnabled()) {
      throw new ContractError('not_configured', 'OTEL_EXPORTER_OTLP_ENDPOINT is not set: spans have nowhere to go', {
        cure: 'Set OTEL_EXPORTER_OTLP_ENDPOINT, such as http://127.0.0.1:4318, and start the ledger again. The story itself: GET /ledger/v1/predictions/{predictionId}.',
      });
    }
    return inTransaction(this.dataSource, async (manager) => {
      const [key]: { state: PredictionKey['state']; day: string | null; attempt: string }[] = await manager.query('SELECT state, day::text, attempt FROM prediction_key WHERE prediction_id = $1', [predictionId]);
      const place: PredictionKey = { predictionId, state: key?.state ?? 'awaited', day: key?.day ?? undefined, attempt: Number(key?.attempt ?? 0) };
      const [row] = place.day === undefined ? [] : await loadTraced(manager, [place]);
      if (row === undefined) throw new ContractError('not_found', `the ledger has no row of the prediction ${predictionId}`, { cure: 'Check the id; an answer takes a moment to be recorded, and rows older than the ledger’s retention are gone.' });
      const spans = predictionSpans(row, this.names);
      // No outcome can judge a rejection.
      const outcomes = row.state === 'rejected' ? [] : await this.outcomeSpans(manager, [{ place }]);
      recordAll([...spans, ...outcomes]);
      return { predictionId, traceId: row.scoring.traceId, spanId: row.scoring.spanId, spans: spans.length + outcomes.length, outcomes: outcomes.length };
    });
  }

  /** Everything (else) said about answered predictions, each statement judged as if it were the only one. */
  private async outcomeSpans(manager: EntityManager, wanted: readonly (Pick<Kept, 'place'> & Partial<Kept>)[]): Promise<SpanRecord[]> {
    const places = wanted.map(({ place }) => place);
    const corrections = new Map(wanted.map(({ place, correctedBy }) => [place.predictionId, correctedBy]));
    const facts = await loadFacts(manager, places.map((place) => ({ ...place, state: 'scored' as const, attempt: 0 })));
    const outcomes = await loadOutcomes(manager, [...facts.keys()]);
    const told = await loadJoined(manager, places.filter(({ predictionId }) => facts.has(predictionId)));
    const spans: SpanRecord[] = [];
    for (const [predictionId, { facts: one, servedVersionId }] of facts) {
      const reading = await this.servedVersions.readingOf(manager, servedVersionId);
      const assumed = decideJoin(one, reading, [], undefined, told.get(predictionId)?.assumedAtMs).join;
      if (assumed !== undefined) spans.push(toldAnew(assumed, false));
      const said = (outcomes.get(predictionId) ?? []).toSorted(inOrder);
      const holds = effectiveOutcome(said);
      const isTold = isSameAs(corrections.get(predictionId));
      said.forEach((outcome, index) => {
        if (isTold(outcome)) return;
        const { join } = decideJoin(one, reading, [outcome], undefined);
        if (join !== undefined) spans.push(toldAnew({ ...join, correction: index > 0 }, outcome !== holds));
      });
    }
    return spans;
  }
}

const isSameAs = (other: OutcomeRecord | undefined) => ({ source, sequence }: OutcomeRecord): boolean => source === other?.source && sequence === other.sequence;

const toldAnew = (join: Join, superseded: boolean): SpanRecord => outcomeSpan({ join, stands: 'prediction_trace', superseded, reconstructed: true });

/** As they were received; the order within one millisecond does not matter, as long as it is always the same. */
const inOrder = (a: OutcomeRecord, b: OutcomeRecord): number => a.receivedAtMs - b.receivedAtMs || a.sequence - b.sequence || (a.source < b.source ? -1 : 1);

const recordAll = (spans: readonly SpanRecord[]): void => spans.forEach(recordSpan);
