/**
 * Every metric, span and attribute name, on one page. A name here is a contract with dashboards and alerts: add, do not rename.
 * Metrics follow Prometheus: prefix `throughline_`, base units (seconds, bytes), the unit closes the name, counters gain `_total` when
 * rendered. What any Node process says of itself keeps the names that dashboards know (`process_`, `nodejs_`). Labels are few and
 * bounded: never an id, an entity or a feature's value.
 */
export type MetricKind = 'counter' | 'histogram' | 'gauge';

export interface MetricDefinition<K extends MetricKind = MetricKind> {
  readonly kind: K;
  readonly name: string;
  readonly help: string;
  /** UCUM-like: `s`, `By`, or what is counted in braces. */
  readonly unit: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, in the metric's unit. */
  readonly buckets?: readonly number[];
}

/** From 0.5 ms to 10 s: hot path and admin requests alike. */
const LATENCY_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
/** From 50 µs to 5 s: a stage of a prediction. */
const STAGE_SECONDS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5] as const;
/** From 20 µs: a batch of a small model. */
const COMPUTE_SECONDS = [0.00002, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1] as const;
/** From 0.1 s to an hour: jobs. */
const JOB_SECONDS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600] as const;
/** From a minute to 90 days: how late the truth is. */
const DELAY_SECONDS = [60, 600, 3600, 6 * 3600, 86_400, 3 * 86_400, 7 * 86_400, 14 * 86_400, 30 * 86_400, 90 * 86_400] as const;
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] as const;

const counter = (name: string, help: string, labels: readonly string[] = [], unit = '1'): MetricDefinition<'counter'> => ({ kind: 'counter', name, help, unit, labels });
const gauge = (name: string, help: string, labels: readonly string[] = [], unit = '1'): MetricDefinition<'gauge'> => ({ kind: 'gauge', name, help, unit, labels });
const histogram = (name: string, help: string, buckets: readonly number[], labels: readonly string[] = [], unit = 's'): MetricDefinition<'histogram'> => ({ kind: 'histogram', name, help, unit, labels, buckets });

