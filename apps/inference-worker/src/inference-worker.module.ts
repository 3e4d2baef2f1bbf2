import { randomUUID } from 'node:crypto';
import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { BUS, BusModule, prefixedNames, type Bus } from '@throughline/bus';
import { encodeEvent } from '@throughline/contracts';
import { createLogger } from '@throughline/telemetry';
import type { WorkerConfig } from './config.js';
import { Breakers } from './degrade/breakers.js';
import { Fallbacks } from './degrade/fallbacks.js';
import { scoreOn } from './degrade/score-on.js';
import { SOURCE } from './domain/answer-events.js';
import { FeatureCache } from './features/feature-cache.js';
import { FeatureStoreClient } from './features/feature-store-client.js';
import { FeatureUpdates } from './features/feature-updates.js';
import { GuardedFeatureStore } from './features/guarded-store.js';
import { OwnRequestTopics } from './handlers/own-request-topics.js';
import { PredictionRequestedBatchHandler } from './handlers/prediction-requested-batch.handler.js';
import { PredictionRequestedHandler } from './handlers/prediction-requested.handler.js';
import { TopicScoring } from './handlers/topic-scoring.js';
import { InferService } from './http/infer.service.js';
import { InferenceProtocolController } from './http/inference-protocol.controller.js';
import { systemClock as clock } from './scoring/clock.js';
import { ScoringPipeline } from './scoring/pipeline.js';
import { AnswerRecorder } from './scoring/recorder.js';
import { runBatch } from './scoring/run-batch.js';
import { Scheduler } from './scoring/scheduler.js';
import { ShadowScorer } from './scoring/shadow-scorer.js';
import { StageMetrics } from './scoring/stage-metrics.js';
import { WorkerGauges } from './scoring/worker-gauges.js';
import { Deployments } from './serving/deployments.js';
import { ModelFleet } from './serving/model-fleet.js';
import { createModelHost } from './serving/model-host.js';
import { ServingReports } from './serving/serving-reports.js';
import { WarmStartStrategy } from './warm-start.strategy.js';

export const SERVICE = 'inference-worker';

@Module({})
export class InferenceWorkerModule {
  static forRoot(config: WorkerConfig): DynamicModule {
    return {
      module: InferenceWorkerModule,
      imports: [BusModule.forRoot({ service: SERVICE, settings: config, logger: createLogger(SERVICE) })],
      controllers: [PredictionRequestedHandler, PredictionRequestedBatchHandler, InferenceProtocolController],
      providers: [...storedFeatures(config), ...models(config), ...scoring(config)],
    };
  }
}

const storedFeatures = (config: WorkerConfig): Provider[] => [
  {
    provide: GuardedFeatureStore,
    useFactory: () => new GuardedFeatureStore({ store: new FeatureStoreClient({ url: config.FEATURE_STORE_URL, timeoutMs: config.FEATURE_STORE_TIMEOUT_MS, serviceKey: config.AUTH_SERVICE_KEY }), openMs: config.FEATURE_STORE_OPEN_MS }),
  },
  { provide: FeatureUpdates, useFactory: (bus: Bus) => new FeatureUpdates(bus, createLogger(SERVICE)), inject: [BUS] },
  {
    provide: FeatureCache,
    useFactory: (updates: FeatureUpdates, store: GuardedFeatureStore) =>
      new FeatureCache({
        store,
        maxEntries: config.FEATURE_CACHE_MAX_ENTRIES,
        isLagging: () => updates.lag > config.FEATURE_CACHE_MAX_LAG,
        nowMs: clock.nowMs,
        logger: createLogger(SERVICE),
      }),
    inject: [FeatureUpdates, GuardedFeatureStore],
  },
];

const models = (config: WorkerConfig): Provider[] => [
  {
    provide: ModelFleet,
    useFactory: (cache: FeatureCache, bus: Bus) =>
      new ModelFleet({
        host: createModelHost(config, createLogger(SERVICE)),
        raiseAlert: (alert) => bus.producer.send({ topic: 'alert.raised.v1', key: alert.model, ...encodeEvent('alert.raised.v1', { id: alert.alertId, source: SOURCE, timeMs: clock.nowMs(), data: alert }) }),
        defaultMaxBatchSize: config.MAX_BATCH_SIZE,
        onLoaded: ({ lookups }) => cache.register(lookups),
        logger: createLogger(SERVICE),
      }),
    inject: [FeatureCache, BUS],
  },
  {
    provide: Deployments,
    useFactory: (bus: Bus, fleet: ModelFleet, ownTopics: OwnRequestTopics) => new Deployments(bus, fleet, () => void ownTopics.changed(), createLogger(SERVICE)),
    inject: [BUS, ModelFleet, OwnRequestTopics],
  },
  {
    provide: ServingReports,
    useFactory: (bus: Bus, fleet: ModelFleet) => new ServingReports({ fleet, producer: bus.producer, worker: config.WORKER_ID, nowMs: clock.nowMs, logger: createLogger(SERVICE) }),
    inject: [BUS, ModelFleet],
  },
];

