import type { Static, TSchema } from '@sinclair/typebox';
import { ModelDeployment } from './events/deployment.js';
import { FeatureObserved, FeatureUpdated } from './events/feature.js';
import { AlertRaised, RetrainingFinished, RetrainingProgressed, RetrainingRequested, ServingReported } from './events/operations.js';
import { OutcomeJoined, OutcomeObserved } from './events/outcome.js';
import { PredictionRejected, PredictionRequested, PredictionScored, PredictionShadowed } from './events/prediction.js';

const DAY_MS = 24 * 3600 * 1000;

/** Who reads and writes. The first six are services; the rest are everybody else. */
export type Party =
  | 'inference-worker'
  | 'model-registry'
  | 'feature-store'
  | 'outcome-ledger'
  | 'drift-monitor'
  | 'retraining-coordinator'
  | 'producers'
  | 'consumers'
  | 'business systems'
  | 'any consumer'
  | 'operators';

export interface TopicDefinition<S extends TSchema = TSchema> {
  /** CloudEvents type, without the version that the topic's name carries. */
  readonly eventType: string;
  /** `null`: the value is somebody's original bytes. */
  readonly schema: S | null;
  readonly key: string;
  readonly partitions: number;
  /** Milliseconds, or compaction: the last value of a key stays for ever. */
  readonly retention: { readonly ms: number } | 'compact';
  readonly producers: readonly Party[];
  readonly consumers: readonly Party[];
  readonly says: string;
}

/** Infers each entry's literal type while checking it. */
const topic = <S extends TSchema | null>(definition: {
  eventType: string; schema: S; key: string; partitions: number; retention: { ms: number } | 'compact';
  producers: readonly Party[]; consumers: readonly Party[]; says: string;
}) => definition;

/**
 * Every topic, in flow order. Types, validators, topic creation, the AsyncAPI document, the README's diagram and the test that
 * services subscribe to what it says derive from this map.
 */
export const TOPICS = {
  'feature.observed.v1': topic({
    eventType: 'feature.observed', schema: FeatureObserved, key: 'entity', partitions: 4, retention: { ms: 7 * DAY_MS },
    producers: ['producers'], consumers: ['feature-store'], says: 'raw events about entities',
  }),
  'feature.updated.v1': topic({
    eventType: 'feature.updated', schema: FeatureUpdated, key: 'view@version|entityType|entityId', partitions: 4, retention: 'compact',
    producers: ['feature-store'], consumers: ['inference-worker'], says: 'current values of a feature view',
  }),
  'model.deployment.v1': topic({
    eventType: 'model.deployment', schema: ModelDeployment, key: 'model', partitions: 1, retention: 'compact',
    producers: ['model-registry'], consumers: ['inference-worker', 'outcome-ledger', 'drift-monitor', 'retraining-coordinator'],
    says: 'the whole serving assignment, with its revision',
  }),
  'serving.reported.v1': topic({
    eventType: 'serving.reported', schema: ServingReported, key: 'worker|model', partitions: 1, retention: { ms: DAY_MS },
    producers: ['inference-worker'], consumers: ['model-registry', 'operators'], says: 'what a worker holds warm, under which revision',
  }),
  'prediction.requested.v1': topic({
    eventType: 'prediction.requested', schema: PredictionRequested, key: 'routing key, else id', partitions: 4, retention: { ms: 7 * DAY_MS },
    producers: ['producers'], consumers: ['inference-worker'], says: 'somebody wants a prediction',
  }),
  'prediction.requested.batch.v1': topic({
    eventType: 'prediction.requested', schema: PredictionRequested, key: 'routing key, else id', partitions: 4, retention: { ms: 7 * DAY_MS },
    producers: ['producers'], consumers: ['inference-worker'], says: 'the same, on a lane that yields',
  }),
  'prediction.scored.v1': topic({
    eventType: 'prediction.scored', schema: PredictionScored, key: 'as the request', partitions: 4, retention: { ms: 7 * DAY_MS },
    producers: ['inference-worker'], consumers: ['consumers', 'outcome-ledger', 'drift-monitor', 'model-registry'], says: 'the answer, the features as used, the version, the timings',
  }),
  'prediction.shadowed.v1': topic({
    eventType: 'prediction.shadowed', schema: PredictionShadowed, key: 'as the request', partitions: 4, retention: { ms: 7 * DAY_MS },
    producers: ['inference-worker'], consumers: ['outcome-ledger', 'model-registry'], says: 'what a shadow would have answered',
  }),
  'prediction.rejected.v1': topic({
    eventType: 'prediction.rejected', schema: PredictionRejected, key: 'as the request', partitions: 4, retention: { ms: 7 * DAY_MS },
    producers: ['inference-worker'], consumers: ['consumers', 'outcome-ledger', 'model-registry'], says: 'the answer “no”: code, reason, cure',
  }),
  'dead-letter.v1': topic({
    eventType: 'dead-letter', schema: null, key: 'as the original', partitions: 4, retention: { ms: 30 * DAY_MS },
    producers: ['any consumer'], consumers: ['operators'], says: 'poison: original bytes, with headers that say where from and why',
  }),
  'outcome.observed.v1': topic({
    eventType: 'outcome.observed', schema: OutcomeObserved, key: 'prediction id, else correlation key', partitions: 4, retention: { ms: 30 * DAY_MS },
    producers: ['business systems'], consumers: ['outcome-ledger'], says: 'the truth, whenever it is known',
  }),
  'outcome.joined.v1': topic({
    eventType: 'outcome.joined', schema: OutcomeJoined, key: 'prediction id', partitions: 4, retention: { ms: 30 * DAY_MS },
    producers: ['outcome-ledger'], consumers: ['consumers', 'drift-monitor', 'model-registry'], says: 'a prediction met its outcome',
  }),
  'alert.raised.v1': topic({
    eventType: 'alert.raised', schema: AlertRaised, key: 'model', partitions: 1, retention: { ms: 30 * DAY_MS },
    producers: ['drift-monitor', 'inference-worker', 'model-registry'], consumers: ['operators', 'outcome-ledger', 'retraining-coordinator'], says: 'what drifted or broke, with evidence',
  }),
  'retraining.requested.v1': topic({
    eventType: 'retraining.requested', schema: RetrainingRequested, key: 'model', partitions: 1, retention: { ms: 30 * DAY_MS },
    producers: ['retraining-coordinator', 'operators'], consumers: ['retraining-coordinator'], says: 'a run is wanted',
  }),
  'retraining.progressed.v1': topic({
    eventType: 'retraining.progressed', schema: RetrainingProgressed, key: 'model', partitions: 1, retention: { ms: 7 * DAY_MS },
    producers: ['retraining-coordinator'], consumers: ['operators'], says: 'how far it is',
  }),
  'retraining.finished.v1': topic({
    eventType: 'retraining.finished', schema: RetrainingFinished, key: 'model', partitions: 1, retention: { ms: 30 * DAY_MS },
    producers: ['retraining-coordinator'], consumers: ['operators'], says: 'what came of it, with both sides’ numbers',
  }),
};

export type TopicName = keyof typeof TOPICS;
/** Topics whose values are events of ours, not somebody's bytes. */
export type EventTopic = Exclude<TopicName, 'dead-letter.v1'>;
/** The `data` of an event on topic T. */
export type EventData<T extends EventTopic> = Static<(typeof TOPICS)[T]['schema']>;

export const TOPIC_NAMES = Object.keys(TOPICS) as TopicName[];