export const METRICS = {
  // every process
  buildInfo: gauge('throughline_build_info', 'Always 1; says which service this is', ['service', 'instance', 'node_version']),
  processCpuSeconds: counter('process_cpu_seconds', 'User and system time', [], 's'),
  processResidentBytes: gauge('process_resident_memory_bytes', 'Resident memory', [], 'By'),
  heapUsedBytes: gauge('nodejs_heap_size_used_bytes', 'Heap in use', [], 'By'),
  eventLoopUtilization: gauge('nodejs_eventloop_utilization_ratio', 'Share of time since the last look that the event loop was busy'),
  spansExported: counter('throughline_spans_exported', 'Spans the OTLP endpoint has accepted'),
  spansDropped: counter('throughline_spans_dropped', 'Spans given up: the queue was full or the endpoint did not take them', ['reason']),
  httpRequestSeconds: histogram('throughline_http_request_duration_seconds', 'From receipt to the last byte of the answer', LATENCY_SECONDS, ['method', 'route', 'status']),

  // bus
  messagesConsumed: counter('throughline_messages_consumed', 'Messages handed to a handler', ['topic', 'group']),
  messagesProduced: counter('throughline_messages_produced', 'Messages the brokers have acknowledged', ['topic']),
  produceSeconds: histogram('throughline_produce_duration_seconds', 'From send to acknowledgement, one observation a batch', LATENCY_SECONDS),
  produceFailures: counter('throughline_produce_failures', 'Messages given up after bounded retries', ['topic']),
  producerPendingMessages: gauge('throughline_producer_pending_messages', 'Accepted and not yet acknowledged'),
  producerPendingBytes: gauge('throughline_producer_pending_bytes', 'Accepted and not yet acknowledged', [], 'By'),
  handlerSeconds: histogram('throughline_handler_duration_seconds', 'One batch through its handler', LATENCY_SECONDS, ['topic', 'group']),
  handlerRetries: counter('throughline_handler_retries', 'Batches tried again', ['topic', 'group', 'code']),
  deadLetters: counter('throughline_dead_letters', 'Messages sent to the dead letters', ['topic', 'group', 'code']),
  consumerLagMessages: gauge('throughline_consumer_lag_messages', 'Messages behind the end of the partition', ['topic', 'group', 'partition']),
  consumerInFlightMessages: gauge('throughline_consumer_in_flight_messages', 'Handed over and not finished', ['topic', 'group']),
  commits: counter('throughline_commits', 'Offset commits', ['group', 'result']),
  rebalances: counter('throughline_rebalances', 'Times the group assigned partitions anew', ['group']),
  outboxPending: gauge('throughline_outbox_pending_messages', 'Written with their effect and not yet published'),
  outboxPublished: counter('throughline_outbox_published', 'Messages the relay has published', ['topic']),

  // inference-worker
  predictions: counter('throughline_predictions', 'Requests answered', ['model', 'version', 'role', 'lane', 'state']),
  fallbackAnswers: counter('throughline_fallback_answers', 'Answers of fallbacks, by kind and by the code of what they replace; also in throughline_predictions with state fallback', ['model', 'kind', 'reason']),
  rememberedAnswersBytes: gauge('throughline_remembered_answers_bytes', 'Good answers kept for last_known_good', [], 'By'),
  breakerState: gauge('throughline_breaker_state', 'Circuit breaker of a version: 0 closed, 1 half open (one batch is tried), 2 open (not asked)', ['model', 'version']),
  rejections: counter('throughline_rejections', 'Requests answered “no”', ['model', 'code', 'lane']),
  unknownFeatures: counter('throughline_unknown_features', 'Values that requests brought and the model has no feature for: they were passed over', ['model']),
  shadowAnswers: counter('throughline_shadow_answers', 'What became of answered requests at a shadow: scored, or the code of why they were dropped', ['model', 'version', 'result']),
  predictionSeconds: histogram('throughline_prediction_latency_seconds', 'From the request’s Kafka timestamp, or receipt over HTTP, to the acknowledged answer', LATENCY_SECONDS, ['model', 'lane']),
  queueSeconds: histogram('throughline_queue_duration_seconds', 'Waiting for a batch', LATENCY_SECONDS, ['lane']),
  stageSeconds: histogram('throughline_stage_duration_seconds', 'Time of a prediction in each stage of its way', STAGE_SECONDS, ['model', 'stage']),
  stageBudgetSeconds: gauge('throughline_stage_budget_seconds', 'What the deployment allows the stage', ['model', 'stage'], 's'),
  stageOverBudget: counter('throughline_stage_over_budget', 'Predictions whose stage took longer than its budget', ['model', 'stage']),
  computeSeconds: histogram('throughline_compute_duration_seconds', 'One batch through ONNX Runtime', COMPUTE_SECONDS, ['model', 'version']),
  batchSize: histogram('throughline_batch_size_rows', 'Rows scored at once', SIZES, ['model'], '{row}'),
  queueRows: gauge('throughline_queue_rows', 'Rows waiting for a run', ['model', 'version']),
  featureCacheLookups: counter('throughline_feature_cache_lookups', 'Lookups by result: hit, miss, negative, stale', ['result']),
  featureReads: counter('throughline_feature_reads', 'Reads of the feature store by result: read, failed, or skipped because it had not answered lately', ['result']),
  featureStoreBreakerState: gauge('throughline_feature_store_breaker_state', 'Circuit breaker of feature reads: 0 closed, 1 half open (one read is tried), 2 open (values count as missing at once)'),
  featureCacheEntries: gauge('throughline_feature_cache_entries', 'Entities held'),
  featureCacheLagMessages: gauge('throughline_feature_cache_lag_messages', 'Updates not yet applied'),
  modelLoadSeconds: histogram('throughline_model_load_duration_seconds', 'Fetch, load and warm-up', JOB_SECONDS, ['model', 'result']),
  deploymentRevision: gauge('throughline_deployment_revision', 'Revision of the assignment that this worker serves', ['model']),
  modelsLoaded: gauge('throughline_models_loaded', 'Versions that are warm', ['model']),
  modelsResident: gauge('throughline_models_resident', 'Graphs in memory; the others come back when they are asked'),
  modelMemoryBytes: gauge('throughline_model_memory_bytes', 'What the graphs in memory take, estimated from their files', [], 'By'),
  modelEvictions: counter('throughline_model_evictions', 'Times a graph left memory for another one', ['model']),
  modelReloads: counter('throughline_model_reloads', 'Times a graph came back, after an eviction or the end of its thread', ['model']),
  modelThreadsLost: counter('throughline_model_threads_lost', 'Threads of heavy models that ended by themselves', ['model']),

  // model-registry
  registryUploads: counter('throughline_registry_uploads', 'Uploads by result: created, unchanged, or the error’s code', ['result']),
  registryInspectSeconds: histogram('throughline_registry_inspect_duration_seconds', 'Inspecting an untrusted artifact in its own process', JOB_SECONDS),
  rolloutsEnded: counter('throughline_rollouts_ended', 'Rollouts by how they ended: promoted, finished, rolled_back, aborted', ['model', 'strategy', 'result']),
  rolloutsActive: gauge('throughline_rollouts_active', 'Rollouts under way, by the step they are in', ['model', 'strategy']),
  deploymentConflicts: counter('throughline_deployment_conflicts', 'Compare-and-swap attempts that lost'),

  // feature-store
  featureEvents: counter('throughline_feature_events', 'Raw events by result: applied, duplicate, late', ['result']),
  featureUpdates: counter('throughline_feature_updates', 'Updates published', ['view']),
  featureEntities: gauge('throughline_feature_entities', 'Entities with open windows', ['view']),
  onlineFeaturesSeconds: histogram('throughline_online_features_duration_seconds', 'One answer of get-online-features', LATENCY_SECONDS),

  // outcome-ledger
  ledgerPredictions: counter('throughline_ledger_predictions', 'Predictions by result: recorded, duplicate', ['result']),
  ledgerOutcomes: counter('throughline_ledger_outcomes', 'Outcomes by result: joined, waiting, corrected, duplicate, superseded, wrong_type, expired (its prediction had been dropped for its age), assumed (none came within its model’s maturity)', ['result']),
  outcomeDelaySeconds: histogram('throughline_outcome_delay_seconds', 'From the prediction’s event time to the outcome’s', DELAY_SECONDS, ['model']),
  ledgerTraces: counter('throughline_ledger_traces', 'Joined predictions by what became of their trace: live (sampled when asked), expired (recorded anew), kept from the ledger because of wrong, costly, fallback, alerting, corrected or one_in_n, dropped, over_bound, failed', ['result']),
  labelCoverage: gauge('throughline_label_coverage_ratio', 'Share of matured predictions whose outcome was observed, of the last 30 days of event time that can have matured; absent where a model declares no maturity', ['model']),
  labelPredictions: gauge('throughline_label_predictions', 'The same predictions by how their label stands: labelled, assumed, overdue (matured without one), immature (without one, and too young to say, or no maturity declared)', ['model', 'version', 'state']),
  ledgerErasedRows: counter('throughline_ledger_erased_rows', 'Rows whose values were removed to forget an entity, by table: predictions, shadows, outcomes, correlations, messages, queries', ['table']),
  ledgerRetold: counter('throughline_ledger_retold_joins', 'Joins that rebuilds have told again: unchanged, or corrected because the model’s declaration of today judges them otherwise', ['result']),
  retentionDropped: counter('throughline_retention_dropped', 'What the ledger has let go for its age: days (of partitions), predictions in them, keys, outcomes, correlations, unmatched (outcomes whose prediction never came)', ['what']),
  retentionArchivedRows: counter('throughline_retention_archived_rows', 'Predictions written to Parquet files, read again and counted, before their day was dropped'),
  retentionFailures: counter('throughline_retention_failures', 'Attempts to archive or drop that failed; the data is left, and the next round tries again', ['step']),
  maturityBeyondRetention: gauge('throughline_maturity_beyond_retention_seconds', 'By how much a model’s declared maturity is longer than predictions are kept: outcomes that come so late find no prediction', ['model'], 's'),
  ledgerPending: gauge('throughline_ledger_pending_predictions', 'Predictions without an outcome'),
  costMicroUsd: gauge('throughline_cost_micro_usd', 'What the answers in the ledger’s books cost, estimated, in millionths of a dollar; by share: compute, features, storage', ['model', 'version', 'share']),
  valueMicroUsd: gauge('throughline_value_micro_usd', 'What the answers whose value is known were worth, in millionths of a dollar; corrections may lower it', ['model', 'version']),
  valuedPredictions: gauge('throughline_valued_predictions', 'Answers whose value is known', ['model', 'version']),
  booksBalanced: gauge('throughline_books_balanced', 'Whether the books balance: 1, or 0 when something is missing, vanished or unrecorded'),
  booksMissing: gauge('throughline_books_missing_messages', 'Requests, answers and outcomes that nobody is at work on any more and that are nowhere', ['topic']),
  booksInFlight: gauge('throughline_books_in_flight_messages', 'Requests, answers and outcomes on their way to the ledger', ['topic']),
  booksUnverifiable: gauge('throughline_books_unverifiable_messages', 'Messages that Kafka has no more and the ledger never had: nobody can tell what they were', ['topic']),
  booksVanished: gauge('throughline_books_vanished_rows', 'Rows that the ledger has written down and that are there no more'),
  booksUnrecorded: gauge('throughline_books_unrecorded_rows', 'Rows that are in the ledger and that it has not written down'),
  booksAgeSeconds: gauge('throughline_books_check_age_seconds', 'Since the books were last balanced, or found not to', [], 's'),
  ledgerUnmatched: gauge('throughline_ledger_unmatched_outcomes', 'Outcomes without a prediction'),

  // drift-monitor
  driftWindows: counter('throughline_drift_windows', 'Windows judged, by verdict', ['model', 'verdict']),
  driftStatistic: gauge('throughline_drift_statistic', 'Last value of a drift statistic', ['model', 'version', 'column', 'statistic']),
  driftCorrections: counter('throughline_drift_corrections', 'Corrections of outcomes: applied (what was counted before was taken out of its window) or unheld (its window is closed for good, or it was never counted)', ['model', 'result']),
  driftLateOutcomes: counter('throughline_drift_late_outcomes', 'Outcomes left out of the live quality because their window is closed for good', ['model']),
  modelQuality: gauge('throughline_model_quality', 'Realised quality of the last window', ['model', 'version', 'measure']),
  fallbackShare: gauge('throughline_fallback_share_ratio', 'Share of the last window’s answers that a fallback gave in the champion’s place', ['model']),
  stageP99Seconds: gauge('throughline_stage_p99_seconds', '99th percentile of a stage over the last window, publishing as the brokers’ clock has it', ['model', 'stage'], 's'),
  alerts: counter('throughline_alerts_raised', 'Alerts', ['model', 'kind', 'tier']),

  // retraining-coordinator
  retrainingRuns: counter('throughline_retraining_runs', 'Runs by how they ended', ['model', 'status']),
  retrainingSeconds: histogram('throughline_retraining_duration_seconds', 'One run from request to end', JOB_SECONDS, ['model']),

  // platform
  serviceRestarts: counter('throughline_service_restarts', 'Processes the supervisor started again', ['service']),
} as const satisfies Record<string, MetricDefinition>;