const scoring = (config: WorkerConfig): Provider[] => [
  {
    provide: Breakers,
    useFactory: (fleet: ModelFleet) =>
      new Breakers({ policyOf: (model) => fleet.assignment(model)?.breaker ?? {}, serving: () => fleet.models.flatMap((model) => [...(fleet.assignment(model)?.versions.values() ?? [])]), logger: createLogger(SERVICE) }),
    inject: [ModelFleet],
  },
  { provide: Scheduler, useFactory: (breakers: Breakers) => new Scheduler({ clock, run: (model, rows) => runBatch(model, rows, clock, breakers) }), inject: [Breakers] },
  {
    provide: Fallbacks,
    useFactory: (fleet: ModelFleet, cache: FeatureCache, scheduler: Scheduler, breakers: Breakers) =>
      new Fallbacks({
        fleet, clock,
        scoreOn: scoreOn({ cache, scheduler, breakers, clock }),
        predictMs: (model, rows) => scheduler.predictMs(model, rows),
        maxRemembered: config.FALLBACK_MAX_REMEMBERED,
        maxRememberedBytes: config.FALLBACK_MAX_REMEMBERED_BYTES,
      }),
    inject: [ModelFleet, FeatureCache, Scheduler, Breakers],
  },
  {
    provide: ScoringPipeline,
    useFactory: (fleet: ModelFleet, cache: FeatureCache, scheduler: Scheduler, breakers: Breakers, fallbacks: Fallbacks) =>
      new ScoringPipeline({
        fleet, cache, scheduler, breakers, fallbacks, clock,
        random: Math.random,
        traceSampleRatio: config.TRACE_SAMPLE_RATIO,
        cpuHourPriceMicroUsd: config.PRICE_CPU_HOUR_MICRO_USD,
      }),
    inject: [ModelFleet, FeatureCache, Scheduler, Breakers, Fallbacks],
  },
  { provide: StageMetrics, useFactory: (fleet: ModelFleet) => new StageMetrics((model) => fleet.assignment(model)?.latencyBudgetMs ?? {}, () => fleet.models), inject: [ModelFleet] },
  {
    provide: AnswerRecorder,
    useFactory: (bus: Bus, fleet: ModelFleet, stages: StageMetrics) =>
      new AnswerRecorder({ producer: bus.producer, worker: config.WORKER_ID, clock, stages, isDeployed: (model) => fleet.assignment(model) !== undefined, names: prefixedNames(config.KAFKA_TOPIC_PREFIX) }),
    inject: [BUS, ModelFleet, StageMetrics],
  },
  {
    provide: ShadowScorer,
    useFactory: (bus: Bus, fleet: ModelFleet, cache: FeatureCache, scheduler: Scheduler, breakers: Breakers) =>
      new ShadowScorer({ fleet, cache, scheduler, breakers, producer: bus.producer, worker: config.WORKER_ID, clock, logger: createLogger(SERVICE) }),
    inject: [BUS, ModelFleet, FeatureCache, Scheduler, Breakers],
  },
  {
    provide: TopicScoring,
    useFactory: (fleet: ModelFleet, pipeline: ScoringPipeline, recorder: AnswerRecorder, shadows: ShadowScorer, fallbacks: Fallbacks) => new TopicScoring({ fleet, pipeline, recorder, shadows, fallbacks }),
    inject: [ModelFleet, ScoringPipeline, AnswerRecorder, ShadowScorer, Fallbacks],
  },
  {
    provide: InferService,
    useFactory: (fleet: ModelFleet, pipeline: ScoringPipeline, recorder: AnswerRecorder, shadows: ShadowScorer, fallbacks: Fallbacks, bus: Bus) =>
      new InferService({
        fleet, pipeline, recorder, shadows, fallbacks,
        producer: bus.producer,
        newId: randomUUID,
        maxRows: config.HTTP_MAX_ROWS,
        maxPendingRows: config.HTTP_MAX_PENDING_ROWS,
        logger: createLogger(SERVICE),
      }),
    inject: [ModelFleet, ScoringPipeline, AnswerRecorder, ShadowScorer, Fallbacks, BUS],
  },
  { provide: WorkerGauges, useFactory: (fleet: ModelFleet, scheduler: Scheduler, cache: FeatureCache) => new WorkerGauges(fleet, scheduler, cache), inject: [ModelFleet, Scheduler, FeatureCache] },
  {
    provide: OwnRequestTopics,
    useFactory: (bus: Bus, topicScoring: TopicScoring, fleet: ModelFleet) => new OwnRequestTopics({ bus, group: SERVICE, scoring: topicScoring, wanted: () => fleet.requestTopics, logger: createLogger(SERVICE) }),
    inject: [BUS, TopicScoring, ModelFleet],
  },
  {
    provide: WarmStartStrategy,
    useFactory: (bus: Bus, deployments: Deployments, updates: FeatureUpdates, cache: FeatureCache, ownTopics: OwnRequestTopics) =>
      new WarmStartStrategy(bus, SERVICE, () => Promise.all([deployments.start(), updates.start(cache)]), ownTopics),
    inject: [BUS, Deployments, FeatureUpdates, FeatureCache, OwnRequestTopics],
  },
];