/** Span names. Those of Kafka follow OpenTelemetry's messaging conventions: operation, then destination. */
export const SPANS = {
  /** PRODUCER: one message published. */
  send: (topic: string) => `send ${topic}`,
  /** CONSUMER: one message handled. */
  process: (topic: string) => `process ${topic}`,
  /** SERVER: one HTTP request. */
  http: (method: string, route: string) => `${method} ${route}`,
  /** The stages of one prediction, children of its `process` or HTTP span; the last one is `send`. */
  queue: 'queue',
  features: 'fetch features',
  compute: 'compute',
  /** The outcome, in the prediction's own trace, at its true time. */
  outcome: 'outcome',
} as const;

export const ATTRIBUTES = {
  predictionId: 'throughline.prediction.id',
  state: 'throughline.prediction.state',
  lane: 'throughline.lane',
  model: 'throughline.model.name',
  modelVersion: 'throughline.model.version',
  artifactSha256: 'throughline.model.artifact.sha256',
  role: 'throughline.assignment.role',
  assignmentRevision: 'throughline.assignment.revision',
  batchSize: 'throughline.batch.size',
  batchId: 'throughline.batch.id',
  team: 'throughline.team',
  errorCode: 'throughline.error.code',
  fallbackReason: 'throughline.fallback.reason',
  outcomeSource: 'throughline.outcome.source',
  outcomeDelaySeconds: 'throughline.outcome.delay_seconds',
  outcomeCorrect: 'throughline.outcome.correct',
  outcomeError: 'throughline.outcome.error',
  outcomeValueMicroUsd: 'throughline.outcome.value_micro_usd',
  /** Nobody said so: none came by when the model says it would have. */
  outcomeAssumed: 'throughline.outcome.assumed',
  /** It corrects what was said before. */
  outcomeCorrection: 'throughline.outcome.correction',
  /** Another statement holds in its place. */
  outcomeSuperseded: 'throughline.outcome.superseded',
  /** Of spans from the ledger only: what made the answer, and what that cost. */
  runtime: 'throughline.runtime',
  costMicroUsd: 'throughline.cost.micro_usd',
  /** Why the spans of a prediction that was not sampled were recorded all the same. */
  keptBecause: 'throughline.trace.kept_because',
  /** Recorded after the fact, from the ledger's row. */
  reconstructed: 'throughline.reconstructed',

  messagingSystem: 'messaging.system',
  messagingOperationName: 'messaging.operation.name',
  messagingOperationType: 'messaging.operation.type',
  messagingDestination: 'messaging.destination.name',
  messagingPartition: 'messaging.destination.partition.id',
  messagingGroup: 'messaging.consumer.group.name',
  messagingOffset: 'messaging.kafka.offset',
  errorType: 'error.type',
} as const;

/** Attributes of a span about Kafka. `topic` is the name on the broker. */
export function messagingAttributes(operation: 'send' | 'process', topic: string, more: { partition?: number; offset?: string; group?: string } = {}): Record<string, string | number> {
  return {
    [ATTRIBUTES.messagingSystem]: 'kafka',
    [ATTRIBUTES.messagingOperationName]: operation,
    [ATTRIBUTES.messagingOperationType]: operation,
    [ATTRIBUTES.messagingDestination]: topic,
    ...(more.partition === undefined ? {} : { [ATTRIBUTES.messagingPartition]: String(more.partition) }),
    ...(more.offset === undefined ? {} : { [ATTRIBUTES.messagingOffset]: Number(more.offset) }),
    ...(more.group === undefined ? {} : { [ATTRIBUTES.messagingGroup]: more.group }),
  };
}
